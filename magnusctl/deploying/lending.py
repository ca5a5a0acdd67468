"""Files of a model from the host that has them to the next, over the link between the two."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from magnusctl.inventory.model import Inventory
from magnusctl.releases.front import FRONT_LABEL
from magnusctl.releases.garbage import ROLE
from magnusctl.releases.record import Record
from magnusctl.releases.standing import Standing
from magnusctl.resources.artifact import Artifact
from magnusctl.resources.command import Command
from magnusctl.resources.file import File
from magnusctl.resources.release import FRONT
from magnusctl.state import Resource


@dataclass(frozen=True)
class Lender:
    """A host whose front serves a release with the same files, on a link that both are on."""

    host: str
    link: str
    record: Record
    folder: str
    word: str
    """What nobody can guess: the name of the place from which the files are fetched."""

    @property
    def url(self) -> str:
        """Where they are."""
        return f"http://{self.record.front}/magnus-lend-{self.word}"


def lender_of(
    inventory: Inventory, host: str, artifact: Artifact, standings: Mapping[str, Standing]
) -> Lender | None:
    """Who could lend a host the files of an artifact; None where nobody has them within reach."""
    for link, spec in inventory.links.items():
        if host not in spec.ends:
            continue
        for other, end in spec.ends.items():
            if other == host or other not in standings:
                continue
            for record in standings[other].running:
                reached = record.front.rpartition(":")[0] == end.ip
                folder = _folder(record, standings[other])
                if reached and folder and record.digest == artifact.digest:
                    return Lender(other, link, record, folder, secrets.token_hex(16))
    return None


def _folder(record: Record, standing: Standing) -> str:
    """The whole folder that a release's file is in."""
    for path in standing.files:
        if record.path == path or record.path.startswith(f"{path}/"):
            return path
    return ""


def borrowed(artifact: Artifact, lender: Lender) -> Artifact:
    """The artifact as its lender gives it: by plain HTTP, and proved as ever."""
    files = tuple(replace(one, url=f"{lender.url}/{quote(one.path)}") for one in artifact.files)
    return replace(artifact, files=files, source="curl", token="", program="")


def lent(lender: Lender, *, macos: bool, over: bool = False) -> Iterator[Resource]:
    """What the lender needs while it lends; `over` takes it away."""
    path = f"{FRONT}/{lender.record.model}.lend-{lender.word[:8]}"
    place = f"location /magnus-lend-{lender.word}/ {{ alias {lender.folder}/; }}\n"
    if over:
        yield File(path=path, ensure="absent", role=ROLE)
    else:
        group = "wheel" if macos else "root"
        yield File(path=path, content=place, group=group, role=ROLE)
    reload = (
        f"system launchctl kill HUP system/{FRONT_LABEL}"
        if macos
        else "system systemctl reload magnus-front.service"
    )
    label = f"{'stop lending' if over else 'lend'} {lender.record.model} {lender.word[:8]}"
    yield Command(label=label, run=reload, restart_on=(f"file:{path}",), role=ROLE)
