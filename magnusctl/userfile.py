"""Python files of a project: they run here, with the rights of whoever runs magnusctl."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from magnusctl.errors import Ended, InputError, MagnusError


@dataclass(frozen=True)
class UserFile:
    """A Python file, read and compiled once."""

    path: Path
    code: CodeType

    def run(self) -> ModuleType:
        """Its module, made anew: what one run left behind in it no other run sees."""
        name = _module_name(self.path)
        spec = importlib.util.spec_from_file_location(name, self.path)
        assert spec
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look for their module there
        exec(self.code, module.__dict__)
        return module


def read(path: Path) -> UserFile:
    """Read and compile a file; nothing of it is run, and nothing written beside it."""
    with faults_of(path):
        loader = SourceFileLoader(_module_name(path), str(path))
        return UserFile(path, loader.source_to_code(path.read_bytes(), str(path)))


def _module_name(path: Path) -> str:
    return f"_magnus_{path.parent.name}_{path.stem}"


@contextlib.contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Turn what goes wrong in a file into an InputError with its line.

    The cause stays with the error, for --debug. What the file prints goes to stderr: stdout is for
    results.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except MagnusError as error:
        error.where = error.where or line_of(error, path)
        raise
    except (KeyboardInterrupt, Ended):
        raise
    except BaseException as error:
        raise InputError(in_words(error), where=line_of(error, path)) from error


def in_words(error: BaseException) -> str:
    """An error of Python on one line."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def line_of(error: BaseException, path: Path) -> str:
    """`file:line`, where the innermost line of the file is that was being run."""
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == str(path) else None
    trace = error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{path}:{line}" if line else str(path)
