"""A host one of whose folders is a small disk of its own, and what must hold when it was full."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator

from tests.faults.site import FILES, Ran, Simulated
from tests.faults.smallfs import SmallFs, small

KIB = 4096
"""Small, and yet with inodes for some hundred files."""


@contextlib.contextmanager
def disk(host: Simulated, path: str, kib: int = KIB) -> Iterator[SmallFs]:
    """Put a folder of a host on a disk of its own, with all that is in it."""
    point = host.path(path)
    aside = host.root.with_name(f"{host.name}.aside")
    shutil.copytree(point, aside)
    mode = point.stat().st_mode
    try:
        with small(point, kib) as made:
            shutil.copytree(aside, point, dirs_exist_ok=True)
            point.chmod(mode)
            yield made
    finally:
        shutil.rmtree(aside)


def assert_told(host: Simulated, ran: Ran) -> None:
    """Exit code 5, and one sentence: which host, where there is no room, what to do next."""
    assert ran.code == 5, ran.said
    assert f"{host.name}: " in ran.stdout
    assert "no space " in ran.stdout, ran.said
    assert "KiB are needed, " in ran.stdout, ran.said
    assert "Free some space there, then run the same command again." in ran.stdout


def assert_untouched(host: Simulated) -> None:
    """Nothing was run: every file as it was."""
    assert host.files() == {path: before for path, (before, _) in FILES.items()}
    assert not list(host.path("/etc").rglob(".magnus.*"))


def assert_sound(host: Simulated, ran: Ran) -> None:
    """I1 and I3: nothing half written, nothing left over, and nothing claimed that is not so."""
    host.assert_whole()
    assert not list(host.path("/etc").rglob(".magnus.*"))
    assert not [p for kept in ("kept", "origin", "started") for p in host.state.glob(f"{kept}/.*")]
    back = "  reverted" in ran.stderr
    for path, (_, after) in FILES.items():
        if f"  file:{path}  ok" in ran.stderr and not back:
            assert host.contents(path) == after, f"{path} is said to be done"
    for line in host.journal():
        assert line.split(" ")[0] in WORDS, f"no line of a journal: {line}"
    audit = host.state / "audit.jsonl"
    told = audit.read_text().splitlines() if audit.exists() else []
    assert [json.loads(line)["result"] for line in told if line.endswith("}")]


WORDS = {
    *("begin", "start", "ok", "failed", "said", "skip", "conflict", "cancelled", "end"),
    *("arm", "unarmed", "confirm", "confirmed", "reverting", "undone", "undo-failed", "reverted"),
    *("revert-failed", "no-space", "no-files", "read-only"),
}
