"""Python environments: the link moves only once the new folder is whole."""

from __future__ import annotations

import pytest

from magnusctl import undo
from magnusctl.resources.environment import Environment
from magnusctl.resources.package import Package
from tests.shells.hosts import Host, fewer_shells

pytestmark = pytest.mark.shells
PATH = "/opt/magnus/venvs/llm"


def wanted(locked: str) -> Environment:
    """An environment of a lock with this digest."""
    return Environment(path=PATH, lock="/opt/lock.txt", locked=locked, python="3.12", uv="/opt/uv")


def test_another_lock_is_another_folder_and_the_one_before_stays(linux: Host) -> None:
    linux.write("/opt/lock.txt", "x==1\n")
    for locked in ("one", "two", "three"):
        job = linux.provision(wanted(locked))
        assert job.ok, job.output
        assert not linux.plan(wanted(locked))
    link = linux.path(PATH)
    assert link.is_symlink()
    made = sorted(path.name for path in link.parent.iterdir())
    assert made == sorted(["llm", *(f"llm-{wanted(n).version}" for n in ("two", "three"))])
    assert link.readlink().name == f"llm-{wanted('three').version}"


@fewer_shells
def test_the_way_back_is_the_folder_of_before(linux: Host) -> None:
    linux.write("/opt/lock.txt", "x==1\n")
    assert linux.provision(wanted("one")).ok
    (change,) = linux.plan(wanted("two")).changes
    assert linux.provision(wanted("two")).ok
    back = undo.former(change)
    assert isinstance(back, Environment)
    # No uv is needed for that, and nothing is fetched.
    linux.standin("uv", "exit 1")
    assert linux.provision(back).ok
    assert linux.path(PATH).readlink().name == f"llm-{wanted('one').version}"


@fewer_shells
def test_one_that_cannot_be_made_leaves_the_old_one(linux: Host) -> None:
    linux.write("/opt/lock.txt", "x==1\n")
    assert linux.provision(wanted("one")).ok
    linux.standin("uv", "echo no wheel >&2; exit 1")
    job = linux.provision(wanted("two"))
    assert job.first == {wanted("two").id: "failed"}
    assert "no wheel" in "\n".join(job.output[wanted("two").id])
    assert linux.path(PATH).readlink().name == f"llm-{wanted('one').version}"
    assert len(list(linux.path(PATH).parent.iterdir())) == 2


@fewer_shells
def test_one_that_is_not_whole_is_made_anew(linux: Host) -> None:
    linux.write("/opt/lock.txt", "x==1\n")
    assert linux.provision(wanted("one")).ok
    (linux.path(PATH) / ".magnus-whole").unlink()
    (change,) = linux.plan(wanted("one")).changes
    assert change.answer == "broken"
    assert linux.provision(wanted("one")).ok


@fewer_shells
def test_removing_takes_all_of_it_and_nothing_of_others(linux: Host) -> None:
    linux.write("/opt/lock.txt", "x==1\n")
    linux.write("/opt/magnus/venvs/llm-notes/mine", "precious")
    assert linux.provision(wanted("one")).ok
    assert linux.provision(Environment(path=PATH, ensure="absent")).ok
    assert [path.name for path in linux.path(PATH).parent.iterdir()] == ["llm-notes"]


@fewer_shells
def test_an_environment_of_somebody_else_that_is_named_alike_stays(linux: Host) -> None:
    linux.write(f"{PATH}-dev/pyvenv.cfg", "")
    linux.write(f"{PATH}-0123456789abcdef0/pyvenv.cfg", "")
    linux.write(f"{PATH}-0123456789abcdef/pyvenv.cfg", "")
    linux.write("/opt/lock.txt", "x==1\n")
    for locked in ("one", "two", "three"):
        assert linux.provision(wanted(locked)).ok
    assert linux.provision(Environment(path=PATH, ensure="absent")).ok
    left = sorted(path.name for path in linux.path(PATH).parent.iterdir())
    assert left == ["llm-0123456789abcdef0", "llm-dev"]


@fewer_shells
def test_a_held_package_is_held_once_it_is_installed_and_freed_to_change(linux: Host) -> None:
    held = Package(package="nvidia-utils", version="580.*", hold=True)
    assert linux.provision(held).ok
    assert linux.path("/.simulated/holds").read_text() == "nvidia-utils\n"
    assert not linux.plan(held)
    linux.write("/.simulated/holds", "")
    (change,) = linux.plan(held).changes
    assert change.differs == ("held",)
    assert linux.provision(held).ok
    assert undo.former(change) == Package(package="nvidia-utils", hold=False, ensure="any")
    other = Package(package="nvidia-utils", version="1.0", hold=True)
    job = linux.provision(other)
    assert job.ok, job.output
    assert not linux.plan(other)


@fewer_shells
def test_the_way_back_from_a_hold_lets_it_go_and_installs_nothing(linux: Host) -> None:
    held = Package(package="nvidia-utils", hold=True)
    (change,) = linux.plan(held).changes
    back = undo.former(change)
    assert linux.provision(held).ok
    linux.standin("apt-get", "exit 1")
    assert isinstance(back, Package)
    assert linux.provision(back).ok
    assert linux.path("/.simulated/holds").read_text() == ""


@fewer_shells
def test_the_way_back_from_a_hold_does_not_bring_back_what_is_gone(linux: Host) -> None:
    back = Package(package="nvidia-utils", hold=False, ensure="any")
    assert not linux.plan(back)


@fewer_shells
def test_a_hold_outlives_a_change_that_fails_or_that_does_not_mention_it(linux: Host) -> None:
    assert linux.provision(Package(package="nvidia-utils", version="580.*", hold=True)).ok
    assert linux.provision(Package(package="nvidia-utils", version="1.0")).ok
    assert linux.path("/.simulated/holds").read_text() == "nvidia-utils\n"
    linux.standin("apt-get", "exit 100")
    assert not linux.provision(Package(package="nvidia-utils", version="2.0", hold=True)).ok
    assert linux.path("/.simulated/holds").read_text() == "nvidia-utils\n"


@fewer_shells
def test_a_hold_that_nobody_declared_is_left(linux: Host) -> None:
    assert linux.provision(Package(package="curl", hold=True)).ok
    assert not linux.plan(Package(package="curl"))
