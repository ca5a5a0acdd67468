"""Rows of observations, and the request that each one becomes: never with a result in it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from magnusctl.errors import InputError

DATA = Path(__file__).parent / "fitdata"
GIB = 2**30
DEFAULT_CONTEXT = 4096
# All that a request is made of. Every other column is, or could tell, a result.
INPUTS = frozenset(
    {"row_id", "format", "quant", "engine", "device", "n_devices", "device_mem_gib"}
    | {"mem_limit_gib", "ctx_tokens", "n_seqs", "kv_dtype", "tps_depth_tokens"}
)
_RESULTS = frozenset(
    {"artifact_bytes", "artifact_gib", "weights_gib", "weights_on_gpu_gib", "kv_gib", "total_gib"}
    | {"kv_capacity_tokens", "gpu_layers", "fits", "decode_tps"}
)
_ENGINE_TOLD_LAYERS = re.compile(r"\s*\b\d+/\d+ layers\b")
_UTILIZATION = re.compile(r"\butil (0?\.\d+)")
_RATE = re.compile(r"(\d+(?:\.\d+)?) ?GB/s")
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(GB|TB)(?!/s)\b")
_CPU = re.compile(r"\b(Xeon|EPYC|CPU|Azure|Intel N\d+|Ryzen|Skylake|Threadripper|Graviton)\b")
_GPU = re.compile(r"\b(RTX|GTX|A100|H100|H200|H20|Tesla|GPU|NVIDIA|Radeon)\b")
_CONSUMER = re.compile(r"\bRTX \d{4}\b(?! Ada)")
# GiB of one card whose name in the rows does not say it.
_CARDS = {
    **{"Tesla T4": 16, "Tesla P40": 24, "RTX A6000": 48, "RTX 6000 Ada": 48, "RTX 4000 Ada": 20},
    **{"RTX 3090": 24, "RTX 4090": 24, "RTX 5090": 32, "RTX 4080": 16, "RTX 3080": 10},
}


@dataclass(frozen=True)
class Observation:
    """One row, and the facts of its model."""

    cells: Mapping[str, str] = field(repr=False)
    config: Mapping[str, object] = field(repr=False)
    row_id: str = ""

    @property
    def fields(self) -> frozenset[str]:
        """What the row may be scored on."""
        return frozenset(filter(None, self.cells["score_fields"].split(";")))

    @property
    def kind(self) -> str:
        """`metal`, `cuda` or `cpu`; empty where no device is named."""
        return device_kind(self.cells["device"], self.cells["engine"])

    @property
    def group(self) -> str:
        """The class that it is reported in; `gguf` is for a file without a machine."""
        if self.cells["format"] != "gguf":
            return self.cells["format"]
        return {"cuda": "gguf-cuda", "metal": "gguf-metal", "cpu": "cpu"}.get(self.kind, "gguf")

    @property
    def consumer(self) -> bool:
        """Whether the device is a card that people have at home."""
        return _CONSUMER.search(self.cells["device"]) is not None

    @property
    def moe(self) -> bool:
        """Whether the model is a mixture of experts."""
        return any(self.config.get(key) for key in EXPERT_COUNTS)

    @property
    def context(self) -> int:
        """Tokens that the cache was asked for."""
        return int(self.number("ctx_tokens") or DEFAULT_CONTEXT)

    @property
    def sharers(self) -> int:
        """By how much the row's sizes are smaller than the whole: figures of one GPU of several."""
        return int(self.number("n_devices") or 1) if "per GPU" in self.cells["engine"] else 1

    def number(self, column: str) -> float | None:
        """A cell's number; None where it is blank. Raises InputError for anything else."""
        text = self.cells.get(column) or ""
        try:
            return float(text) if text else None
        except ValueError:
            raise InputError(f"{column} is no number: {text!r}", where=self.row_id) from None


EXPERT_COUNTS = ("num_local_experts", "num_experts", "n_routed_experts")


def device_kind(device: str, engine: str = "") -> str:
    """What drives a device, by its name; one that says nothing is what the engine is for."""
    if not device:
        return ""
    if device.startswith("Apple"):
        return "metal"
    # A card's name comes first where the machine's processor is named beside it.
    gpu, cpu = _GPU.search(device), _CPU.search(device)
    if gpu and cpu:
        return "cuda" if gpu.start() < cpu.start() else "cpu"
    return "cpu" if cpu or (not gpu and _CPU.search(engine)) else "cuda"


