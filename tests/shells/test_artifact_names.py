"""What a model may declare: names that stay in its folder, and nothing that cannot be meant."""

from __future__ import annotations

from typing import Any

import pytest

from magnusctl.errors import InputError
from magnusctl.resources.artifact import Artifact, ArtifactFile


def a_file(path: str = "a", **more: Any) -> ArtifactFile:
    """A declared file."""
    values = {"path": path, "size": 1, "sha256": "0" * 64, "url": "https://x/a", **more}
    return ArtifactFile(**values)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../etc/passwd", "'.' or '..'"),
        ("a/../b", "'.' or '..'"),
        ("./a", "'.' or '..'"),
        ("a//b", "an empty part"),
        ("", "an empty part"),
        ("a/", "an empty part"),
        ("/etc/passwd", "is absolute"),
        ("-rf", "begins with '-'"),
        ("a\nb", "a control character"),
        ("a\0b", "a control character"),
        ("a\x1b[2J", "a control character"),
        ("a\u202eb", "a control character"),
        ("\ud800", "a control character"),
        (".magnus-artifact", "this tool needs itself"),
        (".cache/x", "this tool needs itself"),
        ("x" * 256, "too long"),
    ],
)
def test_a_hostile_name_is_refused(path: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        Artifact(path="/m", files=(a_file(path),))


@pytest.mark.parametrize(
    ("files", "more", "why"),
    [
        ((), {}, "it has no files"),
        ((a_file(), a_file()), {}, "named twice"),
        ((a_file("a"), a_file("a/b")), {}, "a file and a folder"),
        ((a_file(sha256="A" * 64),), {}, "64 lower-case digits"),
        ((a_file(url="file:///etc/passwd"),), {}, "http or https"),
        ((a_file(url="https://x/a\nb"),), {}, "http or https"),
        ((a_file(url="http://x/a"),), {"token": "/t"}, "in the clear"),
        ((a_file("[ab]"),), {"source": "hf"}, "a pattern to hf"),
        ((a_file(),), {"source": "hf", "repository": "--x", "revision": "main"}, "no repository"),
        ((a_file(),), {"source": "hf", "repository": "o/m", "revision": "-x"}, "no revision"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(files: Any, more: Any, why: str) -> None:
    with pytest.raises(InputError, match=why):
        Artifact(path="/m", files=files, **more)


def test_the_digest_is_that_of_the_files_alone_in_any_order() -> None:
    one, two = a_file("a"), a_file("b", url="https://elsewhere/b")
    assert (
        Artifact(path="/m", files=(one, two)).digest == Artifact(path="/n", files=(two, one)).digest
    )
    assert Artifact(path="/m", files=(one,)).digest != Artifact(path="/m", files=(two,)).digest
    text = Artifact(path="/m", files=(two, one)).manifest.decode()
    assert text == f"{'0' * 64} 1 a\n{'0' * 64} 1 b\n"
