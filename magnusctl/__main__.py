"""Where the program starts, and the one place where an error becomes text and an exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NoReturn

from magnusctl.errors import Ended, Exit, MagnusError, fault_words


def main() -> NoReturn:
    """Run the command line and exit."""
    # Nothing here uses pydantic's plugins, and looking for them costs every command time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    arguments = sys.argv[1:]
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: >&-
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    if "--debug" in arguments:
        os.environ["MAGNUS_DEBUG"] = "1"
    debug = bool(os.environ.get("MAGNUS_DEBUG"))
    for number in (signal.SIGTERM, signal.SIGHUP):
        # What nohup ignores for us stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _ended)
    try:
        from magnusctl.cli import app

        app(args=arguments)
    except MagnusError as error:
        if debug:
            raise
        _leave(_print(error, "--json" in arguments))
    except SystemExit as end:
        # Typer turns a closed pipe into exit code 1, which here means a fault of ours.
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":
            _leave(int(Exit.PIPE_CLOSED))
        _leave(end.code if isinstance(end.code, int) else int(Exit.FAULT))
    except KeyboardInterrupt:
        _leave(int(Exit.INTERRUPTED))
    except BrokenPipeError:
        _leave(int(Exit.PIPE_CLOSED))
    except OSError as error:
        if debug:
            raise
        _say(f"cannot write: {error.strerror or error}   (exit {int(Exit.PRECONDITION)})")
        _leave(int(Exit.PRECONDITION))
    except Exception as error:
        if debug:
            raise
        _say(f"a fault of magnusctl itself: {fault_words(error)}")
        _say("Please report it, with what `magnusctl --debug …` shows.   (exit 1)")
        _leave(int(Exit.FAULT))
    _leave(0)


def _ended(number: int, _: object) -> NoReturn:
    """Somebody ends us: what is drawn on the terminal is taken back first, as on Ctrl-C."""
    raise Ended(128 + number)


def _print(error: MagnusError, json: bool) -> int:
    # The exit code tells it even where nothing can be written.
    with contextlib.suppress(OSError):
        if json:
            from magnusctl.report.jsonl import emit, error_json

            emit("error", **(error_json(error) or {}))
        from magnusctl.report.text import print_error

        print_error(error)
    return int(error.exit_code)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        print(f"magnusctl: {text}", file=sys.stderr)


def _leave(code: int) -> NoReturn:
    """Exit without waiting for threads that still listen to a host."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
