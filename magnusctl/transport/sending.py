"""A file on its way to a host, over sftp."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from magnusctl.errors import HostError, InputError, PreconditionError

if TYPE_CHECKING:
    import paramiko

_PIECE = 32 * 1024


def send_file(
    transport: paramiko.Transport,
    host: str,
    local: str,
    remote: str,
    offset: int,
    moved: Callable[[int], None],
) -> None:
    """Send a file from a byte on. Raises InputError, PreconditionError or HostError."""
    import paramiko

    sftp = paramiko.SFTPClient.from_transport(transport)
    if sftp is None:
        raise PreconditionError("sshd there has no sftp", host=host, hint="Enable its subsystem.")
    try:
        with Path(local).open("rb") as source:
            source.seek(offset)
            with sftp.open(remote, "r+" if offset else "w") as target:
                target.seek(offset)
                target.set_pipelined(True)
                while piece := source.read(_PIECE):
                    target.write(piece)
                    moved(len(piece))
    except FileNotFoundError as error:
        if not Path(local).exists():
            raise InputError("there is no such file", where=local) from None
        raise HostError(f"cannot write {remote} there: {error}", host=host) from None
    except OSError as error:
        why = error.strerror or str(error)
        hint = "Is its disk full? df there tells."
        raise HostError(f"cannot write {remote} there: {why}", host=host, hint=hint) from None
    finally:
        sftp.close()
