"""From a document to a frozen inventory: pydantic's findings in the words of the inventory."""

from __future__ import annotations

import difflib
import ipaddress
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from magnusctl.errors import InputError
from magnusctl.inventory import yaml
from magnusctl.inventory.load import Problem, fail, place, read_documents
from magnusctl.inventory.model import Inventory, Link
from magnusctl.inventory.ranges import expand
from magnusctl.inventory.select import expand_ranges
from magnusctl.inventory.yaml import Document, Mark

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


def load(paths: list[Path]) -> Inventory:
    """Read and check an inventory with its overlays. Raises InputError."""
    document = read_documents(paths)
    if not isinstance(document.data, dict):
        raise InputError("empty, or no keys and values at the top", where=str(paths[0]))
    try:
        inventory = Inventory.model_validate(document.data)
    except ValidationError as error:
        raise fail(document, [_problem(document, e) for e in _worth(error.errors())]) from None
    problems = list(_references(document, inventory))
    if problems:
        raise fail(document, problems)
    return expand_ranges(inventory)


def _worth(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """One finding for each place: a union reports one for each of its members."""
    first = {_path(error): error for error in reversed(errors)}
    return list(first.values())


def _path(error: ErrorDetails) -> yaml.Path:
    unions = {"bool", "str", "int", "float", "constrained-str", "[key]"}
    return tuple(
        part
        for part in error["loc"]
        if part not in unions and not str(part).startswith(("function-", "tuple["))
    )


def _problem(document: Document, error: ErrorDetails) -> Problem:
    path, kind = _path(error), error["type"]
    name = str(path[-1]) if path else "the inventory"
    about_key = kind == "extra_forbidden" or "[key]" in error["loc"]
    mark = place(document, path, key=about_key)
    if kind == "extra_forbidden":
        return Problem(f"unknown key '{name}'", mark, _nearest_key(path), len(name))
    if kind == "missing":
        return Problem(f"'{name}' is missing here", place(document, path[:-1], key=True))
    if kind == "literal_error":
        return _literal(mark, error)
    if kind in _EXPECTED:
        found = _found(error["input"])
        return Problem(f"'{name}' must be {_EXPECTED[kind]}, not {found}", mark, _mend(kind, error))
    message = error["msg"].removeprefix("Value error, ")
    return Problem(f"'{name}': {message[:1].lower()}{message[1:]}", mark, width=_width(error))


def _found(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    shown = text if len(text) <= 40 else text[:39] + "…"
    return f"'{shown}'" if isinstance(value, str) else shown


def _mend(kind: str, error: ErrorDetails) -> str:
    value = error["input"]
    if kind == "bool_type" and value in ("yes", "on", "no", "off", "True", "False"):
        return f"write {'true' if value in ('yes', 'on', 'True') else 'false'}"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotes"
    return "put '- ' in front of it" if kind == "tuple_type" and isinstance(value, str) else ""


def _width(error: ErrorDetails) -> int:
    return len(str(error["input"])) if isinstance(error["input"], str | int) else 1


def _literal(mark: Mark, error: ErrorDetails) -> Problem:
    allowed = error.get("ctx", {}).get("expected", "").replace(" or ", ", ").replace("'", "")
    words = [word.strip() for word in allowed.split(",")]
    field = next((str(p) for p in reversed(error["loc"]) if isinstance(p, str)), "value")
    what = {"roles": "role"}.get(field, field)
    near = nearest(str(error["input"]), words)
    hint = near if near else f"one of: {', '.join(words)}"
    return Problem(f"unknown {what} {_found(error['input'])}", mark, hint, _width(error))


def nearest(word: str, words: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest of some words, or nothing."""
    close = difflib.get_close_matches(word, list(words), n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else ""


def _nearest_key(path: yaml.Path) -> str:
    model: object = Inventory
    for part in path[:-1]:
        model = _inside(model, part)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return ""
    names = list(model.model_fields)
    return nearest(str(path[-1]), names) or f"known here: {', '.join(names)}"


def _inside(model: object, part: str | int) -> object:
    """The model under a key or index of another, through unions, lists and mappings."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        found = model.model_fields.get(str(part))
        return _model_in(found.annotation) if found else None
    return _model_in(typing.get_args(model)[-1]) if typing.get_args(model) else model


def _model_in(annotation: object) -> object:
    """Strip Optional and Annotated; keep `dict[...]` and `tuple[...]` for the next part."""
    origin = typing.get_origin(annotation)
    arguments = [a for a in typing.get_args(annotation) if a not in (type(None), Ellipsis)]
    if origin in (typing.Union, types.UnionType):
        models = [a for a in arguments if isinstance(a, type) and issubclass(a, BaseModel)]
        return models[0] if models else None
    if origin is typing.Annotated:
        return _model_in(arguments[0])
    if origin is tuple:
        return tuple.__class_getitem__((arguments[0],))
    return annotation


def _references(document: Document, inventory: Inventory) -> Iterator[Problem]:
    """What one part says of another: hosts of groups and links, addresses, jumps."""
    hosts = {name for pattern in inventory.hosts for name, _ in expand(pattern)}
    yield from _twice(document, inventory)
    for name, group in inventory.groups.items():
        for index, pattern in enumerate(group.hosts):
            for host, _ in expand(pattern):
                if host not in hosts:
                    mark = place(document, ("groups", name, "hosts", index))
                    yield _no_host(host, hosts, f"group {name}", mark)
    for name, link in inventory.links.items():
        yield from _link(document, name, link, hosts)
    for name, host_entry in inventory.hosts.items():
        yield from _files(document, ("hosts", name), host_entry.resources.files)
    for name, group in inventory.groups.items():
        yield from _files(document, ("groups", name), group.resources.files)


def _twice(document: Document, inventory: Inventory) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for pattern in inventory.hosts:
        for host, _ in expand(pattern):
            if host in seen:
                mark = place(document, ("hosts", pattern), key=True)
                yield Problem(f"host {host} is also in '{seen[host]}'", mark, "", len(pattern))
                break
            seen[host] = pattern


def _no_host(host: str, hosts: Iterable[str], by: str, mark: Mark) -> Problem:
    hint = nearest(host, hosts) or f"hosts: {', '.join(sorted(hosts)[:12])}"
    return Problem(f"{by} names the host '{host}', which does not exist", mark, hint, len(host))


def _link(document: Document, name: str, link: Link, hosts: set[str]) -> Iterator[Problem]:
    path: yaml.Path = ("links", name, "ends")
    for host in link.ends:
        if host not in hosts:
            yield _no_host(host, hosts, f"link {name}", place(document, (*path, host), key=True))
    (_, one), (last, two) = link.ends.items()
    first, second = ipaddress.IPv4Interface(one.address), ipaddress.IPv4Interface(two.address)
    mark = place(document, (*path, last, "address"))
    if first.network != second.network:
        message = f"link {name}: {second} is not in the network {first.network} of its other end"
        yield Problem(message, mark, "", len(two.address))
    elif first.ip == second.ip:
        yield Problem(f"link {name}: both ends have {first.ip}", mark, "", len(two.address))


def _files(
    document: Document, path: yaml.Path, files: typing.Mapping[str, object]
) -> Iterator[Problem]:
    for name, spec in files.items():
        content, template = getattr(spec, "content", None), getattr(spec, "template", None)
        absent = getattr(spec, "ensure", "") == "absent"
        if (content is None) == (template is None) and not (absent and content is None):
            mark = place(document, (*path, "resources", "files", name), key=True)
            yield Problem(f"{name} needs either 'content' or 'template'", mark, "", len(name))


def warnings(inventory: Inventory) -> list[str]:
    """What is allowed and will still not work."""
    return [
        f"link {name}: a DAC cannot join an SFP+ cage and an RJ45 port; a switch with both, "
        "or an SFP+ to 10GBASE-T module, can"
        for name, link in inventory.links.items()
        if link.media == "dac" and {"rj45", "sfp+"} <= {end.port for end in link.ends.values()}
    ]
