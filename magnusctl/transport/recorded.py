"""Hosts that answer from a recording: plans and checks with no network, the same every time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from magnusctl import whole
from magnusctl.bootstrap import Request
from magnusctl.checks.custom import unrecorded
from magnusctl.errors import InputError
from magnusctl.transport import Wire

FORMAT = "magnus-probe/1"
Recording = Mapping[str, Sequence[str]]
"""Question (`facts`, or the id of a resource) to the lines that answer it."""


def save(folder: Path, host: str, answers: Recording, *, simulated: bool) -> Path:
    """Write what a host answered. Raises InputError when the folder cannot be written."""
    path = folder / f"{host}.json"
    document = {"format": FORMAT, "host": host, "simulated": simulated, "answers": answers}
    text = json.dumps(document, indent=1, sort_keys=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        whole.write(path, f"{text}\n".encode())
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=str(path)) from None
    return path


def load(folder: Path, host: str) -> Recording:
    """The answers of a recording. Raises InputError, as `is_simulated` does."""
    answers: Recording = _document(folder, host)["answers"]
    return answers


def is_simulated(folder: Path, host: str) -> bool:
    """Whether stand-ins answered when it was recorded.

    Raises InputError for a recording that is missing or of another format.
    """
    return bool(_document(folder, host).get("simulated"))


def _document(folder: Path, host: str) -> dict[str, Any]:
    path = folder / f"{host}.json"
    hint = f"Record it again with:  magnusctl probe --record {folder} -l {host}"
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError("nothing was recorded of this host", where=str(path), hint=hint) from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not a recording: {error}", where=str(path), hint=hint) from None
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        message = f"recorded in the format '{found}'; this magnusctl reads '{FORMAT}'"
        raise InputError(message, where=str(path), hint=hint)
    answers = document.get("answers")
    if not isinstance(answers, dict) or not all(map(_is_answer, answers.values())):
        raise InputError("not a recording: it has no answers", where=str(path), hint=hint)
    return dict(document)


def _is_answer(told: object) -> bool:
    return isinstance(told, list) and all(isinstance(line, str) for line in told)


class RecordedTransport:
    """Answers one probe from a recording, in the words of the wire."""

    def __init__(self, folder: Path, host: str, questions: Mapping[str, Sequence[str]]) -> None:
        """`questions` are the questions of each probe, in the order in which it asks them."""
        self.folder = folder
        self.host = host
        self.questions = questions

    def execute(self, request: Request, idle_s: float = 0) -> Iterator[str]:
        """See Transport.execute; the command is not run."""
        del idle_s
        nonce = request.nonce
        answers = load(self.folder, self.host)
        for probe, questions in self.questions.items():
            lines = [line for question in questions for line in self._answer(answers, question)]
            yield f"{nonce} > {probe} {len(lines)}"
            yield from (
                f"{nonce} x {line.encode('utf-8', 'surrogateescape').hex()}" for line in lines
            )
        yield f"{nonce} end"

    def _answer(self, answers: Recording, question: str) -> Sequence[str]:
        if question not in answers and unrecorded(question):
            return (unrecorded(question),)
        if question not in answers:
            hint = f"Record it again with:  magnusctl probe --record {self.folder} -l {self.host}"
            where = str(self.folder / f"{self.host}.json")
            raise InputError(f"no answer about {question} was recorded", where=where, hint=hint)
        return answers[question]

    def fresh(self) -> RecordedTransport:
        """See Transport.fresh."""
        return self

    def dial(self, address: str, port: int, timeout_s: float) -> Wire:
        """See Transport.dial: nobody is there."""
        del timeout_s
        raise InputError(f"nothing listens on {address}:{port}: these are recorded answers")

    def send_file(self, local: str, remote: str, offset: int, moved: Callable[[int], None]) -> None:
        """See Transport.send_file: nothing is sent."""
        del remote, offset, moved
        raise InputError(f"{local} is not sent anywhere: these are recorded answers")

    def host_key(self) -> str:
        """See Transport.host_key."""
        return ""

    def weakness(self) -> str:
        """See Transport.weakness."""
        return ""

    def close(self) -> None:
        """Nothing is held."""
