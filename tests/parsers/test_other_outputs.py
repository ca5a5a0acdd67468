"""Outputs of versions and machines that no recording is of: each by hand, after real ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from magnusctl.parsers import facts
from tests.parsers.test_recorded import missing

CARD = """\
|   0  NVIDIA GeForce RTX 4060 ...  WDDM  |   00000000:01:00.0 Off |                  N/A |
| N/A   43C    P0             13W /  125W |       0MiB /   8188MiB |      0%      Default |
"""
PLACED = """\
INFO [                    init] initializing slots | tid="1" timestamp=1747000010 n_slots=2
INFO [                    init] new slot | tid="1" timestamp=1747000010 id_slot=0 n_ctx_slot=16384
INFO [                    main] model loaded | tid="1" timestamp=1747000010
INFO [                    main] HTTP server listening | n_threads_http="31" port="8080" \
hostname="127.0.0.1"
"""
JSON_LOG = """\
{"tid":"1","timestamp":1710000001,"level":"INFO","function":"main","msg":"model loaded"}
{"function":"main","hostname":"127.0.0.1","msg":"HTTP server listening","port":"8081","tid":"1"}
"""
POWER_MAC = """\
Hardware:

    Hardware Overview:

      Machine Name: Power Mac G5
      Machine Model: PowerMac11,2
      CPU Type: PowerPC G5 (1.1)
      Number Of CPUs: 2
      CPU Speed: 2.3 GHz
      Memory: 2 GB
"""
IMAC = """\
      Model Name: iMac
      Model Identifier: iMac7,1
      Processor Name: Intel Core 2 Duo
      Total Number Of Cores: 2
      Memory: 2 GB
"""
CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("a piece of a table whose head has no bars", "nvidia-smi-table",
     "NVIDIA-SMI 610.62    KMD Version: 610.62    CUDA UMD Version: 13.3\n...\n" + CARD,
     {"driver_version": "610.62", "cuda_version": "13.3", "gpu_count": 1,
      "gpus": [{"index": 0, "power_w": "13W", "mem_total_mib": 8188}]}),
    ("a row that grep left", "nvidia-smi-table", CARD, {"gpu_count": 1, "gpus": [{"temp": "43C"}]}),
    ("links that are all down", "nvidia-smi-list",
     "GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-1)\n"
     "NVML: Unable to retrieve NVLink information as all links are inActive\n",
     {"gpus": ["NVIDIA A100-SXM4-80GB"], "nvlink": "inactive"}),
    ("half an XML", "nvidia-smi-xml", "<nvidia_smi_log><gpu>", {"valid_xml": False, "gpus": None}),
    ("an XML without a card", "nvidia-smi-xml",
     "<nvidia_smi_log><attached_gpus>0</attached_gpus></nvidia_smi_log>",
     {"valid_xml": True, "attached_gpus": "0", "gpu_elements": 0, "gpus": []}),
    ("ip before it told a state", "ip-text",
     "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 16436 qdisc noqueue\n"
     "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast qlen 1000\n",
     {"interfaces": ["lo", "eth0"], "up": [], "mtu": {"lo": "16436", "eth0": "1500"}}),
    ("no such interface", "ip-text", 'Device "eth9" does not exist.\n',
     {"error": 'Device "eth9" does not exist.', "interfaces": []}),
    ("a system without a version", "os-release", "ID=arch\nPRETTY_NAME='Arch Linux'\n",
     {"ID": "arch", "PRETTY_NAME": "Arch Linux", "VERSION_ID": None, "VERSION_CODENAME": None}),
    ("an old kernel", "meminfo", "MemTotal: 515340 kB\n",
     {"MemTotal": 515340, "MemAvailable": None, "Hugetlb": None}),
    ("names of Mac OS X 10.4", "macos-system-profiler-text", POWER_MAC,
     {"model": "Power Mac G5", "identifier": "PowerMac11,2", "memory_gb": 2,
      "processor_name": "PowerPC G5 (1.1)", "chip": None, "cores": None}),
    ("names of Mac OS X 10.6", "macos-system-profiler-text", IMAC,
     {"model": "iMac", "identifier": "iMac7,1", "cores": 2, "memory_gb": 2}),
    ("memory alone", "macos-system-profiler-text",
     "Memory:\n\n      Memory: 24 GB\n      Type: LPDDR5\n      Manufacturer: Hynix\n",
     {"memory": "24 GB", "memory_gb": 24, "dimm_type": "LPDDR5", "dimm_manufacturer": "Hynix"}),
    ("grep -n", "macos-launchctl",
     "5:\tstate = running\n32:\truns = 1\n33:\tpid = 913\n44:\tlast exit code = (never exited)\n"
     "49:\t\tstate = active\n",
     {"state": "running", "runs": 1, "pid": 913, "last_exit_code": None}),
    ("a log with the places of its lines", "llama-server", PLACED,
     {"loaded": True, "listening": "http://127.0.0.1:8080", "n_slots": 2, "n_ctx_slot": 16384}),
    ("a log of JSON lines", "llama-server", JSON_LOG,
     {"loaded": True, "listening": "http://127.0.0.1:8081"}),
    ("too long a prompt", "llama-server",
     '{"error":{"code":400,"message":"too long","type":"exceed_context_size_error",'
     '"n_prompt_tokens":5000,"n_ctx":4096}}',
     {"http_status": 400, "error": "too long", "n_prompt_tokens": 5000, "n_ctx": 4096}),
    ("slots beside the health", "llama-server",
     '{"slots_idle":4,"slots_processing":0,"status":"ok"}',
     {"http_status": 200, "status": "ok", "slots_idle": 4, "slots_processing": 0}),
    ("a model that is only loaded", "ollama",
     '{"model":"a:1","response":"","done":true,"done_reason":"load"}',
     {"model": "a:1", "done": True, "done_reason": "load"}),
    ("Metal out of memory", "mlx-lm",
     "libc++abi: terminating due to uncaught exception: [METAL] Insufficient Memory\n",
     {"error": "libc++abi: terminating due to uncaught exception: [METAL] Insufficient Memory"}),
    ("no mlx-lm", "mlx-lm", "/usr/bin/python3: No module named mlx_lm\n",
     {"error": "/usr/bin/python3: No module named mlx_lm"}),
    ("what CUDA lacked", "vllm-log",
     "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.32 GiB. GPU 0 has a total "
     "capacity of 23.57 GiB of which 1.20 GiB is free.\n",
     {"outcome": "out_of_memory", "tried_gib": 2.32, "total_gib": 23.57, "free_gib": 1.2}),
]  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(
    ("family", "text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_by_hand(family: str, text: str, expected: dict[str, Any], end: str) -> None:
    found = json.loads(json.dumps(facts(family, text.replace("\n", end))))
    assert not [*missing(expected, found)]