def read_rows(rows: Path, configs: Path) -> list[Observation]:
    """All rows that are scored on something. Raises InputError for what cannot be read."""
    try:
        with rows.open(newline="", encoding="utf-8") as stream:
            read = csv.DictReader(stream)
            missing = (INPUTS | _RESULTS | {"config", "score_fields"}) - set(read.fieldnames or ())
            if missing:
                raise InputError(f"no column {', '.join(sorted(missing))}", where=str(rows))
            found = [
                Observation(row, _config(configs, row["config"]), row["row_id"])
                for row in read
                if row["score_fields"]
            ]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"cannot be read: {error}", where=str(rows)) from None
    if not found:
        raise InputError("no row to score", where=str(rows))
    return found


def _config(configs: Path, name: str) -> Mapping[str, object]:
    found = json.loads((configs / f"{name}.json").read_text(encoding="utf-8"))
    return {key: value for key, value in found.items() if not key.startswith("_")}


def request(observation: Observation) -> dict[str, object]:
    """What the planner is asked about a row."""
    # Only these columns are within reach below, so that no result can be used by mistake.
    row = Observation(
        {key: observation.cells.get(key) or "" for key in INPUTS}, {}, observation.row_id
    )
    engine = _ENGINE_TOLD_LAYERS.sub("", row.cells["engine"]).strip()
    utilization = _UTILIZATION.search(engine)
    asked: dict[str, object] = {
        "id": row.row_id,
        "config": dict(observation.config),
        **{key: row.cells[key] for key in ("format", "quant")},
        "engine": engine,
        "device": _device(row),
        "context": row.context,
        "sequences": int(row.number("n_seqs") or 1),
        "kv_dtype": row.cells["kv_dtype"],
    }
    if utilization:
        asked["utilization"] = float(utilization[1])
    if observation.fields & {"tps", "offload_tps"} and row.number("tps_depth_tokens") is not None:
        asked["depth"] = int(row.number("tps_depth_tokens") or 0)
    if "offload_tps" in observation.fields and observation.number("gpu_layers") is not None:
        asked["gpu_layers"] = int(observation.number("gpu_layers") or 0)
    return asked


def _device(row: Observation) -> dict[str, object] | None:
    name = row.cells["device"]
    if not name:
        return None
    count = int(row.number("n_devices") or 1)
    device: dict[str, object] = {"name": name, "count": count, "kind": row.kind}
    device["memory_gib"] = _memory(name, count, row.number("device_mem_gib"))
    rate, limit = _RATE.search(name), row.number("mem_limit_gib")
    if rate:
        device["bandwidth_gbs"] = float(rate[1])
    if limit is not None and row.kind in ("metal", "cpu"):
        device["limit_gib"] = limit
    return device


def _memory(name: str, count: int, stated: float | None) -> float | None:
    """Of one device: rows sometimes state that of all together, or only the name says it."""
    said = _SIZE.search(name)
    own: float | None = next((size for card, size in _CARDS.items() if card in name), None)
    if own is None and said:
        own = float(said[1]) * (1024 if said[2] == "TB" else 1)
    if stated is None:
        return own
    together = count > 1 and own is not None and stated > 1.5 * own
    return stated / count if together else stated


def unseen_files(rows: Sequence[Observation], seen: Sequence[Observation] = ()) -> frozenset[str]:
    """The rows to score `artifact` on: the first one that names a file nobody named before."""
    known = [(_file(row), artifact_gib(row)) for row in seen if "artifact" in row.fields]
    new = set()
    for row in rows:
        file, size = _file(row), artifact_gib(row)
        if "artifact" not in row.fields or size is None:
            continue
        if not any(file == one and other and _same(size, other) for one, other in known):
            known.append((file, size))
            new.add(row.row_id)
    return frozenset(new)


def artifact_gib(row: Observation) -> float | None:
    """Size of the files that the row states."""
    size = row.number("artifact_bytes")
    return size / GIB if size else row.number("artifact_gib")


def _file(row: Observation) -> tuple[str, str, str]:
    return row.cells["config"], row.cells["format"], row.cells["quant"]


def _same(one: float, other: float) -> bool:
    """One file, whose size one source rounds more than another."""
    return abs(one - other) <= 0.001 * other + 0.005
