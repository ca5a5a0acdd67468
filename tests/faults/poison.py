"""Strings that must be nowhere, and a search that finds them: in files, in what was said, in what
any process of this machine is called with or has in its environment."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import secrets
import string
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


def needle() -> str:
    """A string that nothing else holds by chance."""
    return "".join(secrets.choice(string.ascii_letters) for _ in range(24))


def _forms(text: str) -> Iterator[tuple[str, bytes]]:
    """How a text may be written down: as it is, in hexadecimal, in base64 at any offset."""
    data = text.encode()
    yield "plain", data
    yield "reversed", data[::-1]
    yield "utf-16", text.encode("utf-16-le")
    yield "hex", binascii.hexlify(data)
    yield "HEX", binascii.hexlify(data).upper()
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + data)
        # The first and last signs depend on what is beside it.
        inner = coded[0 if offset == 0 else 4 : -4]
        yield f"base64+{offset}", inner
        if set(inner) & set(b"+/"):
            yield f"url-base64+{offset}", inner.replace(b"+", b"-").replace(b"/", b"_")


@dataclass(frozen=True)
class Needles:
    """What to look for: `{name: needle}`."""

    texts: Mapping[str, str]
    _forms: dict[bytes, str] = field(default_factory=dict)
    _pattern: list[re.Pattern[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, text in self.texts.items():
            self._forms.update({form: f"{name} ({how})" for how, form in _forms(text)})
        self._pattern.append(re.compile(b"|".join(map(re.escape, self._forms))))

    def found(self, data: bytes) -> set[str]:
        """Which of them some bytes hold, and in which form."""
        return {self._forms[match[0]] for match in self._pattern[0].finditer(data)}

    def in_text(self, text: str) -> set[str]:
        """The same for a text."""
        return self.found(text.encode("utf-8", "surrogateescape"))

    def in_files(self, folder: Path) -> dict[Path, set[str]]:
        """The same for every file below a folder: its name, its bytes, and where it leads."""
        hits: dict[Path, set[str]] = {}
        for path in [folder, *folder.rglob("*")]:
            data = os.fsencode(str(path.name))
            if path.is_symlink():
                data += b"\0" + os.fsencode(path.readlink())
            elif path.is_file():
                with contextlib.suppress(OSError):
                    data += b"\0" + path.read_bytes()
            names = self.found(data)
            if names:
                hits[path] = names
        return hits


class Watcher:
    """Looks again and again at what every process is called with and has in its environment."""

    def __init__(self, needles: Needles) -> None:
        self.hits: set[tuple[str, str]] = set()
        self.looks = 0
        self.processes = 0
        self._needles = needles
        # Between fork and exec what this process starts is called as it is.
        self._spared = {_read(os.getpid(), "cmdline")}
        self._going = threading.Event()
        self._threads = [threading.Thread(target=self._watch, daemon=True) for _ in range(2)]

    def __enter__(self) -> Watcher:
        self._going.set()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going.clear()
        for thread in self._threads:
            thread.join(10)

    def spare(self, *words: str) -> None:
        """A command that is given a needle in its environment, until it becomes another."""
        self._spared.add(b"".join(os.fsencode(word) + b"\0" for word in words))

    def look_for(self, needles: Needles) -> None:
        """From now on for these."""
        self._needles = needles

    def _watch(self) -> None:
        while self._going.is_set():
            with os.scandir("/proc") as found:
                for entry in found:
                    if entry.name.isdecimal():
                        self._look(int(entry.name))
            self.looks += 1

    def _look(self, pid: int) -> None:
        words, environment = _read(pid, "cmdline"), _read(pid, "environ")
        self.processes += bool(words)
        for found in self._needles.found(words):
            self.hits.add(("argv", found))
        if pid == os.getpid() or words in self._spared:
            # What it starts is, for a moment, still called what it is called.
            return
        for found in self._needles.found(environment):
            self.hits.add(("environ", f"{found} of {words.decode(errors='replace')[:80]}"))


def _read(pid: int, name: str) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def private(path: Path, within: Sequence[Path]) -> bool:
    """Whether only its owner may read a file, and it lies in one of some folders that only their
    owner may enter, or is one of them itself."""
    if path.lstat().st_mode & 0o077 or path.lstat().st_uid != os.getuid():
        return False
    for place in within:
        if path == place:
            return True
        if place in path.parents:
            return place.stat().st_mode & 0o077 == 0
    return False
