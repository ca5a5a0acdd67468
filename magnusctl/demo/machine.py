"""What the system programs of a simulated machine answer about it: what its inventory declares.

Every text says in itself that it is SIMULATED, where its format has room for that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from magnusctl.inventory.model import Gpu, Host

_MIB, _GIB = 1024**2, 1024**3
_MEMORY, _CORES = 16 * _GIB, 4


def answers(host: Host) -> Mapping[str, str]:
    """The answer of each program, by the name of a file for its stand-in."""
    return dict(_of_mac(host) if host.macos else _of_linux(host))


def memory(host: Host) -> int:
    """Bytes of RAM."""
    return host.hardware.memory or _MEMORY


def _of_linux(host: Host) -> Iterator[tuple[str, str]]:
    cores = host.hardware.cores or _CORES
    yield (
        "lscpu",
        f"Architecture: x86_64\nCPU(s): {cores}\nVendor ID: SIMULATED\nModel name: SIMULATED\n"
        f"Thread(s) per core: 1\nCore(s) per socket: {cores}\nSocket(s): 1\nNUMA node(s): 1\n",
    )
    disks = [
        {"name": f"sd{letter}", "type": "disk", "size": disk.size, "model": "SIMULATED"}
        for letter, disk in zip("abcdefgh", host.hardware.disks, strict=False)
    ]
    yield "lsblk", json.dumps({"blockdevices": disks}) + "\n"
    rate = max((nic.speed for nic in host.hardware.nics), default=10**9) // 10**6
    yield (
        "ethtool",
        f"Settings for SIMULATED:\n\tSupported link modes:   {rate}baseT/Full\n"
        f"\tSpeed: {rate}Mb/s\n\tDuplex: Full\n\tLink detected: yes\n",
    )
    if host.hardware.gpus:
        yield "nvidia-smi", _xml(host.hardware.gpus)


def _xml(gpus: Sequence[Gpu]) -> str:
    cards = "".join(
        f"<gpu id='SIMULATED-{number}'><product_name>{gpu.name}</product_name>"
        "<persistence_mode>Enabled</persistence_mode>"
        "<pci><pci_gpu_link_info><pcie_gen><max_link_gen>4</max_link_gen>"
        "<current_link_gen>1</current_link_gen><max_device_link_gen>4</max_device_link_gen>"
        "</pcie_gen><link_widths><max_link_width>16x</max_link_width>"
        "<current_link_width>16x</current_link_width></link_widths></pci_gpu_link_info></pci>"
        f"<fb_memory_usage><total>{gpu.memory // _MIB} MiB</total><used>0 MiB</used>"
        "</fb_memory_usage><clocks_event_reasons><clocks_event_reason_gpu_idle>Active"
        "</clocks_event_reason_gpu_idle></clocks_event_reasons>"
        "<temperature><gpu_temp>40 C</gpu_temp></temperature>"
        "<gpu_power_readings><current_power_limit>@WATTS@ W</current_power_limit>"
        "</gpu_power_readings></gpu>"
        for number, gpu in enumerate(gpus)
    )
    head = "<driver_version>@VERSION@</driver_version><cuda_version>12.6</cuda_version>"
    number = f"<attached_gpus>{len(gpus)}</attached_gpus>"
    return f"<?xml version='1.0'?>\n<nvidia_smi_log>{head}{number}{cards}</nvidia_smi_log>\n"


def _of_mac(host: Host) -> Iterator[tuple[str, str]]:
    cores = host.hardware.cores or _CORES
    yield (
        "sysctl",
        f"hw.memsize: {memory(host)}\n"
        f"machdep.cpu.brand_string: {host.hardware.cpu or 'SIMULATED'}\n"
        f"hw.physicalcpu: {cores}\nhw.logicalcpu: {cores}\n"
        "vm.swapusage: total = 0.00M  used = 0.00M  free = 0.00M  (encrypted)\n",
    )
    yield (
        "memory_pressure",
        f"The system has {memory(host)} (1 pages with a page size of 16384).\n"
        "System-wide memory free percentage: 80%\n",
    )
    disks = [
        f"   0: GUID_partition_scheme *{disk.size / 1e9:.1f} GB disk{number} SIMULATED\n"
        for number, disk in enumerate(host.hardware.disks)
    ]
    yield "diskutil", "".join(disks)
    rates = [nic.speed for nic in host.hardware.nics if nic.port == "thunderbolt"]
    yield "system_profiler", _thunderbolt(max(rates, default=40 * 10**9))


def _thunderbolt(rate: int) -> str:
    speed = f"{rate // 10**9} Gb/s"
    port = {
        "current_speed_key": speed,
        "link_status_key": "0x2",
        "receptacle_id_key": "1",
        "receptacle_status_key": "receptacle_connected",
    }
    peer = {"_name": "SIMULATED", "device_name_key": "Mac14,9", "mode_key": "usb_four"}
    bus: dict[str, object] = {
        "_name": "thunderboltusb4_bus_0",
        "device_name_key": "SIMULATED",
        "_items": [peer],
    }
    bus["receptacle_1_tag"] = port
    return json.dumps({"SPThunderboltDataType": [bus]}, indent=1) + "\n"
