"""The words by which engines and downloaders say why they failed, in several versions of each.

Each pattern is looked for in one line of at most some thousand characters, and is bounded in it.
"""

from __future__ import annotations

import re

from magnusctl.causes.signs import SIZE, Cause, N, Sign


def _sign(cause: Cause | None, words: str, figure: str = "", instead: str = "") -> Sign:
    return Sign(cause, re.compile(words), figure, instead)


_NAME = r"[`'\"]?([\w./+-]{1,100})[`'\"]?"

SIGNS: tuple[Sign, ...] = (
    # Flags: of argparse (vLLM, mlx-lm), llama-server, Cobra (Ollama), typer (hf) and curl.
    _sign(Cause.bad_flag, r"error: unrecognized arguments?: (\S{1,100})", r"\1"),
    _sign(Cause.bad_flag, r"error: argument (-[\w-]{1,60})[^:]{0,60}: (.{1,160})", r"\1: \2"),
    _sign(Cause.bad_flag, r"error: ambiguous option: (-[\w-]{1,60})", r"\1 is not the only one"),
    _sign(
        Cause.bad_flag, r"error: the following arguments are required: (.{1,80})", r"\1 is missing"
    ),
    _sign(Cause.bad_flag, r"error: (?:invalid|unknown) argument: (\S{1,100})", r"\1"),
    _sign(
        Cause.bad_flag,
        r"error while handling argument \"(-[\w-]{1,60})\": (.{1,160})",
        r"\1: \2",
    ),
    _sign(
        Cause.bad_flag,
        r"Error: (?:unknown|invalid) (?:shorthand )?flag: (?:'\w' in )?(-\S{1,80})",
        r"\1",
    ),
    _sign(Cause.bad_flag, r"Error: [Nn]o such option:? '?(-[\w-]{1,60})", r"\1"),
    _sign(Cause.bad_flag, r"No such option:? '?(-[\w-]{1,60})", r"\1"),
    _sign(Cause.bad_flag, r"curl: option (-\S{1,80}): is unknown", r"\1"),
    _sign(
        Cause.bad_flag,
        r"max_model_len \((\d{1,12})\) is greater than the derived max_model_len"
        r"(?: \(max_position_embeddings=(\d{1,12}))?",
        r"--max-model-len \1; the model's own is \2",
        "context",
    ),
    _sign(
        Cause.bad_flag,
        r"World size \((\d{1,5})\) is larger than the number of available GPUs \((\d{1,5})\)",
        r"--tensor-parallel-size \1; \2 GPUs",
    ),
    _sign(
        Cause.bad_flag,
        r"Bfloat16 is only supported on GPUs with compute capability of at least (\d\.\d)",
        r"--dtype bfloat16 wants compute capability \1",
    ),
    _sign(
        Cause.bad_flag,
        r"[Cc]annot assign requested address|[Cc]an't assign requested address",
        "--host is no address of the machine",
    ),
    # The port of the server, of engines' inner links too.
    _sign(
        Cause.port_taken,
        r"couldn't bind (?:to |HTTP )?server socket[:,] hostname[:=] ?\S{1,100} "
        r"port[:=] ?(\d{1,5})",
        r"port \1",
    ),
    _sign(
        Cause.port_taken,
        r"listen tcp \S{0,60}?:(\d{1,5}): bind: (?:address already in use|Only one usage)",
        r"port \1",
    ),
    _sign(
        Cause.port_taken,
        r"bind on address \('[^']{0,60}', (\d{1,5})[^)]{0,20}\): address already in use",
        r"port \1",
    ),
    _sign(
        Cause.port_taken, r"[Aa]ddress already in use|EADDRINUSE|Only one usage of each socket addr"
    ),
    # The disk.
    _sign(
        Cause.disk_full,
        r"Not enough free disk space to download the file\. The expected file size is: "
        rf"{N} MB\. The target location \S{{1,300}} only has {N} MB free",
        r"\1 MB needed, \2 MB free",
    ),
    _sign(Cause.disk_full, r"[Nn]o space left on device|ENOSPC|Errno 28\b|[Dd]isk quota exceeded"),
    _sign(Cause.disk_full, r"curl: \(23\) |error writing to file: \S{1,300}downloadInProgress"),
    # The licence. A hub answers for a repository that is not there as for one that is private.
    _sign(
        Cause.gated_repo,
        r"Model '([^']{1,200})' not found\.|RepositoryNotFoundError: (401|404)|"
        r"(401|404) Client Error\. .{0,120}Repository Not Found|^Repository Not Found for url|"
        r"GET failed \(40[14]\): Repository not found",
        "",
        "no_repository",
    ),
    _sign(Cause.gated_repo, r"Access denied\. Model '([^']{1,200})' requires approval", ""),
    _sign(
        Cause.gated_repo,
        r"GatedRepoError|[Cc]annot access gated repo|access a gated repo|"
        r"Access to model \S{1,200} is restricted|Repo model \S{1,200} is gated",
    ),
    _sign(
        Cause.gated_repo, r"\b(40[13]) Client Error: (?:Unauthorized|Forbidden) for url", r"HTTP \1"
    ),
    _sign(Cause.gated_repo, r"curl: \(22\) .{0,60}error: (40[13])\b", r"HTTP \1"),
    _sign(Cause.gated_repo, r"pull model manifest: (40[13])\b", r"HTTP \1"),
    _sign(Cause.gated_repo, r"registry responded with status (40[13])\b", r"HTTP \1"),
    _sign(
        Cause.gated_repo,
        r"Download '\S{1,500}' failed with status code: (40[13])\b|"
        r"HEAD (?:request )?failed, status: (40[13])\b",
        r"HTTP \1; HTTP \2",
    ),
    # Driver and library of different versions, or no driver that answers.
    _sign(
        Cause.driver_mismatch,
        r"[Dd]river/library version mismatch|NVML/RM version mismatch|"
        r"unsupported display driver ?/ ?cuda driver combination|"
        r"forward compatibility was attempted on non supported HW",
    ),
    # A CUDA that the driver does not know yet.
    _sign(
        Cause.cuda_too_new,
        r"NVIDIA driver on your system is too old \(found version (\d{1,3})0(\d)\d\)",
        r"the driver knows CUDA up to \1.\2",
    ),
    _sign(
        Cause.cuda_too_new,
        r"NVIDIA driver on your system is too old|"
        r"CUDA driver version is insufficient for CUDA runtime version|"
        r"PTX was compiled with an unsupported toolchain|cudaErrorUnsupportedPtxVersion",
    ),
    _sign(
        Cause.cuda_too_new,
        r"unsatisfied condition: cuda>=(\d{1,3}\.\d{1,2})",
        r"CUDA \1 is needed",
    ),
    _sign(
        Cause.driver_mismatch,
        r"couldn't communicate with the NVIDIA driver|Found no NVIDIA driver on your system|"
        r"No CUDA GPUs are available|no CUDA-capable device is detected|"
        r"libcuda\.so\.1: cannot open shared object|Failed to infer device type",
    ),
    # Architectures, of models and of cards.
    _sign(
        Cause.unsupported_arch,
        r"Model architectures \['([^'\]]{1,100})'.{0,2000} (?:are not supported|failed to be)",
        r"\1",
    ),
    _sign(Cause.unsupported_arch, rf"^.{{0,300}}?{_NAME} has no vLLM implementation", r"\1"),
    _sign(
        Cause.unsupported_arch,
        rf"has model type {_NAME} but Transformers does not recognize",
        r"\1",
    ),
    _sign(Cause.unsupported_arch, rf"unknown model architecture: {_NAME}", r"\1"),
    _sign(Cause.unsupported_arch, rf"unknown pre-tokenizer type: {_NAME}", r"pre-tokenizer \1"),
    _sign(Cause.unsupported_arch, rf"Model type {_NAME} (?:is )?not supported", r"\1"),
    _sign(Cause.unsupported_arch, rf"unsupported architecture:? \\?{_NAME}", r"\1"),
    _sign(Cause.unsupported_arch, r"has invalid ggml type (\d{1,4})", r"ggml type \1"),
    _sign(
        Cause.unsupported_arch,
        r"requires a newer version of Ollama|pull model manifest: 412",
        "a newer Ollama is asked for",
    ),
    _sign(
        Cause.unsupported_arch,
        r"quantization method (\S{1,40}) is not supported for the current GPU\. Minimum capability:"
        r" (\d{1,4})\. Current capability: (\d{1,4})",
        r"\1 wants compute capability \2; the card has \3",
    ),
    _sign(
        Cause.unsupported_arch,
        r"with CUDA capability (sm_\d{1,4}) is not compatible with the current PyTorch",
        r"\1",
        "card",
    ),
    _sign(Cause.unsupported_arch, r"no kernel image is available for execution", "", "card"),
    # Memory: what is said to be for the cache, for the weights, and what is only said to be full.
    _sign(
        Cause.oom_kv,
        rf"max seq len \(\d{{1,12}}\)[, (]{{1,4}}{N} GiB KV cache is needed, which is larger than "
        rf"the available KV cache memory \({N} GiB\)",
        r"\1 GiB KV cache needed, \2 GiB available",
    ),
    _sign(
        Cause.oom_kv,
        r"max seq len \((\d{1,12})\) is larger than the maximum number of tokens that can be "
        r"stored in (?:the )?KV cache \((\d{1,12})\)",
        r"\1 tokens asked; \2 tokens fit",
    ),
    _sign(Cause.oom_kv, r"No available memory for the cache blocks"),
    _sign(
        Cause.oom_kv,
        r"failed to allocate buffer for kv cache|failed to allocate compute (?:pp )?buffers|"
        r"failed to initialize the context|failed to create context with model",
    ),
    _sign(
        Cause.oom_weights,
        rf"Free memory on device .{{0,20}}\({N}/{N} GiB\) on startup is less than desired GPU "
        rf"memory utilization \({N}, {N} GiB\)",
        r"\4 GiB asked, \1 GiB free of \2 GiB",
        "others",
    ),
    _sign(
        Cause.oom_weights,
        rf"requires more system memory \({SIZE}\) than is available \({SIZE}\)",
        r"\1 \2 needed, \3 \4 available",
    ),
    _sign(
        None,
        rf"Tried to allocate {SIZE}\. .{{0,40}}total capacity of {SIZE} of which {SIZE} is free",
        r"\1 \2 asked, \5 \6 free of \3 \4",
    ),
    _sign(
        None,
        rf"allocating {SIZE} on device (\d{{1,3}}): cudaMalloc failed: out of memory",
        r"\1 \2 asked on device \3",
    ),
    _sign(
        None,
        r"(?:failed to allocate (?:\S{1,20} )?buffer of size|Attempting to allocate|"
        r"you tried to allocate) (\d{1,18})\b"
        r"(?: bytes which is greater than the maximum allowed buffer size of (\d{1,18}) bytes)?",
        r"\1 bytes asked; \2 bytes is the most",
    ),
    _sign(Cause.oom_weights, r"unable to allocate (?:\S{1,20} )?(?:backend )?buffer"),
    _sign(
        None,
        r"(?:CUDA|HIP|XPU)(?: error)?:? out of memory|OutOfMemoryError|cudaMalloc failed: out of|"
        r"kIOGPUCommandBufferCallbackErrorOutOfMemory|ErrorOutOfDeviceMemory|std::bad_alloc",
    ),
)
"""Tell a cause by themselves; the first in a line counts."""

