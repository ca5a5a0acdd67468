"""Outputs of nvidia-smi, nvcc and lspci that a parser of the recorded samples would misread."""

from __future__ import annotations

import time
from textwrap import dedent
from typing import Any

import pytest

from magnusctl.parsers import facts, lspci, nvcc, nvidia_smi_csv, nvidia_smi_list
from magnusctl.parsers import nvidia_smi_error as error
from magnusctl.parsers import nvidia_smi_q as q
from magnusctl.parsers import nvidia_smi_table as table
from magnusctl.parsers import nvidia_smi_xml as xml
from tests.parsers.test_recorded import missing

HEAD = "| NVIDIA-SMI 535.183.06   Driver Version: 535.183.06   CUDA Version: 12.2     |\n"
LINE = "+-------------------------------+----------------------+----------------------+\n"
FIRST = "|   0  NVIDIA GeForce ...  Off  | 00000000:01:00.0  On |                  N/A |\n"
SECOND = "| 30%   41C    P8    27W / 350W |      3MiB / 24576MiB |      5%      Default |\n"
THIRD = "|                               |                      |                  N/A |\n"
CARD = {"index": 0, "temp": "41C", "power_w": "27W", "mem_used_mib": 3, "util": "5%"}
LOST = "Unable to determine the device handle for GPU3: 0000:5F:00.0: Unknown Error\n"
CSV = "pid, process_name, used_gpu_memory [MiB]\n"
VGA = "VGA compatible controller"

CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("WSL, whose smi and driver differ", "nvidia-smi-table",
     HEAD.replace("NVIDIA-SMI 535.183.06", "NVIDIA-SMI 590.57") + LINE + FIRST + SECOND + LINE,
     {"driver_version": "535.183.06", "nvidia_smi_version": "590.57", "gpus": [CARD]}),
    ("no CUDA in an old head, two lines a card", "nvidia-smi-table",
     "| NVIDIA-SMI 352.63     Driver Version: 352.63         |     \n" + LINE
     + FIRST.replace("00000000:01:00.0  On", "0000:06:00.0     Off") + SECOND + LINE,
     {"driver_version": "352.63", "cuda_version": None, "gpu_count": 1,
      "gpus": [{"bus_id": "0000:06:00.0", "display": "Off", "mig_mode": None}]}),
    ("Windows: a driver model for persistence, no power, CRLF", "nvidia-smi-table",
     (HEAD + LINE + FIRST.replace("Off  |", "WDDM |").replace("   0 ", "  10 ")
      + SECOND.replace("27W / 350W", "N/A /  N/A") + THIRD + LINE).replace("\n", "\r\n"),
     {"gpus": [{"index": 10, "name": "NVIDIA GeForce ...", "persistence": "WDDM",
                "power_w": "N/A", "power_cap": "N/A", "mem_total_mib": 24576}]}),
    ("memory shared with the processor", "nvidia-smi-table",
     HEAD + LINE + FIRST + SECOND.replace("     3MiB / 24576MiB", "Not Supported      ") + LINE,
     {"gpus": [{"mem_used_mib": None, "mem_total_mib": None, "util": "5%"}]}),
    ("a fan at the bar, a mode of two words", "nvidia-smi-table",
     HEAD + LINE + FIRST
     + SECOND.replace("| 30%", "|100%").replace("     Default", "  E. Process") + LINE,
     {"gpus": [{"fan": "100%", "util": "5%", "compute_mode": "E. Process"}]}),
    ("indented, coloured", "nvidia-smi-table",
     (HEAD + LINE + FIRST + SECOND + LINE).replace("\n", "\x1b[0m\n    \x1b[32m"),
     {"driver_version": "535.183.06", "gpus": [CARD]}),
    ("cut in the second card", "nvidia-smi-table",
     HEAD + LINE + FIRST + SECOND + THIRD + LINE + FIRST + SECOND[:60],
     {"gpu_count": None, "gpus": [CARD]}),
    ("a lost card before the table, a gap in the numbers", "nvidia-smi-table",
     LOST + HEAD + LINE + FIRST.replace(" 0 ", " 2 ") + SECOND + LINE,
     {"error": "gpu_lost", "gpus": [{"index": 2}], "gpu_count": 1}),
    ("the table twice", "nvidia-smi-table", 2 * (HEAD + LINE + FIRST + SECOND + LINE),
     {"gpu_count": 1}),
    ("processes without GI and CI, and without memory", "nvidia-smi-table",
     HEAD + LINE + "|    0      1532    C+G   Insufficient Permissions      N/A      |\n"
     "|    0   N/A  N/A   1720      G   ...m Files (x86)\\a b.exe      173MiB |\n" + LINE,
     {"processes": [{"pid": 1532, "name": "Insufficient Permissions", "mem_mib": None},
                    {"pid": 1720, "name": "...m Files (x86)\\a b.exe", "mem_mib": 173}],
      "error": None, "gpus": []}),
    ("no devices", "nvidia-smi-table", "No devices were found\n",
     {"gpus": [], "gpu_count": 0, "error": "no_devices"}),
    ("a comma in a process's name", "nvidia-smi-csv", CSV + "7, python -c a, b, c, 12 MiB\n",
     {"processes": [{"process_name": "python -c a, b, c", "used_gpu_memory": "12 MiB"}]}),
    ("two queries, a warning between", "nvidia-smi-csv",
     "index, name, memory.total [MiB]\n0, NVIDIA L40S, 46068 MiB\nWARNING: infoROM is corrupted\n\n"
     + CSV + "44378, [Insufficient Permissions], [N/A]\n",
     {"rows": 2, "columns": 3, "gpus": [{"name": "NVIDIA L40S"}], "error": None,
      "processes": [{"pid": "44378", "used_gpu_memory": "[N/A]"}]}),
    ("decimal commas, nothing in the last cell", "nvidia-smi-csv",
     "name, power.draw [W], platform.chassis_serial_number\nTesla T4, 26,20 W, \n",
     {"rows": 1, "gpus": [{"power.draw": "26,20 W", "platform.chassis_serial_number": ""}]}),
    ("cut in the unit", "nvidia-smi-csv",
     "name, memory.used [MiB]\nTesla T4, 1 MiB\nTesla T4, 240", {"rows": 1}),
    ("cut in the row", "nvidia-smi-csv", "name, pstate\nTesla T4, P0\nTesla", {"rows": 1}),
    ("without a header", "nvidia-smi-csv",
     LOST + "0, 00000000:01:00.0, NVIDIA GeForce RTX 3080, 10240 MiB, 550.163.01\n",
     {"rows": 1, "columns": 5, "error": "gpu_lost", "header_units": {},
      "gpus": [{"name": "NVIDIA GeForce RTX 3080", "pci.bus_id": "00000000:01:00.0",
                "driver_version": "550.163.01"}]}),
    ("refused field", "nvidia-smi-csv", 'Field "a.b" is not a valid field to query.\n\n',
     {"rows": 0, "gpus": None, "error": "invalid_query_field"}),
    ("old MIG ids, a profile with media", "nvidia-smi-list",
     "GPU 0: A100 (x) (UUID: GPU-1)\r\n  MIG 1g.5gb+me Device  0: (UUID: MIG-GPU-1/7/0)\r\n"
     "GPU 10: NVIDIA T4 (UUID: GPU-2)\r\n",
     {"gpus": ["A100 (x)", "NVIDIA T4"], "mig_devices": ["1g.5gb+me"],
      "mig_uuids": ["MIG-GPU-1/7/0"], "gpu_count": 2}),
    ("versions of 610", "nvidia-smi-list",
     'DRIVER version      : Deprecated, see "KMD version" instead\n'
     'CUDA version        : Deprecated, see "CUDA UMD version" instead\n'
     "KMD version         : 610.62\nCUDA UMD version    : 13.3\n",
     {"driver_version": "610.62", "cuda_version": "13.3", "KMD version": "610.62"}),
    ("one of two links", "nvidia-smi-list",
     "GPU 0: Quadro RTX 8000\n\t Link 0: 25.781 GB/s\n\t Link 1: <inactive>\n",
     {"nvlink": "active", "gpus": ["Quadro RTX 8000"], "uuids": [None],
      "links": [{"gpu": 0, "index": 0, "state": "25.781 GB/s"}, {"state": "<inactive>"}]}),
    ("links to the processor are no NVLink", "nvidia-smi-list",
     "GPU 0: GH200 (UUID: GPU-1)\n\t C2C Link 3: 44.712 GB/s\n",
     {"nvlink": None, "links": [{"index": 3, "state": "44.712 GB/s", "c2c": True}]}),
    ("cut in the identity", "nvidia-smi-list", "GPU 0: NVIDIA T4 (UUID: GPU-1", {"gpus": []}),
    ("two toolkits", "nvcc",
     "Cuda compilation tools, release 9.1, V9.1.85\nCuda compilation tools, release 12.4, V12.4.131"
     "\nBuild cuda_12.4.r12.4/compiler.34097967_0\n", {"release": "9.1", "build": None}),
    ("no toolkit", "nvcc", "sh: 1: nvcc: not found\n",
     {"release": None, "error": "command_not_found"}),
    ("chips of a mainboard, a card that is off, sr-iov in another place", "lspci",
     "IOMMU Group 1:\n    0000:00:00.0 Host bridge: nVidia Corporation: Unknown device 00e1\n"
     f"    0001:01:00.0 {VGA} [0300]: NVIDIA Corporation GP108 [10de:1d01] (rev ff) (prog-if ff)\n"
     "    0001:01:00.1 3D controller [0302]: Intel Corporation Device [8086:0bda]\n",
     {"nvidia_devices": 2, "gpu_count": 1, "display_controllers": 2, "devices": 3,
      "nvidia": [{"name": "Unknown device 00e1", "class": None},
                 {"slot": "0001:01:00.0", "rev": "ff", "unreachable": True, "name": "GP108"}]}),
    ("names without numbers, a subsystem of NVIDIA", "lspci",
     "03:00.0 Ethernet controller: Intel Corporation 82599 10 Gigabit Dual Port (rev 01)\n"
     "\tSubsystem: NVIDIA Corporation Device 1\npcilib: 0000:03:00.0 ignored\n"
     "\t\tLnkSta:\tSpeed 5GT/s, Width x8, TrErr-\n\tKernel driver in use: ixgbe\n",
     {"x520_ports": 1, "nvidia_lines": [], "pcie_lnksta": ["Speed 5GT/s"], "devices": 1,
      "drivers": {"03:00.0": "ixgbe"}, "id": None, "first_nvidia": None}),
    ("numbers alone", "lspci", "01:00.0 0300: 10de:2204 (rev a1)\n",
     {"gpu_count": 1, "nvidia": [{"class": "0300", "id": "10de:2204", "rev": "a1"}]}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "text", "expected"),
    [pytest.param(*case[1:], id=f"by hand: {case[1]}: {case[0]}") for case in CASES],
)
def test_a_hard_output_gives_its_facts(family: str, text: str, expected: dict[str, Any]) -> None:
    assert not [*missing(expected, facts(family, text))]


