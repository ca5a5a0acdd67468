"""The lines of vLLM's log that tell something, in the wordings of its versions."""

from __future__ import annotations

import re

N = r"(-?\d{1,9}(?:\.\d{1,9})?)"
COUNT = r"(\d[\d,]{0,20})"

FIGURES: dict[str, tuple[str, ...]] = {
    "weights_gib": (
        rf"[Mm]odel loading took {N} Gi?B",
        rf"Loading model weights took {N} GB",
        rf"model weights take {N} ?GiB",
    ),
    "model_load_seconds": (rf"[Mm]odel loading took \S+ Gi?B(?: memory)? and {N} seconds",),
    "weights_load_seconds": (rf"Loading weights took {N} seconds",),
    "kv_available_gib": (
        rf"Available KV cache memory: {N} GiB",
        rf"memory reserved for KV Cache is {N} ?GiB",
    ),
    "kv_tokens": (
        rf"GPU KV cache size: {COUNT} tokens",
        rf"can be stored in (?:the )?KV cache \({COUNT}\)",
    ),
    "max_concurrency": (rf"Maximum concurrency for {COUNT} tokens per request: {N}x",),
    "max_model_len": (
        rf"Using max model len {COUNT}\s*$",
        r"['\"]?max_model_len['\"]?[:=] ?(\d{1,9})\b",
        r"\bmax_seq_len=(\d{1,9})\b",
        rf"Maximum concurrency for {COUNT} tokens per request",
    ),
    "gpu_blocks": (r"# (?:GPU|cuda) blocks: (\d{1,9}),",),
    "cpu_blocks": (r"# CPU blocks: (\d{1,9})\b",),
    "init_seconds": (rf"init engine \([^)]{{0,80}}\) took {N} s",),
    "graph_seconds": (rf"Graph capturing finished in {N} secs",),
    "graph_gib": (rf"Graph capturing finished in .{{0,20}} took {N} GiB",),
    "compile_seconds": (
        rf"torch\.compile (?:takes|took) {N} s",
        rf"torch\.compile and .{{0,60}} took {N} s",
    ),
    "max_seq_len": (r"max seq len \((\d{1,9})\)",),
    "needed_gib": (rf"{N} GiB KV cache is needed", rf"\({N} GiB\) KV cache is needed"),
    "available_gib": (rf"available KV cache memory \({N} GiB\)",),
    "estimated_max_len": (r"estimated maximum model length is (\d{1,9})",),
    "free_gib": (
        rf"Free memory on device .{{0,20}}\({N}/\S{{1,12}} GiB\) on startup",
        rf"of which {N} GiB is free",
    ),
    "tried_gib": (rf"Tried to allocate {N} GiB",),
    "total_gib": (
        rf"Free memory on device .{{0,20}}\(\S{{1,12}}/{N} GiB\) on startup",
        rf"has a total capacity of {N} GiB",
    ),
    "desired_gib": (rf"desired GPU memory utilization \(\S{{1,12}} {N} GiB\)",),
    "gpu_memory_utilization": (
        rf"['\"]?gpu_memory_utilization['\"]?[:=] ?{N}\b",
        rf"desired GPU memory utilization \({N},",
        rf"gpu_memory_utilization \({N}\)",
    ),
    "tensor_parallel_size": (r"['\"]?tensor_parallel_size['\"]?[:=] ?(\d{1,5})\b",),
    "derived_max_len": (r"derived max_model_len \(max_position_embeddings=(\d{1,9})",),
    "prompt_throughput": (rf"Avg prompt throughput: {N} tokens/s",),
    "generation_throughput": (rf"Avg generation throughput: {N} tokens/s",),
    "running": (r"Running: (\d{1,9}) reqs",),
    "waiting": (r"(?:Waiting|Pending): (\d{1,9}) reqs",),
    "kv_usage_percent": (rf"GPU KV cache usage: {N}%",),
    "prefix_hit_percent": (rf"Prefix cache hit rate: (?:GPU: )?{N}%",),
}
"""Figures by name: the first of their wordings that a log has gives the value, where it has it
more than once the last time."""

