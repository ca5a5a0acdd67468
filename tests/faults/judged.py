"""What must hold whatever a host says: who is told what, and that nobody else is touched."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable

import pytest

from tests.faults.hostile import Asked, Say, Script, hostile
from tests.faults.shown import objects
from tests.faults.site import Ran, Simulated, Site

SMALL = {
    "files": {f"/etc/app/{name}": {"content": f"{name}\n"} for name in ("one", "three", "four")}
}
MEGABYTES = 250
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
ESCAPES = "\x1b]0;owned\x07\x1b[2J\r\x9b31m"


def slow(case: object) -> object:
    return pytest.param(case, marks=pytest.mark.slow_faults)


def some_cases(cases: Iterable[str], *now: str) -> pytest.MarkDecorator:
    """All of them; those that are not named take long."""
    return pytest.mark.parametrize("case", [c if c in now else slow(c) for c in cases])


def together(place: Site, name: str, port: int) -> Simulated:
    """A hostile host, and an honest one beside it, in one inventory."""
    bad = place.host(name, SMALL, port=port, timeout="5s", confirm_timeout="10s")
    good = place.host(f"{name}-neighbour", SMALL)
    documents = [json.loads(host.inventory.read_text()) for host in (bad, good)]
    document = {"hosts": {**documents[0]["hosts"], **documents[1]["hosts"]}}
    bad.inventory.write_text(json.dumps(document))
    return bad


def provision(place: Site, name: str, script: Script) -> tuple[Ran, str]:
    """Provision a hostile host and an honest one; how it ended, and what is said of the first."""
    with hostile(place.server.folder / "host_key", script) as port:
        return judged(place, together(place, name, port))


def judged(place: Site, host: Simulated) -> tuple[Ran, str]:
    """Provision, and hold what must hold whatever a host says."""
    started = time.monotonic()
    ran = host.run("provision", "--yes", "--json", MAGNUS_RECONNECT_S="2")
    assert time.monotonic() - started < 80
    assert ran.code == 5, ran.said
    assert ran.peak < MEGABYTES * 1024
    # The neighbour got what it should have, as if it were alone.
    neighbour = place.server.root(f"{host.name}-neighbour")
    assert (neighbour / "etc/app/four").read_text() == "four\n"
    assert not CONTROL.search(ran.stdout), ran.stdout
    assert not CONTROL.search(ran.stderr), ran.stderr
    found = [o["error"] for o in (*objects(ran.stdout, "plan"), *objects(ran.stdout, "outcome"))]
    (error,) = [one for one in found if one]
    assert error["host"] == host.name
    assert error["exit_code"] == 5
    assert "a fault of magnusctl" not in error["message"]
    return ran, str(error["message"])


def lines(*texts: str) -> Callable[[Asked, Say], None]:
    """A script that frames some lines with the right nonce, whatever was asked."""

    def script(asked: Asked, say: Say) -> None:
        for text in texts:
            say(f"{asked.nonce} {text}\n".encode("utf-8", "surrogateescape"))

    return script
