"""Places that keep secrets: variables, files, age, pass; sops and 1Password are SIMULATED."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.poison import Needles, needle
from tests.secret_helpers import program, run, write

PROVIDERS = ("env", "file", "age", "pass", "sops", "op")
VARIABLE = "MAGNUS_POISON"


def missing() -> str:
    """Why not all of them can be had here, or nothing."""
    lacking = [name for name in ("age", "age-keygen", "pass", "gpg") if not shutil.which(name)]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


@dataclass(frozen=True)
class Vaults:
    """Where each secret lies, and the needle in its value: `odd` is another variable, whose value
    has quotes, a backslash and a second line around it."""

    folder: Path
    texts: Mapping[str, str]

    @property
    def needles(self) -> Needles:
        """What must be nowhere."""
        return Needles(self.texts)

    @property
    def values(self) -> dict[str, str]:
        """The values, as files get them."""
        odd = f"a\"b\\{self.texts['odd']}'c $(x)\nsecond {self.texts['odd']}"
        return {**self.texts, "odd": odd}

    @property
    def environment(self) -> dict[str, str]:
        """What a magnusctl has that uses them."""
        return {
            VARIABLE: self.values["env"],
            f"{VARIABLE}_ODD": self.values["odd"],
            "GNUPGHOME": str(self.folder / "gpg"),
            "PASSWORD_STORE_DIR": str(self.folder / "store"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
        }

    def declared(self) -> dict[str, Any]:
        """The section `secrets` of an inventory."""
        return {
            "env": {"env": VARIABLE},
            "odd": {"env": f"{VARIABLE}_ODD"},
            "file": {"file": str(self.folder / "file")},
            "age": {"age": str(self.folder / "one.age"), "identity": str(self.folder / "identity")},
            "pass": {"pass": "cluster/token"},
            "sops": {"sops": str(self.folder / "all.yaml"), "key": "database.password"},
            "op": {"op": "op://vault/item/field"},
            "sudo": {"file": str(self.folder / "sudo")},
        }


@contextlib.contextmanager
def vaults() -> Iterator[Vaults]:
    """Fill all of them; gpg's sockets need a short path."""
    folder = Path(tempfile.mkdtemp(prefix="magnus-vaults-"))
    made = Vaults(folder, {name: needle() for name in (*PROVIDERS, "odd", "sudo")})
    try:
        _fill(made)
        yield made
    finally:
        with contextlib.suppress(OSError):
            run("gpgconf", "--kill", "gpg-agent", GNUPGHOME=str(folder / "gpg"))
        # The agent takes its sockets away itself, at the same time.
        shutil.rmtree(folder, ignore_errors=True)


def other_values(made: Vaults) -> Vaults:
    """The same places with other values."""
    changed = Vaults(made.folder, {**made.texts, **{n: needle() for n in (*PROVIDERS, "odd")}})
    _fill(changed)
    return changed


def _fill(made: Vaults) -> None:
    folder, texts = made.folder, made.values
    write(folder / "file", f"{texts['file']}\n")
    write(folder / "sudo", f"{texts['sudo']}\n")
    write(folder / "all.yaml", "encrypted\n")
    if not (folder / "identity").exists():
        run("age-keygen", "-o", str(folder / "identity"))
        (folder / "gpg").mkdir(mode=0o700)
        alone = ("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key")
        run(*alone, "me@example.org", "future-default", "default", "never", **_gpg(folder))
        run("pass", "init", "me@example.org", **_gpg(folder))
    public = run("age-keygen", "-y", str(folder / "identity")).strip()
    run("age", "-r", public, "-o", str(folder / "one.age"), said=texts["age"])
    run("pass", "insert", "-f", "-m", "cluster/token", said=f"{texts['pass']}\n", **_gpg(folder))
    for name in ("sops", "op"):
        # It reads its answer from where only it looks, so that it is in no argument here either.
        write(folder / f"{name}.answer", f"{texts[name]}\n")
        for old in (folder / "bin" / name, folder / "bin" / f"SIMULATED-{name}"):
            old.unlink(missing_ok=True)
        program(folder, name, f"cat {folder}/{name}.answer")


def _gpg(folder: Path) -> dict[str, str]:
    return {"GNUPGHOME": str(folder / "gpg"), "PASSWORD_STORE_DIR": str(folder / "store")}
