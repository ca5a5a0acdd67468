"""Variables of the roles that compute: cuda, inference, training, trading."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from magnusctl.inventory.basevars import GIB, Sysctls
from magnusctl.inventory.fields import (
    AbsolutePath,
    Cpus,
    Label,
    Line,
    PackageName,
    Sha256,
    Url,
    Version,
)
from magnusctl.inventory.providers import SecretName
from magnusctl.inventory.strict import Model
from magnusctl.inventory.units import Bytes, Seconds

Positive = Annotated[int, Field(ge=1)]


class CudaVariables(Model):
    """Variables of the role cuda."""

    branch: Annotated[
        Positive, Field(description="The driver's branch; vLLM of today needs 580 or later.")
    ] = 580
    kernel: Annotated[
        Line, Field(description="Ubuntu's flavour: modules are built for one, 'generic-hwe-24.04'.")
    ] = "generic"
    driver_packages: Annotated[
        tuple[PackageName, ...],
        Field(description="Packages of the driver, in the place of those for Ubuntu's branch."),
    ] = ()
    repository: Annotated[
        Url | Literal["none"],
        Field(description="NVIDIA's repository with the toolkits; 'none' if the host has one."),
    ] = "https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2404/x86_64"
    toolkit: Annotated[
        Version | None, Field(description="Toolkit for builds of your own; wheels do not use it.")
    ] = "12.6"
    tensorrt: Version | None = "10.16.1.*"
    power_limit_watts: Annotated[
        int | None, Field(ge=50, le=2000, description="Below the card's own limit; null leaves it.")
    ] = None
    max_celsius: Positive = 83


class ArchiveSource(Model):
    """Something to unpack: where it is, and what it must be."""

    url: Url
    sha256: Sha256
    strip: Annotated[int, Field(ge=0, le=9)] = 0


class VllmVariables(Model):
    """How vLLM runs."""

    lock: Annotated[
        Line,
        Field(
            description="A lock with hashes in the project or built in; 'none': you make "
            "/opt/magnus/venvs/vllm yourself, as for a CPU, whose wheels no index offers."
        ),
    ] = "vllm.txt"
    gpu_share: Annotated[float, Field(gt=0, le=1)] = 0.90
    max_batched_tokens: Positive = 4096
    max_queued_requests: Positive = 64
    lora_rank: Literal[0, 8, 16, 32, 64, 128, 256] = 0
    drain: Annotated[Seconds, Field(description="Requests under way get so long at a stop.")] = 60.0
    start_timeout: Seconds = 900.0
    memory_max: Annotated[Bytes, Field(description="RAM of the host, not of the card.")] = 48 * GIB
    cpu_cache: Annotated[Bytes, Field(description="Key-value cache where there is no GPU.")] = (
        16 * GIB
    )


class MlxVariables(Model):
    """How mlx_lm.server runs. Every bound here keeps the kernel of macOS from a panic."""

    lock: Line = "mlx.txt"
    wired_reserve: Annotated[
        Bytes, Field(ge=4 * GIB, description="Memory that stays with macOS; the GPU gets the rest.")
    ] = 8 * GIB
    decode_concurrency: Positive = 4
    prompt_concurrency: Positive = 1
    prefill_step_tokens: Positive = 1024
    prompt_cache_entries: Positive = 8
    prompt_cache: Annotated[
        Bytes, Field(description="Never unbounded: it grew to 26 GB on a 48 GB Mac.")
    ] = 4 * GIB
    buffer_cache: Bytes = 2 * GIB
    max_tokens: Positive = 2048
    watchdog_interval: Seconds = 30.0
    watchdog_restarts_per_hour: Positive = 3


class OllamaVariables(Model):
    """How Ollama runs."""

    archive: ArchiveSource = ArchiveSource.model_construct(
        url="https://github.com/ollama/ollama/releases/download/v0.32.7/ollama-linux-amd64.tar.zst",
        sha256="ed1e39fe8fea90bd7f4c723bd949a2cea3153e111220ec0a183ea5b8dc8b2cae",
        strip=0,
    )
    keep_alive: Annotated[
        Line, Field(description="How long an idle model stays, as '30m'; '-1' is for ever.")
    ] = "30m"
    parallel: Positive = 2
    loaded_models: Positive = 1
    context_tokens: Positive = 16384
    cache_type: Literal["f16", "q8_0", "q4_0"] = "q8_0"
    max_queue: Positive = 64
    load_timeout: Seconds = 300.0


class LlamacppVariables(Model):
    """How llama-server runs."""

    archive: ArchiveSource = ArchiveSource.model_construct(
        url="https://github.com/ggml-org/llama.cpp/releases/download/b11194/"
        "llama-b11194-bin-ubuntu-x64.tar.gz",
        sha256="527c09064f3c89e4b6e1008a641e31903a04ccdd1c69abd0752acbbd4e1905f6",
        strip=1,
    )
    load_mode: Literal["auto", "none", "mmap", "mlock", "mmap+mlock", "dio"] = "mmap"
    prompt_cache: Bytes = 2 * GIB
    timeout: Seconds = 600.0
    gpu_layers: Annotated[Line, Field(description="'all', 'auto' or a number; 0 is the CPU.")] = "0"


class Reserve(Model):
    """What models never get: it is for the system, Redis, Prometheus and the gateway."""

    memory: Bytes = 8 * GIB
    cores: Annotated[int, Field(ge=0)] = 1


class InferenceVariables(Model):
    """Variables of the role inference."""

    listen: Annotated[
        Label,
        Field(description="'loopback', or the link whose address engines listen on; never all."),
    ] = "loopback"
    clients: Annotated[
        Literal["peers", "link"],
        Field(description="Who may use that address: the link's other end, or all its network."),
    ] = "peers"
    api_key: Annotated[
        SecretName | None, Field(description="The secret that clients show; vLLM and llama.cpp.")
    ] = None
    hub_token: Annotated[
        SecretName | None,
        Field(description="The secret that the hub wants for models with a licence to accept."),
    ] = None
    reserve: Reserve = Reserve.model_construct()
    uv: ArchiveSource | None = None
    python: Annotated[
        Line, Field(description="A version that uv brings, or the path of an interpreter.")
    ] = "3.12"
    index: Annotated[Url | None, Field(description="A package index in the place of PyPI.")] = None
    links: Annotated[
        Url | None, Field(description="A page with links to wheels, beside the index.")
    ] = None
    vllm: VllmVariables = VllmVariables.model_construct()
    mlx: MlxVariables = MlxVariables.model_construct()
    ollama: OllamaVariables = OllamaVariables.model_construct()
    llamacpp: LlamacppVariables = LlamacppVariables.model_construct()


class TrainingVariables(Model):
    """Variables of the role training: an environment of its own, never that of an engine."""

    lock: Line = "train.txt"


class TradingVariables(Model):
    """Variables of the role trading."""

    huge_pages: Annotated[int, Field(ge=0, description="Of 2 MiB each; 2048 are 4 GiB.")] = 2048
    isolated_cpus: Cpus = "2-7"
    housekeeping_cpus: Cpus = "0-1"
    max_priority: Annotated[int, Field(ge=1, le=90)] = 80
    gid: Annotated[
        int, Field(ge=100, le=64999, description="Of the group that may use io_uring.")
    ] = 880
    engine: Annotated[
        AbsolutePath, Field(description="The program; a release puts it there, not this role.")
    ] = "/opt/magnus/trading/current/bin/trading_engine"
    config: AbsolutePath = "/etc/magnus/trading/engine.toml"
    own_cmdline: Annotated[
        bool, Field(description="Whether this host boots by GRUB of its own, so that it counts.")
    ] = True
    open_files: Positive = 1_048_576
    stop_timeout: Seconds = 30.0
    restart_delay: Seconds = 5.0
    sysctls: Sysctls = {
        "vm.swappiness": 0,
        "vm.stat_interval": 10,
        # Up to 6.11 the kernel else takes 50 ms of each second from a thread that spins.
        "kernel.sched_rt_runtime_us": -1,
        "kernel.timer_migration": 0,
        "kernel.numa_balancing": 0,
        "net.core.busy_poll": 50,
        "net.core.busy_read": 50,
        "net.core.netdev_max_backlog": 16384,
        "net.ipv4.tcp_slow_start_after_idle": 0,
        "net.ipv4.tcp_keepalive_time": 60,
        "net.ipv4.tcp_keepalive_intvl": 10,
        "net.ipv4.tcp_keepalive_probes": 6,
        "net.ipv4.tcp_syn_retries": 3,
    }