ERRORS = {
    "NVIDIA-SMI has failed because it couldn’t communicate with the\nNVIDIA driver.": (
        "driver_not_running"
    ),
    "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.159": (
        "driver_library_mismatch"
    ),
    "Failed to initialize NVML: Unknown Error": "nvml_unknown_error",
    "Failed to initialize NVML: Insufficient Permissions": "insufficient_permissions",
    "Failed to initialize NVML: GPU access blocked by the operating system": "gpu_access_blocked",
    "Failed to initialize NVML: Driver Not Loaded": "driver_not_running",
    "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.": "library_not_found",
    "Unable to determine the device handle for GPU 0000:02:00.0: Not Found": "gpu_lost",
    "bash: nvidia-smi: command not found": "command_not_found",
    "'nvidia-smi' is not recognized as an internal or external command,": "command_not_found",
    "Option \"-z\" is not recognized. Please run 'nvidia-smi -h'.": "invalid_option",
    'exec: "nvidia-smi": executable file not found in $PATH': "command_not_found",
    "Provided power limit 400.00 W is not a valid power limit which should be between": (
        "invalid_power_limit"
    ),
}


@pytest.mark.parametrize("text", ERRORS, ids=lambda text: f"by hand: {text[:60]}")
def test_a_failure_has_its_name(text: str) -> None:
    assert error.parse(f"\r\n{text}\r\n").error == ERRORS[text]


