"""A model of one's own: a folder with config.json, or a file of GGUF, read as it lies there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from magnusctl.catalogue.entries import Artifact, Entry, Found, Kind
from magnusctl.catalogue.forms import Form, form_of
from magnusctl.errors import InputError
from magnusctl.parsers import huggingface

MOST_FILES = 5_000
LARGEST_CONFIG = 4 << 20
LARGEST_INDEX = 64 << 20
_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf", re.ASCII)
_INDEX = "model.safetensors.index.json"
_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class LocalFile:
    """A file of a model, below its folder; its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class Local:
    """A model on this machine, in the words of the catalogue: no repository, and one form."""

    folder: Path
    entry: Entry
    artifact: Artifact
    files: tuple[LocalFile, ...]

    @property
    def found(self) -> Found:
        """As if it had been found in the catalogue."""
        return Found(self.entry, self.artifact)


def of_folder(path: Path) -> Local:
    """Read a model of one's own: a folder, or a file .gguf. Raises InputError."""
    if path.is_file():
        if path.suffix != ".gguf":
            raise InputError("a single file of a model ends in .gguf", where=str(path))
        return _of_gguf(path.parent, path.name, _parts(path.parent, path.name))
    if not path.is_dir():
        raise InputError("there is no such folder or file", where=str(path))
    files = tuple(sorted(_files(path), key=lambda one: one.path))
    if (path / "config.json").is_file():
        return _of_config(path, files)
    return _of_only_gguf(path, files)


def _files(folder: Path) -> Iterator[LocalFile]:
    """All files but hidden ones: those are of git, or of who downloaded them."""
    names = sorted(islice(_walked(folder), MOST_FILES + 1))
    if len(names) > MOST_FILES:
        raise InputError(f"more than {MOST_FILES} files: this is no model", where=str(folder))
    for name in names:
        yield LocalFile(name, _size(folder / name))


def _walked(folder: Path) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(".")]
        for name in names:
            if not name.startswith("."):
                yield (Path(here) / name).relative_to(folder).as_posix()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", where=str(path)) from None


def _of_config(folder: Path, files: tuple[LocalFile, ...]) -> Local:
    config = _json(folder / "config.json", LARGEST_CONFIG)
    weights = [one for one in files if one.path.endswith((".safetensors", "pytorch_model.bin"))]
    if not weights:
        hint = "They end in .safetensors. Was the download cut?"
        raise InputError("its weights are not there", where=str(folder), hint=hint)
    _require_shards(folder, {one.path for one in files})
    size = sum(one.size for one in weights)
    return _local(folder, folder.resolve().name, config, form_of(config), files, size)


def _require_shards(folder: Path, paths: set[str]) -> None:
    if _INDEX not in paths:
        return
    index = huggingface.parse(_text(folder / _INDEX, LARGEST_INDEX)).index
    missing = sorted(set(index.shards if index else ()) - paths)
    if missing:
        hint = "Was the download cut?"
        raise InputError(f"a part is missing: {missing[0]}", where=str(folder), hint=hint)


def _of_only_gguf(folder: Path, files: tuple[LocalFile, ...]) -> Local:
    found = [one.path for one in files if one.path.endswith(".gguf")]
    firsts = [one for one in found if (m := _PART.fullmatch(one)) is None or int(m[2]) == 1]
    if not found:
        hint = "A model's folder has config.json, or a file .gguf."
        raise InputError("there is no model in it", where=str(folder), hint=hint)
    if len(firsts) != 1:
        hint = f"Name one of them: {', '.join((firsts or found)[:5])}"
        raise InputError("it has more than one file .gguf", where=str(folder), hint=hint)
    return _of_gguf(folder, firsts[0], _parts(folder, firsts[0]))


def _parts(folder: Path, name: str) -> tuple[LocalFile, ...]:
    """The file, or all parts of the model that it is the first part of."""
    match = _PART.fullmatch(name)
    if match is None:
        return (LocalFile(name, _size(folder / name)),)
    if int(match[2]) != 1:
        first = f"{match[1]}-00001-of-{match[3]}.gguf"
        raise InputError("it is a part of a model", where=name, hint=f"Name the first: {first}")
    names = (f"{match[1]}-{n:05}-of-{match[3]}.gguf" for n in range(1, int(match[3]) + 1))
    return tuple(LocalFile(one, _size(folder / one)) for one in islice(names, MOST_FILES))


def _of_gguf(folder: Path, name: str, files: tuple[LocalFile, ...]) -> Local:
    from magnusctl import gguf

    header = gguf.read(folder / name)
    form = Form("gguf", gguf.quant(header), ("llamacpp", "ollama"))
    stem = match[1] if (match := _PART.fullmatch(name)) else name.removesuffix(".gguf")
    size = sum(one.size for one in files)
    return _local(folder, Path(stem).name, gguf.config(header), form, files, size)


def _local(
    folder: Path,
    name: str,
    config: Mapping[str, Any],
    form: Form,
    files: tuple[LocalFile, ...],
    size: int,
) -> Local:
    artifact = Artifact(
        name=form.quant.lower(),
        format=form.format,
        quant=form.quant,
        engines=form.engines,
        repository="",
        revision="",
        include=tuple(one.path for one in files),
        size_bytes=size,
    )
    entry = Entry(
        name=_NAMES.sub("-", name).strip("-").lower() or "model",
        title=name,
        kind=_kind(config),
        licence="",
        gated=False,
        config={key: value for key, value in config.items() if key not in _NO_FACTS},
        artifacts=(artifact,),
        source=str(folder),
    )
    return Local(folder, entry, artifact, files)


_NO_FACTS = {"_name_or_path", "quantization", "quantization_config", "transformers_version"}


def _kind(config: Mapping[str, Any]) -> Kind:
    """By its head; what has none is for embeddings. GGUF names no head, and is for chats."""
    named = config.get("architectures")
    heads = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    if any(one.endswith("Classification") for one in heads):
        return "classifier"
    if heads and not any(
        one.endswith(("ForCausalLM", "ForConditionalGeneration")) for one in heads
    ):
        return "embedding"
    return "chat"


def _json(path: Path, most: int) -> dict[str, Any]:
    try:
        read = json.loads(_text(path, most))
    except (ValueError, RecursionError):
        raise InputError("this is no JSON", where=str(path)) from None
    if not isinstance(read, dict):
        raise InputError("this is no model's configuration", where=str(path))
    return read


def _text(path: Path, most: int) -> str:
    if _size(path) > most:
        raise InputError(f"larger than {most >> 20} MiB", where=str(path))
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(error.strerror or "cannot be read", where=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("not UTF-8", where=str(path)) from None
