"""The log of llama-server, of the older and of the newer form of its lines."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import lines_of
from magnusctl.parsers.json_values import matches, plain

_LINE = re.compile(
    r"^(?:\S{1,20} [IWED] |)\s*"
    r"(?:srv|slot|que|cmn|main:|build:|system info|llama_|load_model|ggml_)"
    r"|^(?:INFO|WARN|ERR|VERB) {1,2}\[ *\w{1,40}\] |^\{.{0,300}\"msg\": ?\""
)
_LISTENING = re.compile(r"listening on (https?://[^\s,]{1,200})")
_OLD_LISTENING = re.compile(r"server (?:is )?listening")
_HOST = re.compile(r'\bhostname"?[:=] ?"?([^",\s]{1,100})')
_PORT = re.compile(r'\bport"?[:=] ?"?(\d{1,5})')
_SPEED = re.compile(
    r"(prompt eval|eval) time =\s{0,20}([\d.]{1,15}) ms /\s{0,12}(\d{1,10}) (?:tokens|runs)"
    r" .{0,60}?([\d.]{1,15}) tokens per second"
)
_ERROR = re.compile(r"\berror: (\S.{0,400})$")
_OTHER_ERROR = re.compile(
    r"^\S{1,20} E \s*\S.{0,40}?: (\S.{0,400})$|(exiting due to \S.{0,200})$"
    r"|(couldn't bind \S.{0,200})$|(.{0,200}out of memory.{0,200})$"
    r"|: (failed to load model.{0,300})$|(.{0,80}Address already in use.{0,80})$"
)
_NUMBERS = {
    "n_slots": re.compile(r"\bn_slots\"?\s*[:=]\s*'?(\d{1,6})"),
    "n_ctx_slot": re.compile(r"\bn_ctx_slot\"?\s*[:=]\s*'?(\d{1,9})|new slot, n_ctx = (\d{1,9})"),
    "n_ctx": re.compile(r"\bn_ctx\s+=\s+(\d{1,9})$"),
    "n_ctx_train": re.compile(r"\bn_ctx_train\s*=\s*(\d{1,9})$"),
    "n_threads": re.compile(r"\bn_threads\s*=\s*(\d{1,6})"),
    "offloaded_layers": re.compile(r"offloaded (\d{1,5})/\d{1,5} layers to GPU"),
    "layers": re.compile(r"offloaded \d{1,5}/(\d{1,5}) layers to GPU"),
}
_WORDS = {
    "model": re.compile(r"loading model '?([^'\n]{1,300}?)'?$"),
    "build": re.compile(r"\bbuild:? (\d{1,9} \([0-9a-f]{4,40}\)|b\d{1,9}-[0-9a-f]{4,40})"),
}


@dataclass(frozen=True)
class Log:
    """What the log tells; `loaded` and `listening` are of the last start, speeds in tokens/s."""

    loaded: bool = False
    listening: str | None = None
    requests: int = 0
    prompt_per_second: float | None = None
    predicted_per_second: float | None = None
    errors: tuple[str, ...] = ()
    numbers: tuple[tuple[str, int | None], ...] = ()
    names: tuple[tuple[str, str | None], ...] = ()


def parse(text: str) -> Log | None:
    """The log, or None where no line is of llama-server."""
    lines = lines_of(plain(text))
    if not any(_LINE.match(line) or _LISTENING.search(line) for line in lines):
        return None
    speeds = [match for line in lines if (match := _SPEED.search(line))]
    prompts = [float(match[4]) for match in speeds if match[1] != "eval" and _is_real(match[4])]
    replies = [float(match[4]) for match in speeds if match[1] == "eval" and _is_real(match[4])]
    return Log(
        loaded=any("model loaded" in line for line in lines),
        listening=_listening(lines),
        requests=len(replies),
        prompt_per_second=prompts[-1] if prompts else None,
        predicted_per_second=replies[-1] if replies else None,
        errors=tuple(error for line in lines if (error := _error(line))),
        numbers=tuple((name, _number(lines, sign)) for name, sign in _NUMBERS.items()),
        names=tuple((name, _first(lines, sign)) for name, sign in _WORDS.items()),
    )


def _is_real(figure: str) -> bool:
    return figure.count(".") < 2 and figure.strip(".") != ""


def _listening(lines: list[str]) -> str | None:
    """Where it answers; what older versions say before the model is loaded only as the last."""
    found = matches(_LISTENING, lines)
    if found:
        return found[-1][1].rstrip(".")
    old = [line for line in lines if _OLD_LISTENING.search(line)]
    host, port = (sign.search(old[-1]) if old else None for sign in (_HOST, _PORT))
    return f"http://{host[1]}:{port[1]}" if host and port else None


def _error(line: str) -> str | None:
    match = _ERROR.search(line) or _OTHER_ERROR.search(line)
    return next((part.strip() for part in match.groups() if part), None) if match else None


def _first(lines: list[str], sign: re.Pattern[str]) -> str | None:
    found = matches(sign, lines)
    return next((part for part in found[0].groups() if part), None) if found else None


def _number(lines: list[str], sign: re.Pattern[str]) -> int | None:
    found = _first(lines, sign)
    return int(found) if found else None


def facts(log: Log) -> Facts:
    """The facts of a log."""
    return {
        "loaded": log.loaded,
        "listening": log.listening,
        "requests": log.requests,
        "prompt_per_second": log.prompt_per_second,
        "predicted_per_second": log.predicted_per_second,
        "error": log.errors[0] if log.errors else None,
        "errors": len(log.errors),
        **dict(log.numbers),
        **dict(log.names),
    }
