"""What was done, in lines: the jobs of a host, and who did what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from magnusctl.report import JobLine

_PLAN = 12


def job_lines(found: Sequence[JobLine]) -> Iterator[str]:
    """One line for every job."""
    for one in found:
        at = f"step {one.at}" if one.state in ("running", "reverting", "died") else ""
        yield (
            f"{one.job}  {one.state:<14} {one.when}  {one.verb:<12} {one.who:<24} "
            f"plan {one.plan[:_PLAN]}  {at}"
        ).rstrip()


def history_lines(found: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """One line for every job, from the two that tell of its beginning and its end."""
    told: dict[str, dict[str, str]] = {}
    for line in found:
        about = line.get("about")
        known = about if isinstance(about, Mapping) else line
        entry = told.setdefault(str(known.get("job")), {})
        entry.update({str(key): str(value) for key, value in known.items()})
        entry.setdefault("began", str(line.get("time")))
        entry["result"] = str(line.get("result", "sent"))
        if "ok" in line:
            entry["made"] = f"{line['ok']} ok, {line.get('failed', 0)} failed"
    for job, entry in told.items():
        yield (
            f"{entry['began']}  {entry.get('host', '?'):<12} {entry.get('verb', '?'):<12} "
            f"{entry.get('who', '?'):<24} {entry['result']:<10} {entry.get('made', ''):<16} "
            f"job {job}  plan {entry.get('plan', '')[:_PLAN]}"
        ).rstrip()
