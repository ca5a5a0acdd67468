"""A plan as a file: what was seen, what was declared, and a promise to do that and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from magnusctl import __version__, whole
from magnusctl.errors import ConflictError, InputError
from magnusctl.inventory.model import Host
from magnusctl.plan import as_json
from magnusctl.report import Planned
from magnusctl.resources import settled
from magnusctl.state import Observed, Resource, canonical, digest

SCHEMA = 1
_SHOWN = 12
_TOLD = 10


@dataclass(frozen=True)
class Saved:
    """A plan that was read back: for which hosts and roles, and the fingerprints of all that it
    looked at: `{host: {resource: (declared, observed)}}`."""

    limit: str
    tags: str
    seen: Mapping[str, Mapping[str, tuple[str, str]]]


THE_HOST = "the way to it"
"""Stands for how a host is reached and as whom, beside the resources on it."""


def fingerprints(
    host: Host, desired: Sequence[Resource], states: Mapping[str, Observed]
) -> dict[str, tuple[str, str]]:
    """For every resource the digest of what is declared and of what the host said, and first the
    digest of how the host is reached: the same plan on another machine is another plan."""
    way = host.model_dump(mode="json", include=_WAY)
    found = {
        resource.id: (
            digest(canonical(_declared(settled(resource)))),
            digest(states[resource.id].answer),
        )
        for resource in desired
    }
    return {THE_HOST: (digest(canonical(way)), ""), **found}


_WAY = {"address", "port", "user", "connection", "become", "root", "ssh", "os", "confirm_timeout"}


def _declared(resource: Resource) -> dict[str, Any]:
    """A resource as plain values; texts that may hold secrets are in its state, as digests."""
    # What a state already tells by a digest is not told once more: a model has hundreds of files.
    plain = {
        field.name: getattr(resource, field.name)
        for field in fields(resource)
        if field.name not in ("content", "secrets", "files")
    }
    return {**plain, "kind": resource.kind, "state": dict(resource.state())}


def write(path: Path, planned: Sequence[Planned], *, limit: str, tags: str) -> None:
    """Write plans whole or not at all. Raises InputError; a host without a plan is left out."""
    hosts = {
        item.host: {
            "plan": as_json(item.plan),
            "seen": [[name, *pair] for name, pair in item.fingerprints.items()],
        }
        for item in planned
        if item.plan is not None
    }
    document = {
        "schema": SCHEMA,
        "type": "magnusctl plan",
        "tool": __version__,
        "limit": limit,
        "tags": tags,
        "hosts": hosts,
    }
    document["digest"] = digest(canonical(document))
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    try:
        whole.write(path, text.encode(), 0o600)
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=str(path)) from None


def read(path: Path) -> Saved:
    """Read a plan. Raises InputError for a file that is none, and ConflictError for one of another
    version or one that was edited."""
    try:
        document = json.loads(path.read_text())
        kind = document["type"]
        claimed = document.pop("digest")
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", where=str(path)) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError("this is no plan of magnusctl", where=str(path), hint=_MAKE) from None
    if kind != "magnusctl plan" or document.get("schema") != SCHEMA:
        raise InputError("this is no plan of this magnusctl", where=str(path), hint=_MAKE)
    found = digest(canonical(document))
    if claimed != found:
        raise ConflictError(
            f"the plan was edited or cut: its digest is {found[:_SHOWN]}, it says "
            f"{str(claimed)[:_SHOWN]}. Nothing was contacted.",
            where=str(path),
            hint=_MAKE,
        )
    if document.get("tool") != __version__:
        raise ConflictError(
            f"the plan was made by magnusctl {document.get('tool')}, this is {__version__}. "
            "Nothing was contacted.",
            where=str(path),
            hint=_MAKE,
        )
    try:
        seen = {
            host: {name: (declared, answer) for name, declared, answer in entry["seen"]}
            for host, entry in document["hosts"].items()
        }
        return Saved(document["limit"], document["tags"], seen)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError("this is no plan of magnusctl", where=str(path), hint=_MAKE) from None


_MAKE = "Make a new one with:  magnusctl plan -o FILE"


def require_fresh(saved: Saved, planned: Sequence[Planned]) -> None:
    """Raise ConflictError when a host, or what is declared for it, is not as it was when the plan
    was made; a host that does not answer is not judged."""
    gone = [host for host in saved.seen if host not in {item.host for item in planned}]
    stale = [f"  {host}: it is in the plan, and is not declared any more" for host in gone]
    stale += [line for item in planned for line in _stale(saved, item)]
    if not stale:
        return
    more = [f"  … and {len(stale) - _TOLD} more"] if len(stale) > _TOLD else []
    raise ConflictError(
        "the plan is stale. Nothing was changed anywhere.",
        detail="\n".join([*stale[:_TOLD], *more]),
        hint="Look at what is now, and make a new one:  magnusctl plan -o FILE",
    )


def _stale(saved: Saved, item: Planned) -> Iterator[str]:
    if item.plan is None:
        return
    was = saved.seen.get(item.host)
    if was is None:
        yield f"  {item.host}: the plan says nothing of this host"
        return
    for name in dict.fromkeys((*was, *item.fingerprints)):
        before, now = was.get(name), item.fingerprints.get(name)
        if before is None or now is None:
            what = "is declared now, and was not" if before is None else "is not declared any more"
            yield f"  {item.host}: {name} {what}"
        elif before[0] != now[0]:
            yield f"  {item.host}: {name} is declared otherwise: {_pair(before[0], now[0])}"
        elif before[1] != now[1]:
            yield f"  {item.host}: {name} changed on the host: {_pair(before[1], now[1])}"
    if set(was) == set(item.fingerprints) and list(was) != list(item.fingerprints):
        moved = next(a for a, b in zip(was, item.fingerprints, strict=True) if a != b)
        yield f"  {item.host}: what is declared is in another order, from {moved} on"


def _pair(expected: str, found: str) -> str:
    return f"expected {expected[:_SHOWN]}, found {found[:_SHOWN]}"
