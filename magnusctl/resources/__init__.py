"""The kinds of resources, in a visible table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from magnusctl.errors import InputError
from magnusctl.quote import sh
from magnusctl.resources import (
    archive,
    artifact,
    block,
    command,
    directory,
    environment,
    file,
    group,
    hostname,
    interface,
    launchd,
    netservice,
    package,
    pmset,
    reboot,
    release,
    service,
    sysctl,
    user,
)
from magnusctl.resources.known import require_known
from magnusctl.resources.risks import judged
from magnusctl.state import (
    Change,
    Kind,
    Observed,
    Probe,
    Resource,
    Risk,
    Step,
    canonical,
    digest,
)

KINDS: Mapping[str, Kind] = {
    "archive": archive,
    "artifact": artifact,
    "block": block,
    "command": command,
    "directory": directory,
    "environment": environment,
    "file": file,
    "group": group,
    "hostname": hostname,
    "interface": interface,
    "launchd": launchd,
    "netservice": netservice,
    "package": package,
    "pmset": pmset,
    "reboot": reboot,
    "release": release,
    "service": service,
    "sysctl": sysctl,
    "user": user,
}


LATER = "later"
"""The inputs of what restarts on a file with secrets: checking and rendering ask for no secret."""

_BORROWS = {
    "artifact": ("fetch",),
    "block": ("file",),
    "release": ("front", "gate", "launchd", "ollama", "service"),
    "user": ("group",),
}


def probes(resources: Sequence[Resource]) -> list[Probe[Mapping[str, Observed]]]:
    """One probe per kind, however many resources there are."""
    kinds = sorted({resource.kind for resource in resources})
    return [_probe([r for r in resources if r.kind == kind]) for kind in kinds]


def ask(resources: Sequence[Resource]) -> str:
    """The command line that asks about resources of one kind."""
    kind = KINDS[resources[0].kind]
    return sh(kind.ASK, *(word for resource in resources for word in kind.question(resource)))


def _probe(resources: Sequence[Resource]) -> Probe[Mapping[str, Observed]]:
    kind = KINDS[resources[0].kind]

    def parse(lines: Sequence[str]) -> Mapping[str, Observed]:
        return {
            resource.id: Observed(kind.parse(resource, line), line)
            for resource, line in zip(resources, lines, strict=True)
        }

    name = resources[0].kind
    return Probe(name, ask(resources), len(resources), parse, shell_files([name]))


def shell_files(kinds: Iterable[str], suffix: str = "sh") -> tuple[str, ...]:
    """The shell twins of some kinds, with those whose words they use."""
    wanted = set(kinds)
    if suffix == "sh" and "directory" in wanted:
        wanted.add("file")
    if suffix == "apply.sh":
        wanted |= {other for kind in wanted for other in _BORROWS.get(kind, ())}
    return tuple(f"resources/{kind}.{suffix}" for kind in sorted(wanted))


def steps(changes: Sequence[Change]) -> Iterator[Step]:
    """The steps of a plan, in its order; consecutive changes of a kind go to it together."""
    for kind, run in groupby(changes, key=lambda change: change.resource.kind):
        yield from KINDS[kind].apply(list(run))


def seal(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """Give every resource with `restart_on` the digest of what those resources declare.

    Raises InputError for a name that no resource has, and for two resources of one name.
    """
    known: dict[str, Resource] = {}
    for resource in map(judged, resources):
        if isinstance(resource, file.File):
            require_known(resource)
        if resource.id in known:
            raise InputError(f"{resource.id} is declared twice", hint=_declared_by(resource, known))
        known[resource.id] = resource
    for name, resource in known.items():
        known[name] = _sealed(resource, known)
    return tuple(known.values())


def _declared_by(resource: Resource, known: Mapping[str, Resource]) -> str:
    return f"by {known[resource.id].role or 'the inventory'} and {resource.role or 'the inventory'}"


def _sealed(resource: Resource, known: Mapping[str, Resource]) -> Resource:
    for name in (*resource.restart_on, *resource.after):
        if name not in known:
            raise InputError(f"{resource.id} refers to {name}, which nothing declares")
    made_of = (name for name in resource.made_of() if name in known)
    triggers = tuple(dict.fromkeys((*resource.restart_on, *made_of)))
    resource = replace(resource, restart_on=triggers)
    if not resource.restart_on:
        return resource
    if any(known[name].risk is Risk.CONNECTIVITY for name in triggers):
        resource = replace(resource, risk=Risk.CONNECTIVITY)
    if resource.inputs:
        return resource
    parts = tuple(known[name] for name in triggers)
    if any(map(_waits, parts)):
        return replace(resource, inputs=LATER, inputs_from=parts)
    return replace(resource, inputs=_digest(parts))


def _waits(resource: Resource) -> bool:
    holds = isinstance(resource, file.File) and resource.ensure == "present" and resource.secrets
    return bool(holds) or resource.inputs == LATER


def _digest(parts: Iterable[Resource]) -> str:
    return digest(canonical({part.id: dict(part.state()) for part in parts}))


def settled(resource: Resource) -> Resource:
    """What depends on secrets gets its digest: now they are asked for."""
    if resource.inputs != LATER:
        return resource
    return replace(resource, inputs=_digest(map(settled, resource.inputs_from)), inputs_from=())
