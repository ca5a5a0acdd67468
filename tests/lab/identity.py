"""Users of a lab host who have less rights than admin, or get them in another way."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.host import Host

PASSWORD = "correct horse 'battery' $staple"
"""Of every user here who has one; as hostile to a shell as a good password is."""


@dataclass(frozen=True)
class SudoUser:
    """A login, and what sudoers says about it."""

    name: str
    rules: tuple[str, ...] = ()


USERS = (
    SudoUser("pwadmin", ("pwadmin ALL=(ALL) ALL",)),
    SudoUser("nosudo"),
    SudoUser("somesudo", ("somesudo ALL=(ALL) NOPASSWD: /usr/bin/id",)),
    SudoUser(
        "promptadmin",
        ('Defaults:promptadmin passprompt="Give it: "', "promptadmin ALL=(ALL) ALL"),
    ),
    SudoUser(
        "overadmin",
        (
            'Defaults:overadmin passprompt="Give it: ", passprompt_override',
            "overadmin ALL=(ALL) ALL",
        ),
    ),
)


def sudo_users(host: Host, public_key: str) -> None:
    """Make the users of this module on a host, each with this key and with PASSWORD.

    pwadmin: sudo with a password. nosudo: none. somesudo: /usr/bin/id alone, without a password.
    promptadmin: as pwadmin, with a prompt of the site's. overadmin: that prompt before PAM's, too.
    """
    for user in USERS:
        _make(host, user, public_key)
    host.run("visudo -cq")


def _make(host: Host, user: SudoUser, public_key: str) -> None:
    host.run(f"useradd --create-home --shell /bin/bash {user.name}")
    home = f"/home/{user.name}"
    ssh = host.rootfs / home.lstrip("/") / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "authorized_keys").write_text(public_key)
    words = host.rootfs / "root/.password"
    words.touch(mode=0o600)
    words.write_text(f"{user.name}:{PASSWORD}\n")
    host.run("chpasswd </root/.password; code=$?; rm /root/.password; exit $code")
    if user.rules:
        rules = host.rootfs / "etc/sudoers.d" / user.name
        rules.write_text("".join(f"{rule}\n" for rule in user.rules))
        rules.chmod(0o440)
    host.run(f"chown -R {user.name}: {home}/.ssh && chmod 600 {home}/.ssh/authorized_keys")
