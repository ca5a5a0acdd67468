"""What causes and signs are, and the marks by which the course of a start is followed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a deployment failed; `unknown` where nothing in the log is recognised."""

    oom_weights = "oom_weights"
    oom_kv = "oom_kv"
    driver_mismatch = "driver_mismatch"
    cuda_too_new = "cuda_too_new"
    unsupported_arch = "unsupported_arch"
    gated_repo = "gated_repo"
    disk_full = "disk_full"
    port_taken = "port_taken"
    bad_flag = "bad_flag"
    killed_by_os = "killed_by_os"
    asleep = "asleep"
    unreachable = "unreachable"
    timeout = "timeout"
    unknown = "unknown"


@dataclass(frozen=True)
class Sign:
    """Words of a line that tell a cause; None where memory ran out and the lines around tell what
    for. `figure` is what the words say, with their groups as \\1; `instead` names a text of its
    own in magnusctl.causes.nextsteps."""

    cause: Cause | None
    words: re.Pattern[str]
    figure: str = ""
    instead: str = ""


N = r"(-?\d{1,9}(?:\.\d{1,9})?)"
SIZE = rf"{N} ?([KMG]i?B)"

READY = re.compile(
    r"Application startup complete|Uvicorn running on|: model loaded\b|"
    r"listening on https?://|runner started in|"
    r"\"POST /v1/\S{1,60} HTTP/1\.[01]\" 200\b|"
    r"\| 200 \|.{0,80}\"/(?:api|v1)/(?:chat|generate|embed)"
)
"""From here on a server answers: what was said before, it survived."""

LOADS = re.compile(
    r"Starting to load model|Loading safetensors checkpoint|load_tensors: |Model loading took"
)
"""The files are there: what was said about getting them was survived."""

STARTS = re.compile(
    r"systemd\[\d{1,9}\]: Start(?:ed|ing) |vLLM API server version|[▀▄█].{0,40}\bversion \d|"
    r"llama_server: initializing|main: build = \d|mlx_lm\.server is not recommended|"
    r"msg=\"(?:server config|starting (?:llama server|runner))\"|INFO server config env="
)
"""A start begins."""

ADVICE = re.compile(
    r"\b(?:INFO|WARNING|DEBUG) \d\d-\d\d |\b(?:INFO|WARNING|DEBUG): {2,}|"
    r" - (?:INFO|WARNING|DEBUG) - |\braise \w|\bFile \"[^\"]{1,300}\", line \d|\blevel=DEBUG|"
    r"\b\d{1,4}\.\d\d\.\d{3}\.\d{3} [IWD] "
)
"""A line of a run that goes on, or the code that a traceback shows."""

FOR_CACHE = re.compile(
    r"kv.?cache|KV buffer|compute (?:pp )?buffers|initialize the context|create context|"
    r"determine_available_memory|profile_run|capture_model|InputBatch|Prompt processing progress|"
    r"Model loading took|Loading model weights took|llama_context:|"
    r"\"POST /v1/\S{1,60} HTTP/1\.[01]\" 200|"
    r"in (?:_serve_batch|_prefill|prompt_step|stream_generate|generate_step)\b",
    re.IGNORECASE,
)
FOR_WEIGHTS = re.compile(
    r"unable to allocate|load_tensors|load_model\b|error loading model|load_weights|make_layers|"
    r"get_model\b|Loading safetensors"
)
"""What the lines around say memory was for."""

FIGURES: tuple[tuple[Cause, re.Pattern[str], str], ...] = (
    (
        Cause.oom_kv,
        re.compile(rf"Available KV cache memory: {N} GiB"),
        r"\1 GiB left for the KV cache",
    ),
    (
        Cause.oom_kv,
        re.compile(rf"allocating {SIZE} on device (\d{{1,3}})"),
        r"\1 \2 asked on device \3",
    ),
    (
        Cause.oom_kv,
        re.compile(r"failed to allocate (?:\S{1,20} )?buffer of size (\d{1,18})"),
        r"\1 bytes asked",
    ),
    (Cause.oom_kv, re.compile(r"n_ctx_seq \((\d{1,12})\)"), r"\1 tokens asked"),
    (
        Cause.gated_repo,
        re.compile(r"Access to model (\S{1,200}) is restricted and you are not in the authorized"),
        r"access to \1 was not given to this account",
    ),
    (
        Cause.gated_repo,
        re.compile(r"(?:Access to model|Repo model) (\S{1,200}) is (?:restricted|gated)"),
        r"\1 is only for accounts that have access",
    ),
    (
        Cause.gated_repo,
        re.compile(r"Model '([^']{1,200})' (?:requires approval|not found)"),
        r"\1",
    ),
    (Cause.port_taken, re.compile(r"['\"]?\bport['\"]?[:=] ?(\d{1,5})\b"), r"port \1"),
    (Cause.disk_full, re.compile(r"Couldn't write|write (/\S{1,300}?): no space left"), r"\1"),
)
"""Figures that other lines of the start have, where the line that tells the cause has none."""

MORE: tuple[tuple[Cause, re.Pattern[str], str], ...] = (
    (Cause.oom_kv, re.compile(r"estimated maximum model length is (\d{1,12})"), r"\1 tokens fit"),
)
"""Figures that the line that tells the cause has beside the others."""
