"""A plan becomes a job: stages, steps with their guards and their ways back, and one tar."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from magnusctl import bootstrap, undo
from magnusctl.bootstrap import Privilege, Request
from magnusctl.quote import sh
from magnusctl.resources import ask, shell_files
from magnusctl.resources.block import Block
from magnusctl.resources.directory import Directory
from magnusctl.resources.file import File
from magnusctl.resources.hostname import Hostname
from magnusctl.resources.service import unit_name
from magnusctl.script import library, needed, questions
from magnusctl.stages import Stages, stages, wants
from magnusctl.state import Change, Plan, Probe, Resource, Step, canonical, digest

SCHEMA = 1
_GUARDED_S = 120
_BYTES = ("utf-8", "surrogateescape")
_LIBRARIES = (
    *("prelude.sh", "process.sh", "lock.sh", "job.sh", "steps.sh", "files.sh", "room.sh"),
    *("network.sh", "guarded.sh", "follow.sh", "gc.sh"),
)


@dataclass(frozen=True)
class About:
    """Who wants a job, of which host, when, with which version, and from which plan."""

    job: str
    host: str
    verb: str
    who: str
    at: str
    tool: str
    plan: str


@dataclass(frozen=True)
class Job:
    """A job that can be sent: `wait_s` is how long it waits for another one's lock, `confirm_s`
    how long a guarded stage waits to be confirmed, `closing_s` how long the last question may
    take. A way back keeps no first state.
    """

    about: About
    stages: Stages
    probes: tuple[Probe[Any], ...]
    wait_s: int = 0
    confirm_s: int = 120
    closing_s: int = 600
    keeps: bool = True
    spared: tuple[str, ...] = ()
    """Services that nothing in this job may stop: those that are protected, and not in its plan."""


def no_way_back(plan: Plan) -> list[tuple[str, str]]:
    """The guarded changes that could not be taken back, each with the reason."""
    found = stages(plan)
    return [
        (change.resource.id, back)
        for number in found.guarded
        for change in found.steps[number].changes
        if isinstance(back := undo.former(change), str)
    ]


def text(job: Job) -> str:
    """The shell text of a job. It runs in modes: launched, detached, one step, one way back."""
    todo = job.stages.steps
    kinds = {change.resource.kind for step in todo for change in step.changes}
    asks = (*needed(job.probes), *shell_files(kinds))
    files = [*_LIBRARIES, *asks, *shell_files(kinds, "apply.sh")]
    guarded = " ".join(map(str, job.stages.guarded))
    lines = [
        "MODE=$1 ROOT=$2 LOGIN_AS=$3 ARGUMENT=$4 NONCE=",
        'cd "${0%/*}" || exit 70',
        f"JOB={sh(job.about.job)}",
        f"GUARDED={sh(f' {guarded} ')} UNDO_ORDER={sh(' '.join(map(str, _backs(job))))}",
        f"SPARED={sh(' '.join(map(unit_name, job.spared)))}",
        library(*dict.fromkeys(files)),
        '[ -z "$LOGIN_AS" ] || LOGIN=$LOGIN_AS',
    ]
    for number, step in enumerate(todo):
        lines += _step_lines(job, number, step)
    lines += [
        f"steps() {{ :\n{_sequence(job)}\n}}",
        f"ready() {{ {_ready(job)}\n}}",
        f"closing() {{ :\n{questions(job.probes)}\n}}",
        "case $MODE in",
        'launch) launch "$ARGUMENT" ;;',
        f"main) run_job {len(todo)} {sh(job.about.who, job.wait_s, job.closing_s)} ;;",
        'step) known && one_step "$ARGUMENT" ;;',
        "closing) exec 2>>noise; known && closing ;;",
        'undo) STEP=back.$ARGUMENT; known && undo_"$ARGUMENT" ;;',
        "timer) run_timer ;;",
        "boot) boot_late ;;",
        'revert) revert_late "$ARGUMENT" ;;',
        "esac",
        "exit",
    ]
    return "\n".join([*lines, ""])


def _backs(job: Job) -> list[int]:
    return undo.undo_order(job.stages.steps)


def _step_lines(job: Job, number: int, step: Step) -> list[str]:
    guards = [
        f"still {sh(change.guard)} {ask([change.resource])}"
        for change in step.changes
        if change.guard is not None
    ]
    origins = [
        sh("origin", digest(change.resource.id), canonical(record(job, number, place)))
        for place, change in enumerate(step.changes)
        if job.keeps and not _takes_back(change)
    ]
    return [
        f"# {number}: {_one_line(step)}",
        f"guard_{number}() {{ {' && '.join(guards) or ':'}\n}}",
        f"keep_{number}() {{ {' && '.join(origins) or ':'}\n}}",
        f"do_{number}() {{ {step.script}\n}}",
        f"undo_{number}() {{ {undo.undo_script(step) or ':'}\n}}",
    ]


def _takes_back(change: Change) -> bool:
    """The undoing of a command is no thing with a state of its own."""
    return change.resource.kind == "command" and change.resource.role.startswith("rollback")


def _one_line(step: Step) -> str:
    return ", ".join(repr(change.resource.id)[1:-1] for change in step.changes)


def record(job: Job, number: int, place: int) -> dict[str, object]:
    """What was before a change, as the host keeps it; `at` sorts by time, step and place."""
    change = job.stages.steps[number].changes[place]
    back = undo.former(change)
    return {
        "id": change.resource.id,
        "step": number,
        "at": f"{job.about.at} {number:05d} {place:05d}",
        "action": change.action.value,
        "answer": change.answer,
        "former": back if isinstance(back, str) else undo.encode(back),
    }


def _sequence(job: Job) -> str:
    """The steps in order, with the guarded ones between arming and confirming."""
    todo, guarded = job.stages.steps, job.stages.guarded
    lines = [step.prepare for step in todo if step.prepare]
    for number, step in enumerate(todo):
        if number == guarded.start and guarded:
            lines.append(f"arm {len(guarded) * _GUARDED_S + job.confirm_s}")
        seconds = _GUARDED_S if number in guarded else step.seconds
        needs = " ".join(map(str, _needs(todo, number)))
        restores = "" if number in guarded else " ".join(map(str, _restores(todo, number)))
        lines.append(f"run_step {number} {seconds} {sh(needs, restores)}")
        if number == guarded.stop - 1 and guarded:
            words = " ".join(map(str, guarded))
            lines.append(f'[ -n "$UNARMED" ] || confirm_stage {job.confirm_s} {words}')
    return "\n".join(lines)


def _needs(todo: Sequence[Step], number: int) -> list[int]:
    """The earlier steps whose failure stops this one."""
    return _holding(todo[:number], {w for c in todo[number].changes for w in wants(c)})


def _restores(todo: Sequence[Step], number: int) -> list[int]:
    """The earlier steps that are taken back when this one restarts something in vain, and last
    this one itself, so that what ran runs again."""
    changes = todo[number].changes
    wanted = {name for c in changes if c.restarts for name in c.resource.restart_on}
    found = _holding(todo[:number], wanted)
    backs = [undo.undo_script(todo[n]) for n in (*found, number)]
    return [*found, number] if found and all(backs) else []


def _holding(todo: Sequence[Step], names: set[str]) -> list[int]:
    return [n for n, step in enumerate(todo) if any(c.resource.id in names for c in step.changes)]


def _ready(job: Job) -> str:
    """The check before the first step: is there room, and can be written where it will be?"""
    size = sum(len(data) for data in payload(job.stages).values())
    return sh("room_for", 2 * size // 1024 + 64, *places(job.stages))


def places(found: Stages) -> list[str]:
    """The folders in which a job writes."""
    return sorted({folder for folder in map(_folder, _resources(found)) if folder})


def _resources(found: Stages) -> Iterator[Resource]:
    return (change.resource for step in found.steps for change in step.changes)


def _folder(resource: Resource) -> str:
    if isinstance(resource, File | Block | Directory):
        return resource.path.rpartition("/")[0] or "/"
    if isinstance(resource, Hostname):
        return "/etc"
    return ""


def payload(found: Stages) -> Mapping[str, bytes]:
    """The files that travel with a job, by SHA-256."""
    return {name: data for step in found.steps for name, data in (step.payload or {}).items()}


def manifest(job: Job) -> dict[str, object]:
    """What a job is and what it changes, for whoever asks the host later."""
    changes = [
        record(job, number, place)
        for number, step in enumerate(job.stages.steps)
        for place in range(len(step.changes))
    ]
    return {"schema": SCHEMA, "about": about_json(job.about), "changes": changes}


def about_json(about: About) -> dict[str, str]:
    """As plain values."""
    return {name: getattr(about, name) for name in About.__dataclass_fields__}


def request(job: Job, nonce: str, *, root: str, privilege: Privilege) -> Request:
    """A job as one tar that runs only when its digest matches."""
    members = {
        "job": text(job).encode(*_BYTES),
        "about": canonical(about_json(job.about)).encode(),
        "places": "".join(f"{place}\n" for place in places(job.stages)).encode(*_BYTES),
        "manifest": canonical(manifest(job)).encode(),
    }
    members |= {f"files/{name}": data for name, data in sorted(payload(job.stages).items())}
    data = _tar(members)
    name = job.about.job
    header = f"{nonce} {digest(f'{nonce} {name} {root} '.encode() + data)} {name} {root}\n"
    return bootstrap.apply_request(header.encode() + data, nonce, privilege)


def _tar(members: Mapping[str, bytes]) -> bytes:
    """The same bytes for the same members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o600
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
