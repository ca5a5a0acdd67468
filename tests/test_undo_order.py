"""The order in which former states are restored."""

from __future__ import annotations

import pytest

from magnusctl import undo
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.sysctl import Sysctl
from magnusctl.state import Resource

A, AB, ABC = (Directory(path=path) for path in ("/a", "/a/b", "/a/b/c"))
IN_A, IN_AB, BESIDE = (File(path=path, content="x") for path in ("/a/x", "/a/b/x", "/ab"))
GONE, GONE_FOLDER = File(path="/n/x", ensure="absent"), Directory(path="/n", ensure="absent")
KERNEL = Sysctl(key="vm.swappiness", value="1")


@pytest.mark.parametrize(
    ("backs", "wanted"),
    [
        # As a removal has them: what is inside first.
        ([IN_A, A], [A, IN_A]),
        ([IN_AB, AB, IN_A, A], [A, AB, IN_AB, IN_A]),
        ([ABC, AB, A], [A, AB, ABC]),
        # A folder of a like name holds nothing of it.
        ([BESIDE, A], [BESIDE, A]),
        ([KERNEL, IN_A, A], [KERNEL, A, IN_A]),
        # What was made goes in reverse, after what comes back.
        ([GONE_FOLDER, GONE, IN_A, A], [A, IN_A, GONE, GONE_FOLDER]),
    ],
)
def test_a_folder_comes_back_before_what_was_in_it(
    backs: list[Resource | str], wanted: list[Resource | str]
) -> None:
    assert [backs[place] for place in undo.order(backs)] == wanted
