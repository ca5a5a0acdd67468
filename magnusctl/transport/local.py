"""Commands on the control machine itself."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator

from magnusctl.transport import IDLE_S, failure
from magnusctl.transport.lines import lines_of


class LocalTransport:
    """The same protocol as over ssh, with a pipe to /bin/sh in its place."""

    def __init__(self, host: str) -> None:
        self.host = host

    def execute(self, command: str, stdin: bytes, idle_s: float = IDLE_S) -> Iterator[str]:
        """See Transport.execute; this machine is waited for without a limit.

        Input goes through a file: both ends of a pipe could block.
        """
        del idle_s
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as stderr:
            source.write(stdin)
            source.seek(0)
            process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=stderr,
                # Ctrl-C is for us: a step is never cut in the middle.
                start_new_session=True,
            )
            assert process.stdout is not None
            said: list[str] = []
            read1 = process.stdout.read1  # type: ignore[attr-defined]
            with process.stdout:
                for line in lines_of(iter(lambda: read1(65536), b"")):
                    said = [*said[-20:], line]
                    yield line
            code = process.wait()
            if code != 0:
                stderr.seek(0)
                text = stderr.read(65536).decode("utf-8", "replace").strip()
                raise failure(self.host, code, text or "\n".join(said))

    def close(self) -> None:
        """Nothing is held."""
