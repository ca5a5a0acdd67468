"""iperf3 that failed: what it says on either channel, or in its document with -J."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import lines_of
from magnusctl.parsers.json_values import documents, plain, words

_SAID = re.compile(r"\biperf3(?:\.exe)?: (?:parameter )?(?:error|interrupt)\b[ -]{0,3}(\S.{0,500})")
_OTHER = re.compile(r"\biperf3(?:\.exe)?: (?!exiting|warning|OUT OF ORDER)(\S{2,60} .{0,500})")
_NOT_THERE = re.compile(r"iperf3\S{0,4}: (?:command not found|not found)|not found: iperf3")
_KINDS = (
    ("busy", ("server is busy",)),
    ("refused", ("connection refused",)),
    ("no_route", ("no route to host", "unreachable", "host is down")),
    ("timeout", ("timed out", "timeout")),
    ("unknown_host", ("name or service not known", "name resolution", "nodename nor servname")),
    ("interrupted", ("client has terminated", "server has terminated", "unexpectedly closed")),
    ("interrupted", ("terminated", "reset by peer", "broken pipe", "bad file descriptor")),
    ("port_in_use", ("address already in use",)),
    ("not_authorized", ("authorization failed", "authentication failed")),
    ("missing", ("not found",)),
    ("usage", ("must either be a client", "unrecognized option", "invalid option", "some option")),
)


@dataclass(frozen=True)
class Failure:
    """Why iperf3 failed, in its own words without `error - `; None where it does not say so.

    `kind` is busy, refused, no_route, timeout, unknown_host, interrupted, port_in_use,
    not_authorized, missing, usage or other.
    """

    error: str | None = None
    kind: str | None = None


def parse(text: str) -> Failure:
    """The error of the last test in the output."""
    error = _of_documents(text) or _of_lines(text)
    return Failure(error, None if error is None else kind_of(error))


def without_prefix(error: object) -> str | None:
    """An error as the document has it, without the `error - ` that some versions put before it."""
    said = words(error)
    return re.sub(r"^\s*(?:error|interrupt) - ", "", said).strip() if said else None


def kind_of(error: str) -> str:
    """The word for an error."""
    lower = error.lower()
    return next((name for name, signs in _KINDS if any(sign in lower for sign in signs)), "other")


def _of_documents(text: str) -> str | None:
    errors = (_of_document(one) for one in documents(text))
    return next((error for error in reversed([*errors]) if error), None)


def _of_document(told: object) -> str | None:
    answer = told if isinstance(told, dict) else {}
    return without_prefix(answer.get("data" if answer.get("event") == "error" else "error"))


def _of_lines(text: str) -> str | None:
    clean = "\n".join(lines_of(plain(text)))
    match = _SAID.search(clean)
    if match:
        return match[1].strip()
    if _NOT_THERE.search(clean):
        return "iperf3: command not found"
    match = _OTHER.search(clean)
    return match[1].strip() if match else None


def facts(text: str) -> Facts:
    """The error and its kind."""
    found = parse(text)
    return {"error": found.error, "kind": found.kind}
