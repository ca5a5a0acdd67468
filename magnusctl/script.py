"""Probes become shell, a plan becomes a tar, and what a host prints becomes answers and events."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from magnusctl.errors import ProtocolError
from magnusctl.quote import sh
from magnusctl.resources import ask, shell_files, steps
from magnusctl.state import Action, Plan, Probe, Step, digest

MAX_LINE = 1 << 20
MAX_LINES = 200_000

# Constants that any login shell hands to sh: no quote, newline, backslash or exclamation mark.
_DIGEST = (
    "if command -v sha256sum >/dev/null 2>&1; then g=$({data} | sha256sum); "
    "elif command -v shasum >/dev/null 2>&1; then g=$({data} | shasum -a 256); "
    "elif command -v openssl >/dev/null 2>&1; then g=$({data} | openssl dgst -sha256 -r); "
    "else echo magnus-no-digest >&2; exit 69; fi; "
)
_PROBE = (
    "umask 077; read -r n d r || { echo magnus-incomplete >&2; exit 65; }; s=$(cat); "
    + _DIGEST.format(data="printf %s $q$s$q").replace("$q", '"')
    + '[ "${g%% *}" = "$d" ] || { echo magnus-incomplete >&2; exit 65; }; '
    'NONCE=$n; ROOT=$r; eval "$s"'
)
_APPLY = (
    "umask 077; read -r n d j r || { echo magnus-incomplete >&2; exit 65; }; "
    "command -v tar >/dev/null 2>&1 || { echo magnus-no-tar >&2; exit 69; }; "
    'b="$r/var/lib/magnus"; for p in "$b" "$b/jobs"; do '
    '[ -L "$p" ] || mkdir -p "$p" || { echo magnus-no-state >&2; exit 73; }; '
    'set -- $(ls -ldn "$p"); '
    'case $1 in d????[-]??[-]*) ;; *) echo magnus-state-unsafe "$p" >&2; exit 77;; esac; '
    '[ "$3" = "$(id -u)" ] || { echo magnus-state-unsafe "$p" >&2; exit 77; }; done; '
    'c="$b/jobs/$j"; mkdir "$c" && cd "$c" || { echo magnus-no-state >&2; exit 73; }; '
    'cat >payload || { echo magnus-no-space >&2; cd /; rm -rf "$c"; exit 73; }; '
    + _DIGEST.format(data="cat payload")
    + '[ "${g%% *}" = "$d" ] || { cd /; rm -rf "$c"; echo magnus-incomplete >&2; exit 65; }; '
    'tar -xf payload && exec /bin/sh ./job "$n" "$r"'
)
_SUDO = (
    'if [ "$(id -u)" = 0 ]; then exec /bin/sh -c "$1"; fi; '
    "command -v sudo >/dev/null 2>&1 || { echo magnus-no-sudo >&2; exit 71; }; "
    "LC_ALL=C; export LC_ALL; "
    'exec sudo -n -- /bin/sh -c "$1"'
)


@dataclass(frozen=True)
class Request:
    """What is sent to a host: a constant command, and the standard input for it."""

    command: str
    stdin: bytes
    nonce: str


def probe_command(become: bool) -> str:
    """The exec string of a probe."""
    return _command(_PROBE, become)


def apply_command(become: bool) -> str:
    """The exec string of a job."""
    return _command(_APPLY, become)


def _command(text: str, become: bool) -> str:
    if become:
        return f"exec /bin/sh -c '{_SUDO}' sh '{text}'"
    return f"exec /bin/sh -c '{text}'"


def probe_request(probes: Sequence[Probe[Any]], nonce: str, *, root: str, become: bool) -> Request:
    """Ask every probe in one exec."""
    text = probe_text(probes).encode("utf-8", "surrogateescape")
    header = f"{nonce} {digest(text)} {root}\n"
    return Request(probe_command(become), header.encode() + text, nonce)


def probe_text(probes: Sequence[Probe[Any]]) -> str:
    """The shell text of a probe. No newline at its end: `$(cat)` would lose it."""
    return (_library("prelude.sh", *_needed(probes)) + _questions(probes)).rstrip("\n")


def _questions(probes: Sequence[Probe[Any]]) -> str:
    asked = [f"ask {sh(probe.name)} {probe.lines} {probe.script}" for probe in probes]
    # What a login's start-up files print without a newline must not swallow the first answer.
    return "\n".join(["export ROOT", "echo", *asked, 'printf "%s end\\n" "$NONCE"', ""])


def _needed(probes: Sequence[Probe[Any]]) -> list[str]:
    return sorted({name for probe in probes for name in probe.needs})


def _library(*names: str) -> str:
    return "".join(_shell(name) for name in names)


@cache
def _shell(name: str) -> str:
    """A shell file without the comments and indentation that only readers need."""
    text = files("magnusctl").joinpath(name).read_text()
    return re.sub(r"^\s*(#.*)?\n|^[ \t]+", "", text, flags=re.MULTILINE)


def job_steps(plan: Plan) -> list[Step]:
    """The steps of what can be done now; what is unknown waits for the next round."""
    return list(steps([c for c in plan.changes if c.action is not Action.UNKNOWN]))


def job_text(todo: Sequence[Step], probes: Sequence[Probe[Any]]) -> str:
    """The shell text of a job: its steps, and the closing probe."""
    kinds = {change.resource.kind for step in todo for change in step.changes}
    libraries = ["prelude.sh", "job.sh", *_needed(probes), *shell_files(kinds, "apply.sh")]
    lines = [
        "NONCE=$1 ROOT=$2",
        "JOB=${PWD##*/}",
        _library(*libraries),
        *(step.prepare for step in todo if step.prepare),
        "echo",
        f"event begin {len(todo)}",
    ]
    for number, step in enumerate(todo):
        lines += _step_lines(number, step, _needs(todo, number))
    # What a guard leaves running must not hold the listener's end of the job open.
    lines += ["event end", "rm -rf payload files", "exec 3>&-", _questions(probes)]
    return "\n".join(lines)


def _step_lines(number: int, step: Step, needs: Sequence[int]) -> list[str]:
    guards = [
        f"still {sh(change.guard)} {ask([change.resource])}"
        for change in step.changes
        if change.guard is not None
    ]
    return [
        f"# {number}: {_one_line(step)}",
        f"guard_{number}() {{ {' && '.join(guards) or ':'}\n}}",
        f"do_{number}() {{ {step.script}\n}}",
        f"run_step {number} {sh(' '.join(map(str, needs)))}",
    ]


def _one_line(step: Step) -> str:
    return ", ".join(repr(change.resource.id)[1:-1] for change in step.changes)


def _needs(todo: Sequence[Step], number: int) -> list[int]:
    """The earlier steps whose failure stops this one."""
    wanted = {
        name
        for change in todo[number].changes
        for name in (*change.resource.after, *change.resource.restart_on)
    }
    return [
        earlier
        for earlier, step in enumerate(todo[:number])
        if any(change.resource.id in wanted for change in step.changes)
    ]


def apply_request(
    job: str, todo: Sequence[Step], text: str, nonce: str, *, root: str, become: bool
) -> Request:
    """A job as one tar that runs only when its digest matches."""
    payload = {name: data for step in todo for name, data in (step.payload or {}).items()}
    data = _tar({"job": text.encode("utf-8", "surrogateescape")} | _under_files(payload))
    header = f"{nonce} {digest(data)} {job} {root}\n"
    return Request(apply_command(become), header.encode() + data, nonce)


def _under_files(payload: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"files/{name}": data for name, data in sorted(payload.items())}


def _tar(members: Mapping[str, bytes]) -> bytes:
    """The same bytes for the same members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o600
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@dataclass(frozen=True)
class Event:
    """A line of a job's journal: when, what, and about which step."""

    time: str
    word: str
    arguments: tuple[str, ...]