NAMES: dict[str, tuple[str, ...]] = {
    "version": (
        r"API server version (\d\S{0,60})",
        r"[▀▄█].{0,40}?\bversion (\d\S{0,60})\s*$",
        r"Initializing an? (?:V\d )?LLM engine \(v([^)\s]{1,60})\)",
        r"\[utils\.py:\d+\].{0,60}\bversion (\d\S{0,60})\s*$",
    ),
    "model": (
        r"[▀▄█].{0,40}?\bmodel\s{1,9}(\S{1,300})\s*$",
        r"'model(?:_tag)?': '([^']{1,300})'",
        r"engine .{0,80}with config: model='([^']{1,300})'",
        r"\bmodel(?:_tag)?='([^']{1,300})'",
        r"Starting to load model (\S{1,300}?)\.\.\.",
    ),
    "architecture": (r"Resolved architecture: (\w{1,100})",),
    "attention_backend": (
        r"Using (\w{1,40}) attention backend",
        r"Using (\w{1,40}(?: \w{1,20})?) backend",
    ),
    "listening": (
        r"Starting vLLM (?:API )?server(?: \d+)? on (https?://\S{1,200})",
        r"Uvicorn running on (https?://\S{1,200})",
    ),
}
"""Words by name, as FIGURES."""

READY = re.compile(r"Application startup complete|Uvicorn running on")
WORKS = re.compile(r"init engine \([^)]{0,80}\) took|Supported_?\s?tasks: \[")
STARTS = re.compile(
    r"API server version|\[utils\.py:\d+\].{0,60}\bversion \d|Initializing an? (?:V\d )?LLM engine"
)
FAILS = re.compile(
    r"Engine core initialization failed|EngineCore failed to start|EngineDeadError"
    r"|Engine process failed to start|EngineCore encountered a fatal error"
    r"|WorkerProc (?:initialization failed|failed to start)|AsyncLLM output_handler failed"
)
TRACEBACK = re.compile(r"Traceback \(most recent call last\)")
CAUSES: tuple[tuple[str, str], ...] = (
    ("kv_cache_too_small", r"max seq len \(\d+\)[^.]{0,20}(?:is larger than the maximum number|,)"),
    ("no_kv_cache_memory", r"No available memory for the cache blocks"),
    ("free_memory_too_small", r"is less than desired GPU memory utilization"),
    ("out_of_memory", r"(?:CUDA|HIP|XPU) (?:error: )?out of memory|OutOfMemoryError:"),
    ("max_model_len_too_large", r"max_model_len \(\d+\) is greater than the derived"),
    ("max_model_len_too_large", r"max_model_len.{0,80}larger than.{0,80}max_position_embeddings"),
    ("gated", r"gated repo|GatedRepoError|Access to model .{1,200} is restricted"),
    ("model_not_found", r"is not a local folder and is not a valid model identifier"),
    ("model_not_found", r"RepositoryNotFoundError|does not appear to have a file named config"),
    ("model_not_found", r"Repo id must be|Invalid repository ID or local directory"),
    ("model_not_found", r"Can't load the configuration of"),
    ("port_in_use", r"[Aa]ddress already in use"),
    ("no_gpu", r"No CUDA GPUs are available|Failed to infer device type|no NVIDIA driver"),
    ("no_gpu", r"libcuda\.so\.1: cannot open shared object"),
    ("too_few_gpus", r"World size \(\d+\) is larger than the number of available GPUs"),
    ("too_few_gpus", r"placement group request requires more"),
    (
        "unsupported_architecture",
        r"Model architectures .{1,200} (?:are not supported|failed to be)",
    ),
    ("unsupported_gpu", r"no kernel image is available|only supported on GPUs with compute capab"),
    ("bfloat16_unsupported", r"Bfloat16 is only supported on GPUs"),
    ("bad_argument", r"error: (?:unrecognized arguments|argument |the following arguments)"),
    ("disk_full", r"No space left on device"),
    ("cuda_error", r"CUDA error: (?!out of memory)\w|Triton Error \[CUDA\]"),
    ("nccl_error", r"NCCL error"),
    ("killed", r"died unexpectedly|\bKilled\s*$|exit code -9"),
)
"""Why a start fails, and the words that say so; the first in a line counts."""
