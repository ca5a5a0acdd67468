"""What pydantic finds, in the words of the inventory and with its place."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from magnusctl.inventory.load import Problem, place
from magnusctl.inventory.marks import Document, Mark, Path, Value
from magnusctl.inventory.model import Inventory
from magnusctl.quote import visible

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "float_type": "a number",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
}


def problems(
    document: Document, errors: Sequence[ErrorDetails], root: type[BaseModel] = Inventory
) -> list[Problem]:
    """One finding for each place; a union reports one for each of its members."""
    by_place: dict[Path, list[ErrorDetails]] = {}
    for error in errors:
        by_place.setdefault(_path(document.data, error), []).append(error)
    return [
        _private(document, path, found[0], root)
        if path[:1] == ("secrets",)
        else _problem(document, path, found, root)
        for path, found in by_place.items()
    ]


def _private(document: Document, path: Path, error: ErrorDetails, root: type[BaseModel]) -> Problem:
    """What somebody wrote in the place of a secret may be the secret: it is not repeated."""
    value = error["input"]
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        error = {**error, "input": _Unshown("text" if isinstance(value, str) else "a number")}
    problem = _problem(document, path, [error], root)
    if error["type"].startswith("model"):
        hint = "say where it is, as {env: NAME}; a secret itself is not written here"
        problem = replace(problem, hint=hint)
    return replace(problem, private=True)


@dataclass(frozen=True)
class _Unshown:
    kind: str


def _path(data: Value, error: ErrorDetails) -> Path:
    """The part of a location that is in the document: pydantic adds names of its types."""
    path: list[str | int] = []
    for part in error["loc"]:
        if (isinstance(data, dict) and part in data) or (
            isinstance(data, tuple) and isinstance(part, int) and part < len(data)
        ):
            data = data[part]  # type: ignore[index]
            path.append(part)
    if error["type"] == "missing":
        path.append(error["loc"][-1])
    return tuple(path)


def _problem(
    document: Document, path: Path, found: Sequence[ErrorDetails], root: type[BaseModel]
) -> Problem:
    error = found[0]
    kind = error["type"]
    name = _name(path)
    about_key = kind == "extra_forbidden" or "[key]" in error["loc"]
    mark = place(document, path, key=about_key)
    if kind == "extra_forbidden":
        return Problem(f"unknown key {name}", mark, _nearest_key(path, root), len(name) - 2)
    if kind == "missing":
        return Problem(f"{name} is missing here", place(document, path[:-1], key=True))
    if kind == "literal_error":
        return _literal(path, mark, error)
    if kind in _EXPECTED:
        wanted = " or ".join(dict.fromkeys(_EXPECTED.get(e["type"], "") for e in found))
        wanted = wanted.replace(" or a whole number or a number or true", ", a number, true")
        message = f"{name} must be {wanted}, not {describe(error['input'])}"
        return Problem(message, mark, _mend(kind, error["input"]), _width(error))
    return Problem(*_by_value(name, path, mark, error))


def _name(path: Path) -> str:
    """`'port'`, or `an entry of 'roles'`, as a person would call it."""
    if not path:
        return "the inventory"
    if isinstance(path[-1], int):
        return f"an entry of '{visible(str(path[-2]))}'"
    return "'" + visible(str(path[-1])).replace("\n", "\\n") + "'"


def _by_value(name: str, path: Path, mark: Mark, error: ErrorDetails) -> tuple[str, Mark, str, int]:
    context, value = error.get("ctx", {}), error["input"]
    width = _width(error)
    match error["type"]:
        case "greater_than" | "greater_than_equal":
            least = context.get("ge", context.get("gt", 0) + 1)
            return f"{name} must be at least {least}, not {value}", mark, "", width
        case "less_than_equal":
            return f"{name} must be at most {context['le']}, not {value}", mark, "", width
        case "too_short" | "too_long" if path[-1] == "ends":
            return f"{name} must name two hosts, not {len(value)}", mark, "", 1
        case "too_short":
            return f"{name} must name at least one", mark, "", 1
        case _:
            message = error["msg"].removeprefix("Value error, ")
            text, _, hint = f"{message[:1].lower()}{message[1:]}".partition(" | ")
            text = text if message[:1].isupper() and message[1:2].islower() else message
            return f"{name}: {visible(text.partition(' | ')[0])}", mark, hint, width


def describe(value: object) -> str:
    """A value in a few words, as it is written."""
    if value is None:
        return "empty"
    if isinstance(value, _Unshown):
        return value.kind
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = visible(str(value)).replace("\n", "\\n")
    shown = text if len(text) <= 40 else text[:39] + "…"
    return f"'{shown}'" if isinstance(value, str) else shown


def _mend(kind: str, value: object) -> str:
    if kind == "bool_type" and value in ("yes", "on", "no", "off", "True", "False"):
        return f"write {'true' if value in ('yes', 'on', 'True') else 'false'}"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotes"
    if kind == "int_type" and isinstance(value, str) and value.isdigit():
        return "write it without quotes"
    if kind == "tuple_type" and isinstance(value, str):
        return f"write [{visible(value)}]"
    if kind.startswith("model") and isinstance(value, str) and ":" in value:
        return "is there a space after ':'?"
    return ""


def _width(error: ErrorDetails) -> int:
    value = error["input"]
    return len(str(value)) if isinstance(value, str | int) and "\n" not in str(value) else 1


def _literal(path: Path, mark: Mark, error: ErrorDetails) -> Problem:
    allowed = error.get("ctx", {}).get("expected", "").replace(" or ", ", ").replace("'", "")
    words = [word.strip() for word in allowed.split(",")]
    field = next((str(part) for part in reversed(path) if isinstance(part, str)), "value")
    what = {"roles": "role", "days": "day"}.get(field, field)
    hint = nearest(str(error["input"]), words) or f"one of: {', '.join(words)}"
    if error["input"] is None:
        return Problem(f"'{what}' is empty", mark, hint)
    return Problem(f"unknown {what} {describe(error['input'])}", mark, hint, _width(error))


def nearest(word: str, words: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest of some words, or nothing."""
    close = difflib.get_close_matches(word, list(words), n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else ""


def _nearest_key(path: Path, root: type[BaseModel]) -> str:
    model: object = root
    for part in path[:-1]:
        model = _inside(model, part)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return ""
    names = [field.alias or name for name, field in model.model_fields.items()]
    return nearest(str(path[-1]), names) or f"known here: {', '.join(names)}"


def _inside(model: object, part: str | int) -> object:
    """The model under a key or index of another, through unions, lists and mappings."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        found = model.model_fields.get(str(part))
        return _model_in(found.annotation) if found else None
    arguments = [a for a in typing.get_args(model) if a is not Ellipsis]
    return _model_in(arguments[-1]) if arguments else model


def _model_in(annotation: object) -> object:
    """Strip Optional and Annotated; keep `dict[...]` and `tuple[...]` for the next part."""
    origin = typing.get_origin(annotation)
    arguments = [a for a in typing.get_args(annotation) if a is not type(None)]
    if origin in (typing.Union, types.UnionType):
        models = [a for a in arguments if isinstance(a, type) and issubclass(a, BaseModel)]
        return models[0] if models else None
    return _model_in(arguments[0]) if origin is typing.Annotated else annotation
