"""nvcc --version: the toolkit, which is not what the driver can run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.nvidia_smi_error import error_of
from magnusctl.parsers.nvidia_smi_text import plain

_RELEASE = re.compile(r"release (\d{1,3}\.\d{1,3}), V(\d{1,3}(?:\.\d{1,4}){2,3})(?![\d.])")
_BUILD = re.compile(r"Build cuda_\S{1,60}compiler\.(\d{1,12})_\d{1,6}")
_BUILT = re.compile(r"Built on ([^\s].{0,79}?(?:19|20)\d\d)\b")


@dataclass(frozen=True)
class Toolkit:
    """A CUDA toolkit: its release (12.4), its compiler's version (12.4.131) and build number."""

    release: str | None = None
    version: str | None = None
    build: str | None = None
    built_on: str | None = None


def parse(text: str) -> Toolkit:
    """The first toolkit that the text tells."""
    words = plain(text)
    release = _RELEASE.search(words)
    if release is None:
        return Toolkit()
    # What is told before and behind belongs to this toolkit only up to the next one.
    following = _RELEASE.search(words, release.end())
    rest = words[release.end() : following.start() if following else None]
    build, built = _BUILD.search(rest), _BUILT.search(words[: release.start()])
    return Toolkit(
        release=release[1],
        version=release[2],
        build=build[1] if build else None,
        built_on=built[1] if built else None,
    )


def facts(text: str) -> Facts:
    """The toolkit, also by the longer names."""
    found = parse(text)
    return {
        "release": found.release,
        "version": found.version,
        "build": found.build,
        "built_on": found.built_on,
        "cuda_release": found.release,
        "nvcc_version": found.version,
        "error": None if found.release else error_of(text),
    }
