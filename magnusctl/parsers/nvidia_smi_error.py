"""nvidia-smi that failed: which of its sentences, or of the shell's, is in the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from magnusctl.parsers import Facts
from magnusctl.parsers.nvidia_smi_text import plain

# The first that matches wins: a sentence may hold the words of a more general one.
CAUSES: Mapping[str, tuple[str, ...]] = {
    "invalid_query_field": ("is not a valid field to query",),
    "invalid_power_limit": ("is not a valid power limit",),
    "driver_library_mismatch": ("driver/library version mismatch", "nvrm: api mismatch"),
    "driver_not_installed": ("module nvidia not found", "module nvidia-current not found"),
    "driver_not_running": (
        *("couldn't communicate with the nvidia driver", "driver not loaded"),
        *("could not communicate with the nvidia driver", "driver is not loaded"),
        "couldn't communicate with nvidia driver",
    ),
    "no_devices": (
        *("no devices were found", "no supported gpus were found", "no gpus were found"),
        *("no devices found", "no nvidia gpus were found"),
    ),
    "gpu_requires_reset": ("gpu requires reset", "gpu requires a reset"),
    "insufficient_power": ("insufficient external power", "insufficiently powered"),
    "gpu_access_blocked": ("gpu access blocked by the operating system",),
    "library_not_found": (
        *("couldn't find libnvidia-ml.so", "libnvidia-ml.so.1: cannot open", "nvml.dll"),
        *("failed to initialize nvml: library not found", "nvml shared library not found"),
    ),
    "insufficient_permissions": (
        *("insufficient permissions", "permission denied", "access denied"),
        *("does not have permission", "do not have permission", "operation not permitted"),
        *("requires root", "root privileges", "must be root", "administrator privileges"),
    ),
    "container_runtime": ("could not select device driver", "unknown runtime specified nvidia"),
    "gpu_in_use": ("is currently in use", "in use by one or more", "is the primary gpu"),
    "invalid_option": ("is not recognized. please run", "invalid combination of input arguments"),
    # Most often a card that has fallen off the bus; the driver does not say more than this.
    "gpu_lost": (
        *("gpu is lost", "fallen off the bus", "unable to determine the device handle for"),
    ),
    "nvml_unknown_error": ("failed to initialize nvml: unknown error",),
    "nvml_failed": ("failed to initialize nvml", "failed to properly shut down nvml"),
    "command_not_found": (
        *("command not found", ": not found", "' not found", "executable file not found"),
        *("no such file or directory", "is not recognized as", "unknown command"),
        *("befehl nicht gefunden", "kommando nicht gefunden", "commande introuvable"),
        *("orden no encontrada", "comando non trovato", "comando não encontrado"),
        *("команда не найдена", "未找到命令", "コマンドが見つかりません"),
    ),
    "timeout": ("timed out", "timeout"),
    "not_supported": ("not supported",),
}
_FIELD = re.compile(r'[Ff]ield "([^"]{1,200})" is not a valid')
_BUS = re.compile(r"\b[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\b(?:\.[0-9A-Fa-f])?")
_GPU = re.compile(r"device handle for (?:GPU|gpu) ?(\d{1,3})(?=: |:$)")
_NVML = re.compile(r"NVML library version: (\d[\d.]{0,20})")
_API = re.compile(
    r"client has the version (\d[\d.]{0,20}\d).{0,60}module has the version (\d[\d.]{0,20}\d)"
)
_XID = re.compile(r"Xid \([^)]{1,40}\): (\d{1,4})")
_LONGEST = 20_000


@dataclass(frozen=True)
class Failure:
    """Why nvidia-smi gave no answer. `error` is a name of CAUSES; None is no known sentence.

    `field` is the refused field of a query, `bus_id` and `gpu_index` are the card it is about,
    `gpu_count` is 0 where nvidia-smi says that there is none. `nvml_version` is the library's,
    `driver_version` the loaded module's, where a mismatch is told with numbers.
    """

    error: str | None = None
    message: str | None = None
    field: str | None = None
    bus_id: str | None = None
    gpu_index: int | None = None
    gpu_count: int | None = None
    driver_version: str | None = None
    nvml_version: str | None = None
    xid: int | None = None


def parse(text: str) -> Failure:
    """What failed; a Failure of Nones where the text is none of the known sentences."""
    words = " ".join(plain(text[:_LONGEST]).replace("’", "'").split())
    error, at = _cause(words.lower())
    if error is None:
        return Failure()
    api = _API.search(words)
    return Failure(
        error=error,
        message=_sentence(text[:_LONGEST], error) or words[at : at + 300],
        field=_first(_FIELD, words),
        bus_id=_whole(_BUS, words),
        gpu_index=_number(_GPU, words),
        gpu_count=0 if error == "no_devices" else None,
        driver_version=api[2] if api else None,
        nvml_version=_first(_NVML, words) or (api[1] if api else None),
        xid=_number(_XID, words),
    )


def facts(text: str) -> Facts:
    """The fields of a Failure."""
    return asdict(parse(text))


def error_of(text: str) -> str | None:
    """The name of what failed, for the outputs that hold no values."""
    return parse(text).error


def _cause(words: str) -> tuple[str | None, int]:
    for error, sentences in CAUSES.items():
        for sentence in sentences:
            at = words.find(sentence)
            if at >= 0:
                return error, at
    return None, 0


def _sentence(text: str, error: str) -> str | None:
    """The line that says so, if it was not wrapped."""
    lines = (line.strip() for line in plain(text).replace("’", "'").splitlines())
    return next((line for line in lines if any(one in line.lower() for one in CAUSES[error])), None)


def _first(pattern: re.Pattern[str], words: str) -> str | None:
    match = pattern.search(words)
    return match[1] if match else None


def _whole(pattern: re.Pattern[str], words: str) -> str | None:
    match = pattern.search(words)
    return match[0] if match else None


def _number(pattern: re.Pattern[str], words: str) -> int | None:
    found = _first(pattern, words)
    return int(found) if found else None