@dataclass
class Answers:
    """What a host printed so far: groups of lines by probe, and what steps said."""

    nonce: str
    groups: dict[str, list[str]] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    output: dict[int, list[str]] = field(default_factory=dict)
    noise: list[str] = field(default_factory=list)
    ended: bool = False
    _group: str = ""

    def read(self, lines: Iterable[str]) -> Iterator[Event]:
        """Take lines in; yield the events of the journal as they come.

        Raises ProtocolError for lines that the protocol does not know.
        """
        for count, line in enumerate(lines):
            if count > MAX_LINES or len(line) > MAX_LINE:
                raise ProtocolError("the answer is too long to be one", hint=_HOSTILE)
            if not line.startswith(self.nonce + " "):
                self.noise += [line[:200]] if line else []
                continue
            event = self._understood(line.removeprefix(self.nonce + " "))
            if event:
                yield event

    def _understood(self, line: str) -> Event | None:
        try:
            return self._framed(line)
        except ValueError:
            raise ProtocolError(f"unexpected answer {line[:60]!r}", hint=_HOSTILE) from None

    def _framed(self, line: str) -> Event | None:
        mark, _, rest = line.partition(" ")
        if mark == ">":
            self._group, _, count = rest.partition(" ")
            self.groups[self._group], self.wanted[self._group] = [], int(count)
        elif mark in {".", "x"} and self._group:
            self.groups[self._group].append(_plain(rest) if mark == "x" else rest)
        elif mark in {"o", "h"}:
            number, _, text = rest.partition(" ")
            self.output.setdefault(_index(number), []).append(_plain(text) if mark == "h" else text)
        elif mark == "j":
            time, word, *arguments = rest.split(" ")
            return Event(time, word, tuple(arguments))
        elif mark == "end":
            self.ended = True
        else:
            raise ValueError(mark)
        return None

    def lines(self, probe: Probe[Any]) -> list[str]:
        """The answers to one probe. Raises ProtocolError when they are not all there."""
        if not self.ended:
            raise ProtocolError("the answer has no end", detail="\n".join(self.noise[-5:]))
        lines = self.groups.get(probe.name, [])
        if probe.lines >= 0 and len(lines) != probe.lines:
            raise ProtocolError(
                f"{len(lines)} answers to {probe.lines} questions about {probe.name}",
                detail="\n".join(self.noise[-5:]),
            )
        return lines


_HOSTILE = "Is this the host you think it is? Nothing of its answer was used."


def _index(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _plain(text: str) -> str:
    plain = bytes.fromhex(text).decode("utf-8", "surrogateescape")
    if "\0" in plain:
        raise ValueError("a NUL byte")
    return plain
