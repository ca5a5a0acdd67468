"""nvidia-smi without arguments: the table of the cards, and of what runs on them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import told
from magnusctl.parsers.nvidia_smi_error import error_of
from magnusctl.parsers.nvidia_smi_rows import Row, Sheet, sheet_of, versions_named
from magnusctl.parsers.nvidia_smi_text import amount, count, switched, version

_TIME = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$")


@dataclass(frozen=True)
class Gpu:
    """One card. Memory in MiB, power in W, temperature in °C. A `failed` one shows ERR!.

    The table cuts long names: they then end in three dots.
    """

    index: int
    name: str | None
    bus_id: str
    persistence: bool | None
    fan_percent: int | None
    temperature_c: float | None
    pstate: str | None
    power_draw_w: float | None
    power_limit_w: float | None
    memory_used_mib: int | None
    memory_total_mib: int | None
    utilization_percent: int | None
    ecc: str | None
    mig_mode: str | None
    failed: bool


@dataclass(frozen=True)
class Process:
    """A process on a card; its memory is in MiB. Windows does not tell the memory."""

    gpu: int
    pid: int
    type: str
    name: str
    memory_mib: int | None


@dataclass(frozen=True)
class Mig:
    """A MIG device on a card; its memory is in MiB."""

    gpu: int
    index: int
    memory_used_mib: int | None
    memory_total_mib: int | None


@dataclass(frozen=True)
class Table:
    """The first table of the text."""

    driver_version: str | None
    cuda_version: str | None
    gpus: tuple[Gpu, ...]
    processes: tuple[Process, ...]
    mig_devices: tuple[Mig, ...]


def parse(text: str) -> Table:
    """The rows that are whole."""
    sheet = sheet_of(text)
    return Table(
        driver_version=version(next(versions_named(sheet, "driver", "kmd"), None)),
        cuda_version=version(next(versions_named(sheet, "cuda"), None)),
        gpus=tuple(_gpu(row) for row in sheet.rows),
        processes=tuple(
            Process(one.gpu, one.pid, one.type, one.name, count(one.memory))
            for one in sheet.processes
        ),
        mig_devices=tuple(
            Mig(one.gpu, one.index, count(one.mem_used), count(one.mem_total)) for one in sheet.migs
        ),
    )


def facts(text: str) -> Facts:
    """The cells as printed, memory as numbers of MiB."""
    sheet = sheet_of(text)
    failed = [row.index for row in sheet.rows if _failed(row)]
    error = error_of("\n".join(sheet.around))
    return {
        "timestamp": next((line for line in sheet.around if _TIME.match(line)), None),
        "nvidia_smi_version": sheet.versions.get("nvidia-smi"),
        "driver_version": next(versions_named(sheet, "driver", "kmd"), None),
        "cuda_version": next(versions_named(sheet, "cuda"), None),
        "gpu_count": _gpu_count(sheet, error),
        "failed_index": failed[0] if failed else None,
        "failed_indexes": failed,
        "gpus": _gpus(sheet),
        "mig_devices": [
            {
                **asdict(one),
                "mem_used_mib": count(one.mem_used),
                "mem_total_mib": count(one.mem_total),
            }
            for one in sheet.migs
        ],
        "process_count": len(sheet.processes),
        "processes": [{**asdict(one), "mem_mib": count(one.memory)} for one in sheet.processes],
        "error": error,
    }


def _gpu(row: Row) -> Gpu:
    return Gpu(
        index=row.index,
        name=told(row.name),
        bus_id=row.bus_id,
        persistence=switched(row.persistence),
        fan_percent=count(row.fan),
        temperature_c=amount(row.temp),
        pstate=told(row.pstate),
        power_draw_w=amount(row.power),
        power_limit_w=amount(row.cap),
        memory_used_mib=count(row.mem_used),
        memory_total_mib=count(row.mem_total),
        utilization_percent=count(row.util),
        ecc=told(row.ecc),
        mig_mode=told(row.mig_mode),
        failed=_failed(row),
    )


def _failed(row: Row) -> bool:
    """A card without a name no longer answers; single ERR! cells also stand for no answer."""
    return row.name == "ERR!" or row.temp == "ERR!" or row.util == "ERR!"


def _gpu_count(sheet: Sheet, error: str | None) -> int | None:
    if sheet.rows:
        return None if sheet.cut else len(sheet.rows)
    return 0 if error == "no_devices" else None


def _gpus(sheet: Sheet) -> list[Facts] | dict[str, Facts]:
    """A list; from a piece of a table, where a place is not the index, a dict by index."""
    rows: Sequence[Row] = sheet.rows
    if (
        not sheet.versions
        and not sheet.titled
        and [row.index for row in rows] != [*range(len(rows))]
    ):
        return {str(row.index): _shown(row) for row in rows}
    return [_shown(row) for row in rows]


def _shown(row: Row) -> Facts:
    return {
        "index": row.index,
        "name": row.name,
        "bus_id": row.bus_id,
        "persistence": row.persistence,
        "display": row.display,
        "ecc": row.ecc,
        "fan": row.fan,
        "temp": row.temp,
        "pstate": row.pstate,
        "power_w": row.power,
        "power_cap": row.cap,
        "mem_used_mib": count(row.mem_used),
        "mem_total_mib": count(row.mem_total),
        "util": row.util,
        "compute_mode": row.compute_mode,
        "mig_mode": row.mig_mode,
    }
