"""The base of a Mac that serves: it stays awake, comes back, and lets nobody in unasked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from magnusctl.quote import sh
from magnusctl.resources.command import Command
from magnusctl.resources.pmset import Pmset
from magnusctl.roles.context import Context
from magnusctl.state import Resource

LOGIN_GROUP = "com.apple.access_ssh"
FIREWALL = "/usr/libexec/ApplicationFirewall/socketfilterfw"
IPERF3 = "/opt/homebrew/bin/iperf3"
# A server must come back and stay awake; ttyskeepawake alone does not hold it awake at night.
NEVER_SLEEP = {
    "sleep": 0,
    "disksleep": 0,
    "powernap": 0,
    "standby": 0,
    "womp": 1,
    "autorestart": 1,
    "ttyskeepawake": 1,
}
_UPDATES = "/Library/Preferences/com.apple.SoftwareUpdate"


def resources(context: Context) -> Iterator[Resource]:
    """What a Mac is told besides who logs in."""
    yield Command(
        label="network time on",
        run="system systemsetup -setusingnetworktime on",
        unless="system systemsetup -getusingnetworktime | grep -q ': On$'",
        undo="system systemsetup -setusingnetworktime off",
    )
    if "inference" in context.host.roles:
        yield from _serves(context)


def _serves(context: Context) -> Iterator[Resource]:
    minutes = round(context.variables.base.display_sleep / 60)
    for key, value in {**NEVER_SLEEP, "displaysleep": minutes}.items():
        yield Pmset(key=key, value=value)
    yield Command(
        label="restart after a freeze",
        run="system systemsetup -setrestartfreeze on",
        # Some Macs cannot, and say so.
        unless="system systemsetup -getrestartfreeze | grep -qE ': On$|[Nn]ot supported'",
        undo="system systemsetup -setrestartfreeze off",
    )
    # An update that restarts a server by itself takes its models away in the middle of a request.
    yield Command(
        label="no updates by themselves",
        run=f"system defaults write {_UPDATES} AutomaticallyInstallMacOSUpdates -bool false && "
        "system softwareupdate --schedule off >/dev/null",
        unless=f"[ $(system defaults read {_UPDATES} AutomaticallyInstallMacOSUpdates) = 0 ] && "
        "system softwareupdate --schedule | grep -q off",
        undo=f"system defaults write {_UPDATES} AutomaticallyInstallMacOSUpdates -bool true && "
        "system softwareupdate --schedule on >/dev/null",
    )
    if context.variables.base.firewall.enabled:
        yield Command(
            label="application firewall on",
            run="system socketfilterfw --setglobalstate on",
            unless="system socketfilterfw --getglobalstate | grep -q enabled",
            undo="system socketfilterfw --setglobalstate off",
        )
        # verify measures links, and the firewall lets in no program that it does not know.
        yield lets_in(IPERF3, "package:iperf3")


def may_log_in(users: Sequence[str]) -> Resource:
    """On a Mac that lets only some people in over ssh, the login and these are among them. Where
    everybody may, the group is not there, and to make it would shut everybody else out."""
    names = f'"$LOGIN" {sh(*users)}'
    members = f'" $(mac_value /Groups/{LOGIN_GROUP} GroupMembership) "'
    missing = f'for u in {names}; do case {members} in *" $u "*) ;; *) exit 1 ;; esac; done'
    add = f'system dseditgroup -o edit -a "$u" -t user {LOGIN_GROUP} || exit 1'
    return Command(
        label="may log in over ssh",
        run=f"for u in {names}; do {add}; done",
        unless=f'[ -z "$(mac_value /Groups/{LOGIN_GROUP} PrimaryGroupID)" ] || ( {missing} )',
        after=tuple(f"user:{user}" for user in users),
    )


def lets_in(program: str, *after: str) -> Command:
    """The application firewall lets a program in. It knows programs by their real path, so one
    that moved with an upgrade is let in anew."""
    path = f'"$(readlink -f "$ROOT{program}" 2>/dev/null || echo "{program}")"'
    return Command(
        label=f"the firewall lets in {program}",
        run=f"system socketfilterfw --add {path} && system socketfilterfw --unblockapp {path}",
        unless=f"system socketfilterfw --getappblocked {path} | grep -q permitted",
        undo=f"system socketfilterfw --remove {path}",
        after=after,
    )
