"""llama-bench as a table, JSON, JSON lines, CSV or SQL; and why it failed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import lines_of
from magnusctl.parsers.json_values import plain, whole, words
from magnusctl.parsers.llama_bench_rows import Row, rows_of

_BUILD = re.compile(r"\bbuild: ([0-9A-Za-z]{1,40}) \(([0-9]{1,9})\)")
_ERROR = re.compile(r"(?:^|[ :])error: (\S.{0,300})$|^\S{1,20} E \S.{0,40}?: (\S.{0,300})$")
_FATAL = re.compile(
    r"out of memory|CUDA error|GGML_ASSERT|ggml_abort|Segmentation fault|core dumped"
    r"|command not found|No such file or directory|cannot open shared object|[Kk]illed$"
)
_DEVICE = re.compile(r"^\s{0,8}Device [0-9]{1,3}: ([^,]{1,100}),")
_VULKAN = re.compile(r"^ggml_vulkan: [0-9]{1,3} = ([^|(]{1,100})")
_METAL = re.compile(r"^ggml_metal_\w{1,20}: GPU name: +(\S.{0,80})$")


@dataclass(frozen=True)
class Bench:
    """The tests of one or more runs, which build made them, on which GPUs, or why it failed."""

    rows: tuple[Row, ...] = ()
    form: str | None = None
    build_commit: str | None = None
    build_number: int | None = None
    gpus: tuple[str, ...] = ()
    error: str | None = None


def parse(text: str) -> Bench:
    """The rows that are whole; the error also where some rows were made before it."""
    form, rows = rows_of(text)
    lines = lines_of(plain(text))
    commit, build = _build(lines, rows)
    return Bench(rows, form, commit, build, _gpus(lines, rows), _error(lines))


def _build(lines: list[str], rows: tuple[Row, ...]) -> tuple[str | None, int | None]:
    match = next(filter(None, map(_BUILD.search, lines)), None)
    if match:
        return match[1], int(match[2])
    cells = rows[0].cells if rows else {}
    return words(cells.get("build_commit")), whole(cells.get("build_number"))


def _gpus(lines: list[str], rows: tuple[Row, ...]) -> tuple[str, ...]:
    listed = [match for line in lines for match in map(_gpu, [line]) if match]
    told = words(rows[0].cells.get("gpu_info")) if rows else None
    return tuple(listed) or ((told,) if told else ())


def _gpu(line: str) -> str | None:
    match = _DEVICE.match(line) or _VULKAN.match(line) or _METAL.match(line)
    return match[1].strip() if match else None


def _error(lines: list[str]) -> str | None:
    """What went wrong, without the name of the file."""
    match = next(filter(None, map(_ERROR.search, lines)), None)
    if match:
        return _without_file(match[1] or match[2])
    return next((line.strip() for line in lines if _FATAL.search(line)), None)


def _without_file(error: str) -> str:
    return re.sub(r"[ ,:]{0,3}'[^']{0,300}'?[. ]{0,3}$", "", error) or error


def facts(text: str) -> Facts:
    """The rows of a table by model, test and tps; of other forms by their own fields."""
    found = parse(text)
    counted = found.form in ("csv", "sql")
    rows = [_fact(row, found.form == "table") for row in found.rows]
    return {
        "form": found.form,
        "build_commit": found.build_commit,
        "build_number": found.build_number,
        "entries": len(rows),
        "rows": len(rows) if counted else rows,
        "gpus": [*found.gpus],
        "error": found.error,
        "tests": [row.test for row in found.rows],
        "tps": [row.tokens_per_second for row in found.rows],
        "avg_ts": [row.tokens_per_second for row in found.rows],
        "stddev_ts": [row.stddev for row in found.rows],
        "n_prompt": [row.n_prompt for row in found.rows],
        "n_gen": [row.n_gen for row in found.rows],
        "n_depth": [row.n_depth for row in found.rows],
        "model": found.rows[0].model if found.rows else None,
        "backend": found.rows[0].backend if found.rows else None,
    }


def _fact(row: Row, of_table: bool) -> Facts:
    common: Facts = {
        "model": row.model,
        "test": row.test,
        "tps": row.tokens_per_second,
        "stddev": row.stddev,
        "n_prompt": row.n_prompt,
        "n_gen": row.n_gen,
        "n_depth": row.n_depth,
        "backend": row.backend,
    }
    return {**row.cells, **common} if of_table else {**common, **row.cells}