def test_a_failure_tells_versions_and_the_card() -> None:
    found = error.parse("Driver/library version mismatch\nNVML library version: 580.159\n")
    assert (found.nvml_version, found.driver_version) == ("580.159", None)
    dmesg = "NVRM: API mismatch: the client has the version 535.161.07, but\nNVRM: this kernel "
    found = error.parse(dmesg + "module has the version 535.154.05.  Please make sure")
    assert (found.nvml_version, found.driver_version) == ("535.161.07", "535.154.05")
    lost = error.parse(LOST + "NVRM: Xid (PCI:0000:5f:00): 79, pid=1, GPU has fallen off the bus.")
    assert (lost.bus_id, lost.gpu_index, lost.xid) == ("0000:5F:00.0", 3, 79)


XML = """\
    <nvidia_smi_log><driver_version>610.43 [Deprecated; use KMD]</driver_version>
    <cuda_umd_version>13.3</cuda_umd_version><attached_gpus>2</attached_gpus>
    <gpu id="00000000:61:00.0"><product_name>NVIDIA H100</product_name>
    <mig_mode><current_mig>Enabled</current_mig></mig_mode>
    <mig_devices><mig_device><fb_memory_usage><total>1 MiB</total></fb_memory_usage>
    <ecc_error_count><volatile><sram_uncorrectable>9</sram_uncorrectable></volatile>
    </ecc_error_count></mig_device></mig_devices>
    <fb_memory_usage><total>81559 MiB</total><used>N/A</used></fb_memory_usage>
    <ecc_errors><volatile><sram_uncorrectable_parity>1</sram_uncorrectable_parity>
    <sram_uncorrectable_secded>2</sram_uncorrectable_secded><dram_correctable>7</dram_correctable>
    <dram_uncorrectable>N/A</dram_uncorrectable></volatile></ecc_errors>
    <clocks_event_reasons><clocks_event_reason_sw_power_cap>Active</clocks_event_reason_sw_power_cap>
    <clocks_event_reason_hw_slowdown>Not Active</clocks_event_reason_hw_slowdown>
    </clocks_event_reasons><temperature><gpu_temp>40 C</gpu_temp>
    <gpu_temp_tlimit>43 C</gpu_temp_tlimit>
    <gpu_temp_slow_tlimit_threshold>-2 C</gpu_temp_slow_tlimit_threshold></temperature>
    <gpu_power_readings><power_state>P0</power_state><average_power_draw>N/A</average_power_draw>
    <instant_power_draw>72,63 W</instant_power_draw><gpu_ceiling_power_limit>
    <current_power_limit>700.00 W</current_power_limit></gpu_ceiling_power_limit>
    </gpu_power_readings><module_power_readings><current_power_limit>900.00 W</current_power_limit>
    </module_power_readings><processes><process_info><pid>7</pid>
    <process_name>sh -c a && b <c</process_name><used_memory>N/A</used_memory></process_info>
    </processes></gpu><gpu id="1"><clocks_throttle_reasons>N/A</clocks_throttle_reasons></gpu>
    </nvidia_smi_log>
    """


