"""Every log of a failure in tests/causes/logs tells its cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from magnusctl.causes import Cause, diagnose

LOGS = Path(__file__).parent / "logs"
RECORDED = Path(__file__).parent.parent / "recorded"

# The log, words of the line that tells the cause, and what the log says of sizes and names.
TABLE = [
    ("curl/bad_flag", "is unknown", "--no-such-flag"),
    ("curl/disk_full", "Failure writing output", ""),
    ("curl/gated_repo-403", "error: 40", "HTTP 403"),
    ("curl/gated_repo", "error: 40", "HTTP 401"),
    ("curl/timeout-connect", "Timeout was reached", ""),
    ("curl/timeout", "imed out", ""),
    ("curl/unknown-404", "", "curl: (22) The requested URL returned error: 404"),
    ("curl/unreachable-dns", "Could not resolve", ""),
    ("curl/unreachable", "Couldn't connect", ""),
    ("hf/bad_flag", "No such option", "--no-such-flag"),
    ("hf/disk_full-old", "Not enough free disk space", "3945.44 MB needed, 3421.60 MB free"),
    ("hf/disk_full", "Not enough free disk space", "67.11 MB needed, 2.08 MB free"),
    ("hf/gated_repo-no-such-repository", "not found.", "acme/missing-8b"),
    ("hf/gated_repo-not-asked", "requires approval", "acme/unasked-8b"),
    ("hf/gated_repo-old", "GatedRepoError", "acme/gated-8b is only for accounts that have access"),
    ("hf/gated_repo-private", "RepositoryNotFoundError", ""),
    ("hf/gated_repo-traceback", "403 Client Error", "HTTP 403"),
    ("hf/gated_repo", "requires approval", "acme/noauth-8b"),
    ("hf/timeout", "imed out", ""),
    ("hf/unreachable", "not found.", ""),
    ("llamacpp/bad_flag-value", "error while handling", "-c: stoi"),
    ("llamacpp/bad_flag", "invalid argument", "--no-such-flag"),
    ("llamacpp/cuda_too_new", "insufficient for CUDA runtime", ""),
    ("llamacpp/disk_full", "error writing to file", ""),
    ("llamacpp/driver_mismatch-no-device", "no CUDA-capable", ""),
    ("llamacpp/driver_mismatch", "driver combination", ""),
    ("llamacpp/gated_repo-403", "failed with status code: 40", "HTTP 403"),
    ("llamacpp/gated_repo-no-such-repository", "Repository not found", ""),
    ("llamacpp/gated_repo", "failed with status code: 40", "HTTP 401"),
    ("llamacpp/killed_by_os", "killed by the OOM killer", ""),
    (
        "llamacpp/oom_kv-compute",
        "cudaMalloc failed: out of memory",
        "14136.04 MiB asked on device 0",
    ),
    ("llamacpp/oom_kv-cuda", "cudaMalloc failed: out of memory", "20480.00 MiB asked on device 0"),
    ("llamacpp/oom_kv-metal", "kIOGPUCommandBufferCallbackErrorOutOfMemory", ""),
    ("llamacpp/oom_kv-old", "failed to allocate buffer of size", "128.00 GiB asked"),
    ("llamacpp/oom_kv", "bad_alloc", "900000000 tokens asked"),
    ("llamacpp/oom_weights-host-memory", "failed to allocate buffer of size", "40.79 GiB asked"),
    (
        "llamacpp/oom_weights-new-lines",
        "cudaMalloc failed: out of memory",
        "18926.01 MiB asked on device 0",
    ),
    ("llamacpp/oom_weights", "cudaMalloc failed: out of memory", "18926.01 MiB asked on device 0"),
    ("llamacpp/port_taken-old", "couldn't bind", "port 8080"),
    ("llamacpp/port_taken", "couldn't bind", "port 18991"),
    (
        "llamacpp/unknown-no-file",
        "",
        "llama_model_load: error loading model: llama_model_loader: failed to load model from "
        "/srv/models/none.gguf",
    ),
    ("llamacpp/unreachable", "Could not establish", ""),
    ("llamacpp/unsupported_arch-card", "no kernel image", ""),
    ("llamacpp/unsupported_arch-pre-tokenizer", "unknown pre-tokenizer", "pre-tokenizer lfmx9"),
    ("llamacpp/unsupported_arch-quantisation", "invalid ggml type", "ggml type 39"),
    ("llamacpp/unsupported_arch", "unknown model architecture", "lfmx9"),
    ("mlx/bad_flag-value", "argument --", "--port: invalid int value: 'abc'"),
    ("mlx/bad_flag", "unrecognized arguments", "--no-such-flag"),
    ("mlx/disk_full", "Not enough free disk space", "67.11 MB needed, 2.08 MB free"),
    (
        "mlx/gated_repo",
        "Cannot access gated repo",
        "acme/noauth-8b is only for accounts that have access",
    ),
    ("mlx/killed_by_os", "Killed: 9", ""),
    ("mlx/oom_kv-buffer", "Attempting to allocate", "45.39 GiB asked; 28.08 GiB is the most"),
    ("mlx/oom_kv", "kIOGPUCommandBufferCallbackErrorOutOfMemory", ""),
    ("mlx/oom_weights", "kIOGPUCommandBufferCallbackErrorOutOfMemory", ""),
    ("mlx/port_taken", "ddress already in use", ""),
    ("mlx/timeout", "imed out", ""),
    ("mlx/unreachable", "onnection refused", ""),
    ("mlx/unsupported_arch-old", "Model type", "mistral3"),
    ("mlx/unsupported_arch", "Model type", "lfmx9"),
    ("ollama/bad_flag", "unknown flag", "--num-ctx"),
    ("ollama/cuda_too_new", "insufficient for CUDA runtime", ""),
    (
        "ollama/disk_full",
        "no space left on device",
        "/srv/models/ollama/blobs/sha256-4c27e0f5b5adf02ac956c7322bd2ee7636fe3f45a8512c9aba5385242cb6e09a-partial",
    ),
    ("ollama/driver_mismatch", "driver combination", ""),
    ("ollama/gated_repo-server", "status 401", "HTTP 401"),
    ("ollama/gated_repo", "pull model manifest: 40", "HTTP 401"),
    ("ollama/killed_by_os-journal", "killed by the OOM killer", ""),
    ("ollama/killed_by_os", "signal: killed", ""),
    ("ollama/oom_kv", "cudaMalloc failed: out of memory", "12710.31 MiB asked on device 0"),
    (
        "ollama/oom_weights-cli",
        "requires more system memory",
        "164.8 GiB needed, 13.4 GiB available",
    ),
    (
        "ollama/oom_weights-cuda",
        "cudaMalloc failed: out of memory",
        "35533.34 MiB asked on device 0",
    ),
    ("ollama/oom_weights", "requires more system memory", "164.8 GiB needed, 13.4 GiB available"),
    ("ollama/port_taken", "ddress already in use", "port 11434"),
    ("ollama/timeout", "imed out", ""),
    ("ollama/unknown-recovered", "", ""),
    ("ollama/unreachable", "no such host", ""),
    ("ollama/unsupported_arch-llama-server", "unknown model architecture", "mllama"),
    ("ollama/unsupported_arch-newer", "412", "a newer Ollama is asked for"),
    ("ollama/unsupported_arch", "unknown model architecture", "pangu-embedded"),
    ("vllm/bad_flag-bfloat16", "Bfloat16", "--dtype bfloat16 wants compute capability 8.0"),
    (
        "vllm/bad_flag-context",
        "is greater than the derived",
        "--max-model-len 999999; the model's own is 4096",
    ),
    ("vllm/bad_flag-more-gpus", "World size", "--tensor-parallel-size 2; 1 GPUs"),
    (
        "vllm/bad_flag-value",
        "argument --",
        "--max-model-len: invalid human_readable_int_or_auto value: 'abc'",
    ),
    ("vllm/bad_flag", "unrecognized arguments", "--no-such-flag"),
    ("vllm/cuda_too_new-ptx", "PTX was compiled", ""),
    ("vllm/cuda_too_new", "too old", "the driver knows CUDA up to 12.8"),
    ("vllm/disk_full", "No space left on device", ""),
    ("vllm/driver_mismatch-no-driver", "Failed to infer device", ""),
    ("vllm/driver_mismatch-nvml", "version mismatch", ""),
    ("vllm/driver_mismatch", "Error 803", ""),
    (
        "vllm/gated_repo-403",
        "Cannot access gated repo",
        "access to acme/gated-8b was not given to this account",
    ),
    ("vllm/gated_repo", "GatedRepoError", "acme/noauth-8b is only for accounts that have access"),
    ("vllm/killed_by_os-engine-core", ": -9}", ""),
    ("vllm/killed_by_os-v0.32", ": -9}", ""),
    ("vllm/killed_by_os", "killed by the OOM killer", ""),
    ("vllm/oom_kv-cpu-host-memory", "tried to allocate 51", "47.68 GiB asked"),
    ("vllm/oom_kv-nothing-left", "No available memory", "-1.36 GiB left for the KV cache"),
    (
        "vllm/oom_kv-profile-run",
        "Tried to allocate",
        "224.00 MiB asked, 212.81 MiB free of 23.68 GiB",
    ),
    (
        "vllm/oom_kv-v0.11",
        "max seq len",
        "2.44 GiB KV cache needed, 2.30 GiB available; 23648 tokens fit",
    ),
    (
        "vllm/oom_kv-v0.32",
        "max seq len",
        "2.86 GiB KV cache needed, 1.0 GiB available; 2097024 tokens fit",
    ),
    (
        "vllm/oom_kv-v0.8-no-estimate",
        "max seq len",
        "24.00 GiB KV cache needed, 9.97 GiB available",
    ),
    (
        "vllm/oom_weights-card-in-use",
        "is less than desired",
        "3.6 GiB asked, 3.22 GiB free of 4.0 GiB",
    ),
    ("vllm/oom_weights-v0", "Tried to allocate", "448.00 MiB asked, 359.56 MiB free of 79.15 GiB"),
    ("vllm/oom_weights", "Tried to allocate", "224.00 MiB asked, 212.81 MiB free of 23.68 GiB"),
    ("vllm/port_taken-uvicorn", "ddress already in use", "port 8000"),
    ("vllm/port_taken", "ddress already in use", "port 18982"),
    ("vllm/timeout", "imed out", ""),
    ("vllm/unknown-healthy-then-stopped", "", ""),
    ("vllm/unreachable", "onnection refused", ""),
    ("vllm/unsupported_arch-card", "sm_120 is not compatible", "sm_120"),
    (
        "vllm/unsupported_arch-quantisation",
        "quantization method",
        "awq_marlin wants compute capability 80; the card has 75",
    ),
    ("vllm/unsupported_arch-transformers", "does not recognize this architecture", "lfmx9"),
    ("vllm/unsupported_arch-v0.6", "Model architectures", "Qwen3ForCausalLM"),
    ("vllm/unsupported_arch", "Model architectures", "Lfmx9ForCausalLM"),
]
HEALTHY = [
    ("vllm", "vllm-log/ok-v0.13-gemma3-1b-32gb.txt"),
    ("vllm", "vllm-log/available-kv-formats.txt"),
    ("llamacpp", "llama-server/log-start-and-requests.txt"),
    ("mlx", "mlx-lm/server-log.txt"),
    ("mlx", "mlx-lm/generate-linux-cpu-tiny.txt"),
]
ELSEWHERE = [
    ("vllm", "vllm-log/kv-too-small-v0-3060.txt", "65536 tokens asked; 26816 tokens fit"),
    ("vllm", "vllm-log/kv-too-small-v0-3090.txt", "131072 tokens asked; 41152 tokens fit"),
    (
        "vllm",
        "vllm-log/kv-too-small-v1-0.19-docker.txt",
        "1.06 GiB KV cache needed, 0.47 GiB available; 35632 tokens fit",
    ),
]
ENDS = ("oom-kill", "signal KILL", "timeout", "asleep", "unreachable", "exit 1", "")


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").split("\n")


@pytest.mark.parametrize(("name", "words", "figure"), TABLE, ids=[name for name, _, _ in TABLE])
def test_every_log_tells_its_cause(name: str, words: str, figure: str) -> None:
    engine, _, file = name.partition("/")
    found = diagnose(engine, lines(LOGS / f"{name}.txt"), model="acme/m", host="node1")
    assert found.cause == file.partition("-")[0]
    assert words in found.line
    assert bool(found.line) == (found.cause is not Cause.unknown)
    assert found.figure == figure


def test_every_log_is_in_the_table_and_has_its_source_written_down() -> None:
    names = sorted(str(path.relative_to(LOGS).with_suffix("")) for path in LOGS.glob("*/*.txt"))
    sources = [
        row.split(" | ")[0].removeprefix("| ")
        for row in lines(LOGS / "README.md")
        if row.startswith("| ") and "/" in row
    ]
    assert sorted(name for name, _, _ in TABLE) == names == sorted(sources)


def test_every_cause_is_shown_by_a_log_or_by_what_a_step_says() -> None:
    shown = {name.split("/")[1].split("-")[0] for name, _, _ in TABLE}
    ended = {diagnose("vllm", [], ended=end).cause for end in ENDS}
    assert shown | {str(cause) for cause in ended} == {str(cause) for cause in Cause}


@pytest.mark.parametrize("engine", ["vllm", "llamacpp", "mlx", "ollama"])
def test_every_engine_can_lack_memory_hit_a_port_and_be_given_a_wrong_flag(engine: str) -> None:
    shown = {name.split("/")[1].split("-")[0] for name, _, _ in TABLE if name.startswith(engine)}
    assert shown >= {"oom_weights", "oom_kv", "unsupported_arch", "port_taken", "bad_flag"}
    assert shown >= {"gated_repo", "disk_full", "killed_by_os", "unreachable"}


@pytest.mark.parametrize(("engine", "file"), HEALTHY)
def test_a_healthy_log_tells_nothing(engine: str, file: str) -> None:
    found = diagnose(engine, lines(RECORDED / file))
    assert (found.cause, found.line) == (Cause.unknown, "")


@pytest.mark.parametrize(("engine", "file", "figure"), ELSEWHERE)
def test_recorded_outputs_of_other_tests_tell_the_same(engine: str, file: str, figure: str) -> None:
    found = diagnose(engine, lines(RECORDED / file))
    assert (found.cause, found.figure) == (Cause.oom_kv, figure)


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_says_one_sentence_of_what_to_do(cause: Cause) -> None:
    logs = [(name, LOGS / f"{name}.txt") for name, _, _ in TABLE]
    found = [diagnose(name.split("/")[0], lines(path)) for name, path in logs]
    found += [diagnose("vllm", [], ended=end) for end in ENDS]
    said = {one.next for one in found if one.cause is cause}
    assert said
    assert all(text.endswith(".") and ". " not in text and "\n" not in text for text in said)
