"""What standard tools print, as typed values: one module for each family of outputs.

A module has `parse(text)`, which gives frozen values with None for what the text does not tell,
and `facts(text)`, the same as plain values for `magnusctl parse`. Neither raises, whatever the
text: what is cut or spoilt is not a fact. No module is loaded before it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

Facts = dict[str, object]
"""Plain values under the names of the family's facts; None is what the text does not tell."""

FAMILIES: Mapping[str, str] = {
    "brew": "brew list --versions",
    "chrony": "chronyc tracking",
    "detect-virt": "systemd-detect-virt",
    "dpkg": "dpkg -l, or dpkg-query -W",
    "ethtool": "ethtool IFACE, or ethtool -m IFACE",
    "huggingface": "model.safetensors.index.json, or the hub's list of a model's files",
    "ip-json": "ip -j addr, or ip -j link",
    "ip-text": "ip addr",
    "iperf3-error": "iperf3 that failed, with or without -J",
    "iperf3-json": "iperf3 -J",
    "iperf3-text": "iperf3",
    "llama-bench": "llama-bench as a table, JSON, JSON lines or CSV, or why it failed",
    "llama-server": "an answer of llama-server, or its log",
    "lsblk": "lsblk -J",
    "lscpu": "lscpu, or lscpu -J",
    "lspci": "lspci with any of -nn and -vvv",
    "macos-df": "df or df -h of macOS",
    "macos-ifconfig": "ifconfig of macOS",
    "macos-launchctl": "launchctl list, or launchctl print",
    "macos-memory-pressure": "memory_pressure -Q",
    "macos-networksetup": "networksetup -getinfo or a list of it",
    "macos-pmset": "pmset -g, or pmset -g custom",
    "macos-powermetrics": "powermetrics --samplers cpu_power,gpu_power",
    "macos-sw-vers": "sw_vers",
    "macos-sysctl": "sysctl of macOS",
    "macos-system-profiler-json": "system_profiler -json",
    "macos-system-profiler-text": "system_profiler",
    "macos-vm-stat": "vm_stat",
    "meminfo": "/proc/meminfo",
    "mlx-lm": "an answer, a log or a benchmark of mlx-lm",
    "nvcc": "nvcc --version",
    "nvidia-smi-csv": "nvidia-smi --query-gpu=... --format=csv",
    "nvidia-smi-error": "nvidia-smi that failed",
    "nvidia-smi-list": "nvidia-smi -L, --version, nvlink -s",
    "nvidia-smi-q": "nvidia-smi -q",
    "nvidia-smi-table": "nvidia-smi",
    "nvidia-smi-xml": "nvidia-smi -q -x",
    "ollama": "an answer of Ollama, or ollama list",
    "openai-sse": "the stream of a chat completion",
    "os-release": "/etc/os-release",
    "ping": "ping of Linux or macOS",
    "sysctl-linux": "sysctl of Linux",
    "systemctl-show": "systemctl show",
    "timedatectl": "timedatectl",
    "uname": "uname -a",
    "vllm-log": "the log of vLLM",
    "vllm-metrics": "GET /metrics of vLLM",
    "vllm-models": "GET /v1/models of an OpenAI-compatible server",
}
"""Each family, and which outputs belong to it."""


def facts(family: str, text: str) -> Facts:
    """The facts of one output of a family in FAMILIES."""
    found: Facts = import_module(f"{__name__}.{family.replace('-', '_')}").facts(text)
    return found