KILLED: tuple[Sign, ...] = (
    _sign(
        Cause.killed_by_os,
        r"killed by the OOM killer|Out of memory: Killed process|result 'oom-kill'|JETSAM|"
        r"signal: killed|code=killed, status=9/KILL|\bKilled(?:: 9)?(?:$| {2})|"
        r"Failed core proc\(s\): \{[^}]{0,100}: -9\b|\(-9\)|exit ?code:? ?=?-9\b",
    ),
)
"""Count where no line tells a cause by itself: who was killed has mostly said nothing."""

WEAK: tuple[Sign, ...] = (
    _sign(Cause.timeout, r"curl: \(28\) |[Tt]imed out|Timeout(?:Error|Exception)?\b|i/o timeout"),
    _sign(Cause.timeout, r"context deadline exceeded"),
    _sign(
        Cause.unreachable,
        r"curl: \((?:5|6|7|35|52|56)\) |[Cc]onnection refused|[Cc]onnection reset|Local entry not "
        r"found|LocalEntryNotFoundError|[Nn]ame resolution|Name or service not known|No route to "
        r"host|Network is unreachable|nodename nor servname|no such host|Max retries exceeded|"
        r"[Cc]ould(?: not|n't) (?:connect to|establish connection)",
    ),
)
"""Count where nothing else does, and only before a server was ready: clients go away all day."""
