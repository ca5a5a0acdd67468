"""The labels and values of lscpu, of JSON or text, in the words of its English output."""

from __future__ import annotations

import re
from collections.abc import Iterator

from magnusctl.parsers.linux_cells import clean, documents, label

Pairs = list[tuple[str, str]]
_ENGLISH = {
    "Architektur": "Architecture", "Byte-Reihenfolge": "Byte Order", "Boutisme": "Byte Order",
    "Liste der Online-CPU(s)": "On-line CPU(s) list", "Total CPU(s)": "CPU(s)",
    "Processeur(s)": "CPU(s)", "Liste de processeur(s) en ligne": "On-line CPU(s) list",
    "Anbieterkennung": "Vendor ID", "Identifiant constructeur": "Vendor ID",
    "Vendor": "Vendor ID", "Modellname": "Model name", "Nom de modèle": "Model name",
    "Modell": "Model", "Modèle": "Model", "Prozessorfamilie": "CPU family",
    "Famille de processeur": "CPU family", "Révision": "Stepping",
    "Thread(s) pro Kern": "Thread(s) per core", "Thread(s) par cœur": "Thread(s) per core",
    "Kern(e) pro Socket": "Core(s) per socket", "Kern(e) pro Sockel": "Core(s) per socket",
    "Cœur(s) par socket": "Core(s) per socket", "Sockel": "Socket(s)",
    "NUMA-Knoten": "NUMA node(s)", "Nœud(s) NUMA": "NUMA node(s)",
    "Maximale Taktfrequenz der CPU": "CPU max MHz",
    "Vitesse maximale du processeur en MHz": "CPU max MHz",
    "Virtualisierung": "Virtualization", "Virtualisation": "Virtualization",
    "Virtualisierungstyp": "Virtualization type", "Type de virtualisation": "Virtualization type",
    "Hypervisor-Anbieter": "Hypervisor vendor",
    "Constructeur d'hyperviseur": "Hypervisor vendor",
    "Markierungen": "Flags", "Drapaux": "Flags", "Drapeaux": "Flags",
}  # fmt: skip
_MARKS = ("Architecture", "CPU(s)", "Model name", "Thread(s) per core", "Vendor ID", "Socket(s)")
_DEEPEST = 20
_WRAPPED = 16
_LONG = ("Flags", "Markierungen", "Drapaux", "Drapeaux")


def pairs(text: str) -> Pairs:
    """Labels with their values in their order; none for a text that is not of lscpu."""
    for document in documents(text):
        if isinstance(document, dict) and isinstance(document.get("lscpu"), list):
            return [pair for pair in _of_json(document["lscpu"]) if pair[1]]
    found = [(_ENGLISH.get(name, name), value) for name, value in _of_text(text) if value]
    return found if any(name in _MARKS for name, _ in found) else []


def _of_json(entries: object, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Fields and their children, which newer versions nest."""
    for entry in entries if isinstance(entries, list) and depth < _DEEPEST else []:
        if isinstance(entry, dict):
            name, value = entry.get("field"), entry.get("data")
            if isinstance(name, str) and value is not None:
                plain = name.strip().removesuffix(":").strip()
                yield _ENGLISH.get(plain, plain), str(value)
            yield from _of_json(entry.get("children"), depth + 1)


def _of_text(text: str) -> Pairs:
    """Lines with a label; what is wrapped under a value belongs to it."""
    found: Pairs = []
    column, blanks = 0, ""
    for line in re.split(r"\r\n|\r|\n", clean(text)):
        indent = len(line) - len(line.lstrip())
        pair = label(line) if indent < _WRAPPED else None
        if pair:
            found.append(pair)
            column = line.find(pair[1], line.find(":") + 1) if pair[1] else 0
        elif not line.strip():
            column = 0
        elif column and (indent >= _WRAPPED or found[-1][0] in _LONG):
            # lscpu breaks a value at the last column, in the middle of a word if need be.
            name, value = found.pop()
            rest = line[column:] if column <= indent else line.lstrip()
            found.append((name, f"{value}{blanks}{rest}".rstrip()))
        blanks = line[len(line.rstrip()) :]
    return found