def test_by_hand_xml_of_a_mig_card_with_an_unescaped_command() -> None:
    found = xml.parse("WARNING: x\n<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM 'b'>\n" + dedent(XML))
    assert (found.driver_version, found.cuda_version, found.attached_gpus) == ("610.43", "13.3", 2)
    first, second = found.gpus
    assert (first.bus_id, first.mig_devices) == ("00000000:61:00.0", 1)
    assert (first.memory_total_mib, first.memory_used_mib) == (81559, None)
    assert (first.power_draw_w, first.power_limit_w, first.slowdown_c) == (72.63, 700.0, 85.0)
    assert (first.ecc_uncorrected, first.throttle_reasons) == (3, ("sw_power_cap",))
    assert first.processes == (xml.Process(7, "sh -c a && b <c", None, None),)
    assert second == xml.Gpu()


@pytest.mark.parametrize(
    "text",
    [XML[:-30], XML.replace("</gpu>", "", 1), "<nvidia_smi_log>&a;\udcff</nvidia_smi_log",
     '<!DOCTYPE a [<!ENTITY b "c">]><x>&b;</x>'],
)  # fmt: skip
def test_by_hand_xml_that_is_not_whole_tells_nothing(text: str) -> None:
    assert xml.parse(text) == xml.Smi()


Q = """\
    ==============NVSMI LOG==============

    Driver Version                  : 525.147.01
    CUDA Version                    : Not Found
    Attached GPUs                   : 2

    GPU 00000000:01:00.0
        Product Name                : NVIDIA A40
        MIG Device
            Shared FB Memory Usage
                Total               : 1 MiB
        FB Memory Usage
            Total                   : 46068 MiB
        Clocks Throttle Reasons
            Idle                    : Not Active
            HW Slowdown             : Active
                HW Thermal Slowdown : Active
        Processes
            Process ID              : 17
                Name                : a : b
                Used GPU Memory     : 300 MiB
            Process ID              : 18
                Name                : c
    GPU 00000000:02:00.0
        FB Memory Usage
            Total                   : 460"""


@pytest.mark.parametrize("text", [Q, dedent(Q).replace("\n", "\r\n")], ids=["indented", "CRLF"])
def test_by_hand_log_of_two_cards_cut_in_the_second(text: str) -> None:
    found = q.parse(text)
    assert (found.driver_version, found.cuda_version, found.attached_gpus) == (
        "525.147.01",
        None,
        2,
    )
    first, second = found.gpus
    assert (first.name, first.memory_total_mib) == ("NVIDIA A40", 46068)
    assert first.throttle_reasons == ("hw_slowdown", "hw_thermal_slowdown")
    assert [(one.pid, one.name, one.memory_mib) for one in first.processes] == [
        (17, "a : b", 300),
        (18, "c", None),
    ]
    assert (second.bus_id, second.memory_total_mib) == ("00000000:02:00.0", None)
    assert facts("nvidia-smi-q", text)["cuda_version"] == "Not Found"


def test_by_hand_values_of_a_table() -> None:
    rows = FIRST + SECOND + THIRD + LINE + FIRST.replace("NVIDIA GeForce ...", "ERR!" + 14 * " ")
    found = table.parse(HEAD + LINE + rows + SECOND.replace("41C", "ERR!") + LINE)
    first, second = found.gpus
    assert (first.power_draw_w, first.power_limit_w, first.persistence) == (27.0, 350.0, False)
    assert (second.name, second.temperature_c, second.failed) == (None, None, True)


@pytest.mark.parametrize(
    "text",
    ["00:00.0 VGA: " + "(rev 00)" * 9000, "| 0 " * 20_000, "GPU 0: " + "(UUID: " * 20_000,
     "<nvidia_smi_log>" + "<process_name>" * 9000 + "</nvidia_smi_log>", "a : " * 40_000 + "\n",
     "<nvidia_smi_log>" + "<a>" * 50_000 + "</a>" * 50_000 + "</nvidia_smi_log>",
     "9" * 5000 + " MiB,\n" * 9000],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_a_long_text_takes_no_long_time(text: str) -> None:
    started = time.monotonic()
    for module in (error, lspci, nvcc, nvidia_smi_csv, nvidia_smi_list, q, table, xml):
        module.parse(text)
    assert time.monotonic() - started < 5
