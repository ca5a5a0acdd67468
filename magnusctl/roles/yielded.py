"""Is what a role of a project yields a resource that magnusctl can ask about and make?"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from magnusctl.inventory import fields as grammar
from magnusctl.resources import KINDS
from magnusctl.resources.command import Command
from magnusctl.state import Resource

_GRAMMARS: Mapping[str, Any] = {
    **dict.fromkeys(("path", "plist", "home", "shell"), grammar.AbsolutePath),
    "mode": grammar.Mode,
    "unit": grammar.Unit,
    "package": grammar.PackageName,
    "key": grammar.SysctlKey,
    "hostname": grammar.HostName,
    "comment": grammar.Comment,
    **dict.fromkeys(("marker", "label"), grammar.Line),
    "ensure": Literal["present", "absent"],
    **dict.fromkeys(("user", "owner", "group"), grammar.LoginName),
    "seconds": Annotated[int, Field(ge=1)],
}
"""What a name of the inventory is held to, a name of a role is held to as well."""
_VALIDATORS = (
    *("-", "apt", "chrony", "netplan", "newsyslog", "nft", "perl", "pf", "plist", "shell", "sshd"),
    *("sudoers", "unit"),
)
_SHOWN = 60


def fault_of(value: object) -> str:
    """What is wrong with a value that was yielded, or nothing."""
    if not isinstance(value, Resource):
        return f"it yields {_shown(value)}, which is no resource"
    if value.kind not in KINDS:
        known = ", ".join(KINDS)
        return f"it yields a resource of the kind '{value.kind}'; the kinds are {known}"
    hints = typing.get_type_hints(type(value))
    for field in fields(value):
        name, held = field.name, getattr(value, field.name)
        same = held == field.default and type(held) is type(field.default)
        wrong = "" if same else _wrong(name, held, hints[name])
        if wrong:
            return f"{value.kind}: '{name}' {wrong}"
    if isinstance(value, Command) and not (value.unless or value.restart_on):
        return "command: it needs 'unless' or 'restart_on', or it would never run"
    return "" if value.name else f"{value.kind}: its name is empty"


def _wrong(name: str, value: object, hint: Any) -> str:
    if not _fits(value, hint):
        return f"must be {_words(hint)}, not {_shown(value)}"
    if isinstance(value, str) and "\0" in value:
        return "holds a NUL byte"
    if isinstance(value, str) and not is_text(value):
        return f"is {_shown(value)}: it holds half a character"
    if name == "validator" and value not in _VALIDATORS:
        return f"is {_shown(value)}: the validators are {', '.join(_VALIDATORS[1:])}"
    is_number = name in ("owner", "group") and str(value).isdecimal()
    if name not in _GRAMMARS or value in ("", None) or is_number:
        return ""
    try:
        TypeAdapter(_GRAMMARS[name]).validate_python(value)
    except ValidationError as error:
        return f"is {_shown(value)}: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
    return ""


def is_text(value: str) -> bool:
    """Whether a text can be written down: half a character of UTF-16 cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of an annotated type, with everything in it."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in inner)
    if origin is typing.Literal:
        return value in inner
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, inner[0]) for item in value)
    if isinstance(value, bool) and hint is int:
        return False
    return isinstance(value, origin or hint)


def _words(hint: Any) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(part) for part in inner)
    if origin is typing.Literal:
        return " or ".join(repr(word) for word in inner)
    if origin is tuple:
        return f"a tuple of {_words(inner[0])}"
    names = {str: "text", int: "a whole number", bool: "True or False", type(None): "None"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
