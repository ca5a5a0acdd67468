"""From a lock with hashes to wheels: what it pins, and which files of an index are these."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from magnusctl.errors import InputError

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*==\s*([^\s;]+)\s*(;.*)?")
_HASH = re.compile(r"--hash=(\S+)")
_COMMENT = re.compile(r"(^|\s)#.*")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_WHEEL = re.compile(r"[A-Za-z0-9_.!+-]+\.whl", re.ASCII)


@dataclass(frozen=True)
class Pin:
    """A package of a lock: its version, and the SHA-256 of each file that may be installed."""

    name: str
    version: str
    hashes: frozenset[str]
    conditional: bool = False
    """Whether it is for some systems only."""


@dataclass(frozen=True)
class Link:
    """A file of an index."""

    name: str
    url: str
    sha256: str


def normal(name: str) -> str:
    """A package's name as an index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str, where: str) -> tuple[Pin, ...]:
    """What a lock pins. Raises InputError for a line that pins nothing."""
    return tuple(_pin(line, where) for line in _lines(lock))


def _lines(lock: str) -> Iterator[str]:
    for line in lock.replace("\\\n", " ").splitlines():
        plain = _COMMENT.sub("", line).strip()
        if plain:
            yield plain


def _pin(line: str, where: str) -> Pin:
    words, _, _ = line.partition("--hash=")
    found = _PIN.fullmatch(words.strip())
    kinds = _HASH.findall(line)
    hashes = frozenset(one.removeprefix("sha256:") for one in kinds if one.startswith("sha256:"))
    if found is None or not hashes or not all(map(_SHA256.fullmatch, hashes)):
        shown = words.strip()[:80]
        hint = "A lock for a bundle has NAME==VERSION with its --hash=sha256:… on every line."
        raise InputError(f"'{shown}' cannot be put into a bundle", where=where, hint=hint)
    return Pin(normal(found[1]), found[2], hashes, bool(found[3]))


def links(page: str, kind: str, base: str) -> tuple[Link, ...]:
    """The wheels of a page of an index, as JSON or as HTML; those without a digest are left out."""
    found = _of_json(page, base) if "json" in kind else _of_html(page, base)
    return tuple(
        one for one in found if _SHA256.fullmatch(one.sha256) and _WHEEL.fullmatch(one.name)
    )


def _of_json(page: str, base: str) -> Iterator[Link]:
    try:
        files = json.loads(page)["files"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError("this page of an index is no JSON of one", where=base) from None
    for one in files if isinstance(files, list) else ():
        if isinstance(one, dict) and isinstance(one.get("hashes"), dict):
            url = urljoin(base, str(one.get("url", "")))
            yield Link(str(one.get("filename", "")), url, str(one["hashes"].get("sha256", "")))


def _of_html(page: str, base: str) -> Iterator[Link]:
    reader = _Anchors()
    reader.feed(page)
    for href in reader.found:
        url, fragment = urldefrag(urljoin(urljoin(base, reader.base), href))
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        yield Link(name, url, fragment.removeprefix("sha256="))


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.base = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href")
        if tag == "a" and target:
            self.found.append(target)
        elif tag == "base" and target and not self.base:
            self.base = target


def chosen(pin: Pin, found: Sequence[Link]) -> tuple[Link, ...]:
    """The wheels that a package of a lock may be installed from, each once."""
    fitting: Mapping[str, Link] = {one.sha256: one for one in found if one.sha256 in pin.hashes}
    # Hosts are of glibc or of macOS: wheels of musl are for none of them.
    usable = [one for one in fitting.values() if "musllinux" not in one.name]
    return tuple(sorted(usable or fitting.values(), key=lambda one: one.name))
