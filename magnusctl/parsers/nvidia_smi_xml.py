"""nvidia-smi -q -x: the XML of all schemas from v4 to v13."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape
from xml.etree import ElementTree

from magnusctl.parsers import Facts
from magnusctl.parsers.cells import told
from magnusctl.parsers.nvidia_smi_error import error_of
from magnusctl.parsers.nvidia_smi_gpu import Gpu, Process, Smi, gpu_of, reasons, shown
from magnusctl.parsers.nvidia_smi_text import count, plain, version

__all__ = ["Gpu", "Process", "Smi", "facts", "parse"]

_Element = ElementTree.Element
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_APART = ("processes", "accounted_processes", "supported_clocks", "mig_devices")


def parse(text: str) -> Smi:
    """The cards of a whole document; a cut one gives none."""
    root = _root(text)
    if root is None:
        return Smi()
    return Smi(
        driver_version=version(root.findtext("driver_version"))
        or version(root.findtext("kmd_version")),
        cuda_version=version(root.findtext("cuda_version"))
        or version(root.findtext("cuda_umd_version")),
        gpus=tuple(_gpu(gpu) for gpu in root.findall("gpu")),
        attached_gpus=count(root.findtext("attached_gpus")),
        timestamp=_text(root, "timestamp"),
    )


def facts(text: str) -> Facts:
    """The values as printed, by the names that nvidia-smi's other outputs share."""
    root = _root(text)
    if root is None:
        return {"valid_xml": False, "gpus": None, "error": error_of(text)}
    gpus = root.findall("gpu")
    return {
        "valid_xml": True,
        "timestamp": _text(root, "timestamp"),
        "driver_version": _text(root, "driver_version"),
        "cuda_version": _text(root, "cuda_version"),
        "kmd_version": _text(root, "kmd_version"),
        "cuda_umd_version": _text(root, "cuda_umd_version"),
        "attached_gpus": _text(root, "attached_gpus"),
        "gpu_elements": len(gpus),
        "gpus": [_gpu_facts(gpu) for gpu in gpus],
        "error": None,
    }


def _gpu_facts(gpu: _Element) -> Facts:
    flat = _flat(gpu)
    active = reasons(flat)
    return {
        **shown(flat),
        "ecc_uncorrected": _gpu(gpu).ecc_uncorrected,
        "throttle_reasons": None if active is None else list(active),
        "mig_devices": len(_migs(gpu)),
        "processes": [
            {"pid": one.pid, "name": one.name, "type": one.type, "memory_mib": one.memory_mib}
            for one in _processes(gpu)
        ],
    }


def _root(text: str) -> _Element | None:
    """The first whole document, without its DOCTYPE: nothing can be declared or fetched."""
    start = text.find("<nvidia_smi_log")
    end = text.find("</nvidia_smi_log>", start)
    if start < 0 or end < 0:
        return None
    document = _NO_XML.sub("\ufffd", plain(text[start:end])) + "</nvidia_smi_log>"
    lines = (_with_escaped_name(line) for line in document.split("\n"))
    try:
        return ElementTree.fromstring(_LONE_AMPERSAND.sub("&amp;", "\n".join(lines)))
    except (ElementTree.ParseError, ValueError, RecursionError):
        return None


def _with_escaped_name(line: str) -> str:
    """nvidia-smi prints command lines as they are, also those with a < in them."""
    before, opened, rest = line.partition("<process_name>")
    name, closed, after = rest.rpartition("</process_name>")
    if not opened or not closed or "<" not in name or "<process_name>" in name:
        return line
    return before + opened + escape(name, quote=False) + closed + after


def _flat(gpu: _Element) -> Mapping[str, str]:
    found: dict[str, str] = {"@id": gpu.get("id", "")} if ":" in gpu.get("id", "") else {}
    for path, value in _leaves(gpu, "", 0):
        found.setdefault(path, value)
    return found


def _leaves(element: _Element, path: str, depth: int) -> Iterator[tuple[str, str]]:
    for child in element:
        if child.tag in _APART:
            continue
        if len(child) and depth < 6:
            yield from _leaves(child, f"{path}{child.tag}/", depth + 1)
        elif child.text is not None:
            yield f"{path}{child.tag}", child.text.strip()


def _gpu(gpu: _Element) -> Gpu:
    """A card; one that is parted by MIG tells its errors by its parts."""
    found = gpu_of(_flat(gpu), _processes(gpu), len(_migs(gpu)))
    return (
        found
        if found.ecc_uncorrected is not None
        else replace(found, ecc_uncorrected=_of_parts(gpu))
    )


def _of_parts(gpu: _Element) -> int | None:
    told = [count(one.text) for part in _migs(gpu) for one in part.iter("sram_uncorrectable")]
    known = [number for number in told if number is not None]
    return sum(known) if known else None


def _migs(gpu: _Element) -> list[_Element]:
    return gpu.findall("mig_devices/mig_device")


def _processes(gpu: _Element) -> Iterator[Process]:
    for one in gpu.findall("processes/process_info"):
        yield Process(
            pid=count(one.findtext("pid")),
            name=told(one.findtext("process_name")),
            memory_mib=count(one.findtext("used_memory")),
            type=told(one.findtext("type")),
        )


def _text(root: _Element, tag: str) -> str | None:
    found = root.findtext(tag)
    return None if found is None else found.strip()
