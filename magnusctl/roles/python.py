"""Python environments on a host: uv, a lock with hashes, and nothing that the system needs."""

from __future__ import annotations

from collections.abc import Iterator

from magnusctl.inventory.rolevars import ArchiveSource
from magnusctl.resources.archive import Archive
from magnusctl.resources.directory import Directory
from magnusctl.resources.environment import Environment
from magnusctl.resources.file import File
from magnusctl.resources.package import Package
from magnusctl.roles.context import Context
from magnusctl.state import Resource, digest

UV = "/opt/magnus/uv"
LOCKS = "/opt/magnus/locks"
FETCH_PACKAGES = ("curl", "ca-certificates")
_WHEELS = "https://files.pythonhosted.org/packages"
# uv 0.13.8: one program, which its wheel holds.
_LINUX = ArchiveSource.model_construct(
    url=f"{_WHEELS}/c5/32/52ee34636aea1ab3f8baeeae1c3599461b8cddfb379862cc72ac61b8d91c/"
    "uv-0.13.8-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    sha256="e18a57b8b352eb7c8feb317b9f6f533c8f0ad9673fd6cf34bbe3cf1a9f6a8984",
    strip=0,
)
_MACOS = ArchiveSource.model_construct(
    url=f"{_WHEELS}/84/46/deb3a1eb3020575e41d1f9840c07185761d8d4c25cd6f58e813afb017476/"
    "uv-0.13.8-py3-none-macosx_11_0_arm64.whl",
    sha256="62b6943c7fd64fac6854f780bea6e0359e5a5bc3241f83ee357bb38276afac49",
    strip=0,
)
_INSIDE = "uv-0.13.8.data/scripts/uv"


def uv(context: Context) -> Iterator[Resource]:
    """uv itself."""
    source = context.variables.inference.uv or (_MACOS if context.host.macos else _LINUX)
    if not context.host.macos:
        yield Package(package="unzip")
    yield from opt(context)
    after = () if context.host.macos else ("package:unzip",)
    yield from unpacked(context, UV, source, *after)


def opt(context: Context) -> Iterator[Resource]:
    """The folder of what this tool brings."""
    group = context.root_group
    yield Directory(path="/opt/magnus", group=group)
    yield Directory(path="/opt/magnus/libexec", group=group)


def unpacked(context: Context, path: str, source: ArchiveSource, *after: str) -> Iterator[Resource]:
    """The folder with what an archive holds, and what fetches that: a small image has neither."""
    # What lies on the host already, as a bundle does, needs nobody's certificate.
    needed = FETCH_PACKAGES if source.url.startswith("https:") else FETCH_PACKAGES[:1]
    fetch = () if context.host.macos else needed
    for name in fetch:
        yield Package(package=name)
    yield Archive(
        path=path,
        url=source.url,
        sha256=source.sha256,
        strip=source.strip,
        after=(*after, *(f"package:{name}" for name in fetch)),
    )


def environment(context: Context, name: str, lock: str, *after: str) -> Iterator[Resource]:
    """The environment `/opt/magnus/venvs/NAME`, of exactly what a lock names."""
    inference = context.variables.inference
    text = context.render(f"locks/{lock}")
    path = f"{LOCKS}/{name}.txt"
    yield Directory(path=LOCKS, group=context.root_group)
    yield Directory(path="/opt/magnus/venvs", group=context.root_group)
    yield File(path=path, content=text, group=context.root_group)
    yield Environment(
        path=f"/opt/magnus/venvs/{name}",
        lock=path,
        locked=digest(text),
        python=inference.python,
        uv=f"{UV}/{_INSIDE}",
        index=inference.index or "",
        links=inference.links or "",
        after=(f"archive:{UV}", f"file:{path}", *after),
    )
