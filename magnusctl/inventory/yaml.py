"""A strict reader of YAML: every value has its position, and nothing is guessed.

Plain data only. Numbers and booleans are those of YAML 1.2, so `on`, `yes` and `0644` stay text.
Duplicate keys, tags, merge keys, alias bombs and endless nesting are refused while reading.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml import events

from magnusctl.errors import InputError
from magnusctl.inventory.marks import Document, Mark, Path, Value, fault
from magnusctl.inventory.syntax import explain

MAX_SIZE = 32 * 1024 * 1024
MAX_DEPTH = 64
MAX_ALIASED = 100_000
MAX_DIGITS = 100

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass
class _Node:
    value: str | list[_Node] | list[tuple[_Node, _Node]]
    mark: Mark
    plain: bool = False
    kind: str = "scalar"
    size: int = 1
    depth: int = 1
    open: bool = False


@dataclass
class _Reader:
    file: str
    lines: list[str]
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    aliased: int = 0

    def error(self, message: str, mark: Mark, hint: str = "") -> InputError:
        return fault(self.lines, message, mark, hint)

    def mark(self, at: Any) -> Mark:
        return Mark(self.file, at.line + 1, at.column + 1)


def read(text: str, file: str) -> Document:
    """Read one YAML document. Raises InputError with `file:line:column`."""
    if len(text) > MAX_SIZE:
        raise InputError(f"larger than {MAX_SIZE >> 20} MiB: this is no inventory", where=file)
    lines = text.splitlines()
    reader = _Reader(file, lines)
    try:
        root = _compose(reader, text)
    except yaml.YAMLError as error:
        raise explain(file, text, error) from None
    data = _build(reader, root, ()) if root else None
    return Document(data, reader.values, reader.keys, {file: lines})


def _compose(reader: _Reader, text: str) -> _Node | None:
    """Build the tree from the parser's events, so that no nesting can exhaust the stack."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    anchors: dict[str, _Node] = {}
    stack: list[tuple[_Node, list[_Node]]] = []
    root: _Node | None = None
    documents = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, events.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise reader.error("a second document starts here", reader.mark(event.start_mark))
        node = _node(reader, event, anchors)
        if isinstance(event, events.CollectionStartEvent) and node:
            if len(stack) >= MAX_DEPTH:
                raise reader.error(f"nested deeper than {MAX_DEPTH} levels", node.mark)
            node.open = True
            stack.append((node, []))
            continue
        if isinstance(event, events.CollectionEndEvent):
            node, children = stack.pop()
            _close(reader, node, children)
        if node is None:
            continue
        if stack:
            stack[-1][1].append(node)
        else:
            root = node
    return root


def _node(reader: _Reader, event: events.Event, anchors: dict[str, _Node]) -> _Node | None:
    if not isinstance(event, events.NodeEvent):
        return None
    mark = reader.mark(event.start_mark)
    if isinstance(event, events.AliasEvent):
        return _aliased(reader, event, anchors, mark)
    tag = getattr(event, "tag", None)
    if tag and tag != "!":
        raise reader.error(f"the tag {tag} is not allowed: plain values only", mark)
    if isinstance(event, events.ScalarEvent):
        node = _Node(event.value, mark, plain=event.implicit[0])
    else:
        kind = "mapping" if isinstance(event, events.MappingStartEvent) else "sequence"
        node = _Node([], mark, kind=kind)
    if event.anchor:
        anchors[event.anchor] = node
    return node


def _aliased(
    reader: _Reader, event: events.AliasEvent, anchors: dict[str, _Node], mark: Mark
) -> _Node:
    node = anchors.get(event.anchor or "")
    if node is None or node.open:
        raise reader.error(f"*{event.anchor} refers to nothing that is complete before it", mark)
    reader.aliased += node.size
    if reader.aliased > MAX_ALIASED:
        raise reader.error(f"aliases expand to more than {MAX_ALIASED} values", mark)
    return node


def _close(reader: _Reader, node: _Node, children: list[_Node]) -> None:
    node.open = False
    node.depth += max((child.depth for child in children), default=0)
    if node.depth > MAX_DEPTH:
        raise reader.error(f"nested deeper than {MAX_DEPTH} levels", node.mark)
    node.size += sum(child.size for child in children)
    if node.kind == "mapping":
        node.value = list(zip(children[::2], children[1::2], strict=True))
    else:
        node.value = children


def _build(reader: _Reader, node: _Node, path: Path) -> Value:
    reader.values[path] = node.mark
    if isinstance(node.value, str):
        return _scalar(reader, node)
    if node.kind == "sequence":
        children = [child for child in node.value if isinstance(child, _Node)]
        return tuple(_build(reader, child, (*path, i)) for i, child in enumerate(children))
    return dict(_items(reader, node, path))


def _items(reader: _Reader, node: _Node, path: Path) -> Iterator[tuple[str, Value]]:
    seen: dict[str, Mark] = {}
    for pair in node.value:
        assert isinstance(pair, tuple)
        key, child = pair
        if not isinstance(key.value, str):
            raise reader.error("a key must be plain text", key.mark)
        if "\0" in key.value:
            raise reader.error("a NUL character", key.mark)
        if key.value == "<<" and key.plain:
            hint = "Put what hosts share into a group."
            raise reader.error("merge keys (<<) are not supported", key.mark, hint)
        if key.value in seen:
            first = f"The first one is at line {seen[key.value].line}."
            raise reader.error(f"duplicate key '{key.value}'", key.mark, first)
        seen[key.value] = key.mark
        reader.keys[(*path, key.value)] = key.mark
        yield key.value, _build(reader, child, (*path, key.value))


def _scalar(reader: _Reader, node: _Node) -> Value:
    text = node.value
    assert isinstance(text, str)
    if "\0" in text:
        raise reader.error("a NUL character", node.mark)
    if not node.plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _LEADING_ZERO.fullmatch(text):
        hint = f"Put it in quotes: '{text}'"
        raise reader.error("a number with a zero in front means different things", node.mark, hint)
    if not _FLOAT.fullmatch(text):
        return text
    if len(text) > MAX_DIGITS or math.isinf(float(text)):
        raise reader.error("a number too large", node.mark)
    return int(text) if _INT.fullmatch(text) else float(text)
