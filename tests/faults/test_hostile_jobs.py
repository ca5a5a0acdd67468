"""V15: a host that lies about its jobs: it repeats, invents, boasts, colours and remembers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from tests.faults.hostile import Asked, Say, Script, hostile
from tests.faults.judged import CONTROL, ESCAPES, SMALL, lines, provision, some_cases, together
from tests.faults.site import Site

Tamper = Callable[[list[str], str], Iterator[str]]


def tampered(tamper: Tamper) -> Script:
    """An honest host, but for its words about jobs."""

    def script(asked: Asked, say: Say) -> None:
        said = asked.honest()
        if asked.job or asked.follows:
            said = list(tamper(said, asked.nonce))
        for line in said:
            say(f"{line}\n".encode("utf-8", "surrogateescape"))

    return script


def twice(said: list[str], nonce: str) -> Iterator[str]:
    for line in said:
        yield line
        if " ok 1" in line:
            yield line


def from_the_start(said: list[str], nonce: str) -> Iterator[str]:
    yield from said[:4]
    yield from said


def insert(text: str) -> Tamper:
    """Say something of its own before the second step."""

    def tamper(said: list[str], nonce: str) -> Iterator[str]:
        for line in said:
            if " start 1" in line:
                yield f"{nonce} j 2026-01-01T00:00:00Z {text}"
            yield line

    return tamper


TAMPERED: dict[str, tuple[Tamper, str]] = {
    "repeats an event": (twice, "ok 1"),
    "begins again": (from_the_start, "begin 3"),
    "a step there is not": (insert("ok 7"), "an event about no step"),
    "a step that is no number": (insert("ok many"), "ok many"),
    "a step below all": (insert("start -1"), "start -1"),
    "an unknown word": (insert("explode 1"), "explode 1"),
    "a word of the lock cut short": (insert("locked somebody"), "locked somebody"),
    "a question cut short": (insert("confirm"), "confirm"),
    "a question for ever": (insert("confirm inf"), "confirm inf"),
    "a failure cut short": (insert("failed 1"), "failed 1"),
    "words of no step": (insert("said 9 . hello"), "words of a step that the job does not have"),
    "half a frame": (insert("said 1 x 6"), "said 1 x 6"),
}


@some_cases(TAMPERED, "repeats an event", "a question for ever")
def test_v15_a_follower_that_repeats_or_invents_is_a_protocol_error(place: Site, case: str) -> None:
    tamper, expected = TAMPERED[case]
    name = f"tampered-{case.replace(' ', '-')}"
    _, message = provision(place, name, tampered(tamper))
    assert expected in message


def test_v15_a_follower_that_leaves_each_time_is_given_up(place: Site) -> None:
    def silent(said: list[str], nonce: str) -> Iterator[str]:
        yield from ()

    provision(place, "leaves", tampered(silent))


def test_v15_a_claim_that_all_is_done_is_not_believed(place: Site) -> None:
    """The closing question decides, and not what the steps say of themselves."""

    def script(asked: Asked, say: Say) -> None:
        if not asked.job:
            for line in asked.honest():
                say(f"{line}\n".encode())
            return
        steps = [f"{word} {number}" for number in range(3) for word in ("start", "ok")]
        for event in ("begin 3", *steps, "end ok"):
            say(f"{asked.nonce} j 2026-01-01T00:00:00Z {event}\n".encode())
        say(f"{asked.nonce} end\n".encode())

    _, message = provision(place, "boasts", script)
    assert "everything was applied, and this stays different: file:/etc/app/one" in message


def test_v15_escape_codes_never_reach_the_terminal_raw(place: Site) -> None:
    def tamper(said: list[str], nonce: str) -> Iterator[str]:
        shown = ESCAPES.encode("utf-8").hex()
        for line in said:
            if " ok 1" in line:
                yield f"{nonce} j 2026-01-01T00:00:00Z waiting {ESCAPES} {ESCAPES} now 1/3"
                yield f"{nonce} j 2026-01-01T00:00:00Z note 1 {ESCAPES}"
                yield f"{nonce} j 2026-01-01T00:00:00Z failed 1 1 {ESCAPES}"
                yield f"{nonce} j 2026-01-01T00:00:00Z said 1 x {shown}"
                yield f"{nonce} j 2026-01-01T00:00:00Z said 1 . {ESCAPES}"
            else:
                yield line

    with hostile(place.server.folder / "host_key", tampered(tamper)) as port:
        host = together(place, "colourful", port)
        ran = host.run("provision", "--yes")
        assert ran.code == 5, ran.said
        assert r"\x1b]0;owned\x07\x1b[2J" in ran.stdout
        for words in (("jobs",), ("attach", "colourful"), ("history", "colourful")):
            ran = host.run(*words)
            assert not CONTROL.search(ran.said), ran.said
    assert not CONTROL.search(ran.said), ran.said


GARBAGE = {
    "deep": "[" * 100_000,
    "no-json": "{",
    "a-list": "[]",
    "a-word": '"x"',
    "much": '{"about": {}, "changes": [{"step": 1000000000000}]}',
    "endless-step": json.dumps(
        {
            "about": dict.fromkeys(("job", "host", "verb", "who", "at", "tool", "plan"), "x"),
            "changes": [{"id": "a", "step": 10**12, "answer": "", "former": "none"}],
        }
    ),
    "infinite": '{"about": 1e999, "changes": Infinity}',
}


@some_cases(GARBAGE, "endless-step")
def test_v15_what_a_host_remembers_may_be_garbage(place: Site, case: str) -> None:
    text = GARBAGE[case]

    def script(asked: Asked, say: Say) -> None:
        # The name of the probe is its last word but two.
        found = re.search(rb"\nask (\w+) (-?\d+) ask_\w+", asked.stdin)
        name = found[1].decode() if found else "jobs"
        line = {"jobs": f"1 a ok 1/1 {text}"}.get(name, text)
        lines(f"> {name} -1", f". {line}", "end")(asked, say)

    with hostile(place.server.folder / "host_key", script) as port:
        host = place.host(f"garbage-{case}", SMALL, port=port)
        for words in (
            ("jobs",),
            ("attach", host.name, "20260101-aaaaaa"),
            ("rollback", host.name, "20260101-aaaaaa", "--dry-run"),
            ("deprovision", host.name, "--dry-run"),
        ):
            ran = host.run(*words)
            assert ran.code == 5, (words, ran.said)
            assert f"{host.name}: " in ran.said
            assert "a fault of magnusctl" not in ran.said
        assert host.run("history", host.name).code == 0
