"""Back to what was: a job's changes, or everything since the first, as a plan like any other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from magnusctl import converge, records, undo
from magnusctl.asking import ask_one
from magnusctl.converge import Machine, Observation
from magnusctl.errors import InputError, RollbackFailed
from magnusctl.quote import sh, visible
from magnusctl.records import LOST, Record
from magnusctl.report import Planned
from magnusctl.resources import KINDS, shell_files
from magnusctl.resources.archive import Archive
from magnusctl.resources.artifact import Artifact
from magnusctl.resources.block import Block
from magnusctl.resources.directory import Directory
from magnusctl.resources.environment import Environment
from magnusctl.resources.file import File
from magnusctl.resources.group import Group
from magnusctl.resources.release import Release
from magnusctl.resources.user import User
from magnusctl.state import ABSENT, STARTED_WITH, Change, Plan, Probe, Resource, Risk, digest

VERB = "rollback"
_STANDS = ("ok", "failed", "cancelled", "stopped", "died", "revert-failed")
"""Jobs that ended so may have left something that stands."""


@dataclass(frozen=True)
class Way:
    """A way back on one host: the machine with former states as what is declared, what it plans,
    and what stays as it is, with the reason."""

    machine: Machine
    planned: Planned
    records: tuple[Record, ...]
    lasting: tuple[tuple[str, str], ...]


def of_job(machine: Machine, job: str = "") -> tuple[str, Way]:
    """The way back from a job; without a name, from the last that changed something here.

    Raises InputError for a job that the host does not know.
    """
    name = job or _last(machine)
    found = ask_one(machine, records.journal_probe(name))
    if found is None:
        raise InputError(
            f"it knows no job {name}",
            where=machine.name,
            hint=f"Its jobs:  magnusctl jobs -l {machine.name}",
        )
    return name, _way(machine, records.made(*found))


def of_everything(machine: Machine) -> Way:
    """The way back to before the first change."""
    names = {digest(resource.id): resource.id for resource in machine.desired}
    found = ask_one(machine, records.origins_probe())
    return _way(machine, [replace(one, id=names.get(one.id, one.id)) for one in found])


def _last(machine: Machine) -> str:
    found = ask_one(machine, records.jobs_probe())
    ways_back = (VERB, "deprovision")
    names = [one.job for one in found if one.verb not in ways_back and one.state in _STANDS]
    if not names:
        raise InputError("no job here changed anything", where=machine.name)
    return names[-1]


def _way(machine: Machine, made: Sequence[Record]) -> Way:
    made = _without_full_folders(machine, made)
    backs = [made[place] for place in undo.order([record.former for record in made])]
    roles = {resource.id: resource.role for resource in machine.desired}
    formers = [
        replace(record.former, role=f"{VERB} {roles.get(record.id, '')}".strip())
        for record in backs
        if isinstance(record.former, Resource)
    ]
    # As in a job, what can cut us off comes last.
    formers.sort(key=lambda former: former.risk is Risk.CONNECTIVITY)
    desired = tuple(replace(former, after=tuple(_first(former, formers))) for former in formers)
    lasting = tuple((r.id, r.former) for r in backs if isinstance(r.former, str))
    former = replace(machine, desired=desired)
    observation = converge.observe(former)
    plan = _of_nobody(converge.plan(former, observation))
    planned = Planned(machine.name, plan, simulated=machine.simulated)
    return Way(former, planned, tuple(made), lasting)


def _without_full_folders(machine: Machine, made: Sequence[Record]) -> Sequence[Record]:
    """The records, with the folders that stay because somebody put something there since."""
    going = {
        record.former.path: record.former
        for record in made
        if isinstance(record.former, File | Block | Directory | Archive | Artifact | Environment)
        and record.former.ensure == "absent"
    }
    noting = [r.former for r in made if isinstance(r.former, Release) and r.former.forget]
    folders = sorted((p for p, r in going.items() if isinstance(r, Directory)), reverse=True)
    if not folders:
        return made
    words = sh("ask_entries", *folders)
    files = shell_files(["directory"])
    probe: Probe[list[str]] = Probe("entries", words, len(folders), lambda said: [*said], files)
    told = ask_one(machine, probe)
    for path, line in zip(folders, told, strict=True):
        held = [f"{path}/{name}" for name in line.split("/") if name]
        staying = [one for one in held if not any(release.notes(one) for release in noting)]
        others = [one[len(path) + 1 :] for one in staying if not _goes(one, going)]
        if others:
            del going[path]
            stays = f"it is not empty: {visible(others[0])}"
            made = [
                replace(record, former=stays)
                if isinstance(record.former, Directory) and record.former.path == path
                else record
                for record in made
            ]
    return made


def _goes(path: str, going: Mapping[str, Resource]) -> bool:
    """Whether what is at a path goes on the way back; each lock of an environment has a folder."""
    stem, _, version = path.rpartition("-")
    lock = re.fullmatch("[0-9a-f]{16}", version)
    return path in going or (lock is not None and isinstance(going.get(stem), Environment))


def _first(former: Resource, formers: Sequence[Resource]) -> Iterator[str]:
    """What of some former states comes before one of them, even if it can cut us off."""
    for other in formers:
        # What becomes of a user changes the members of groups; only an empty folder can go.
        joins = isinstance(former, Group) and isinstance(other, User)
        empties = (
            isinstance(former, Directory)
            and former.ensure == "absent"
            and isinstance(other, File | Block | Directory | Archive | Artifact | Environment)
            and other.path.startswith(f"{former.path}/")
        )
        if joins or empties:
            yield other.id


def _of_nobody(plan: Plan) -> Plan:
    """An account that goes takes the names of owners with it: nothing is held to those."""
    gone = {c.resource.name for c in plan.changes if c.after == ABSENT and _is_account(c.resource)}

    def freed(change: Change) -> Change:
        before = change.before or {}
        return (
            replace(change, guard=None)
            if gone & {before.get("owner"), before.get("group")}
            else change
        )

    return replace(plan, changes=tuple(map(freed, plan.changes)))


def _is_account(resource: Resource) -> bool:
    return isinstance(resource, User | Group)


def prove(way: Way, observation: Observation) -> list[str]:
    """What is not as it was before the first change, each with what it was and what it is.

    What is known to stay is not among it. A marker of ours is no setting.
    """
    now = observation.states
    found = [f"{record.id}: {record.former}" for record in way.records if record.former == LOST]
    for record in way.records:
        if isinstance(record.former, str) or record.former.kind == "command":
            continue
        answer = now[record.former.id].answer
        if _settings(record.former, answer) != _settings(record.former, record.answer):
            found.append(f"{record.id}: was '{record.answer}', is '{answer}'")
    return found


def _settings(former: Resource, answer: str) -> object:
    """What is a setting in an answer: not the mark that we ourselves keep of a start, not the unit
    of a package that stays, not the name that a card gets at the next boot."""
    kind = former.kind
    if kind in ("service", "launchd", "interface"):
        state = KINDS[kind].parse(former, answer) or {}
        return {key: state.get(key) for key in former.state() if key != STARTED_WITH}
    if kind == "artifact":
        # What was brought of it before it was first proved is none.
        return KINDS[kind].parse(former, answer)
    if kind == "package":
        # It stays; whether it is held goes back.
        return answer.startswith("held ")
    if kind == "group":
        head, _, members = answer.rpartition(":")
        return head, sorted(members.split(","))
    return answer


def forget(way: Way) -> None:
    """Let the host forget what it was, once it is that again."""
    digests = [digest(record.id) for record in way.records if isinstance(record.former, Resource)]
    if digests:
        words = sh("forget_origins", *digests)
        ask_one(way.machine, Probe("forget", words, 1, lambda lines: lines[0], records.FILES))


def require_restored(way: Way, observation: Observation) -> int:
    """How many settings are as before the first change. Raises RollbackFailed for any other."""
    wrong = prove(way, observation)
    if wrong:
        raise RollbackFailed(
            f"{len(wrong)} of {len(way.records)} settings are not as they were",
            host=way.machine.name,
            detail="\n".join(f"  {line}" for line in wrong[:20]),
            hint=f"Look at them there. Their story:  magnusctl history {way.machine.name}",
        )
    return len(way.records) - len(way.lasting)
