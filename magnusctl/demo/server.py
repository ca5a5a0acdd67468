"""SSH servers on loopback, one per simulated host: `python -m magnusctl.demo.server FOLDER`.

FOLDER holds `authorized_key`, and a host key `HOST.key` for every host. Prints one line of JSON,
host to port, and ends when its standard input does: no server outlives who started it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

_MAX_CONNECTIONS = 64


class _Login(paramiko.ServerInterface):
    """Accepts one key, and exec requests only."""

    def __init__(self, allowed: paramiko.PKey) -> None:
        self._allowed = allowed

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        same = username == "demo" and key.asbytes() == self._allowed.asbytes()
        return AUTH_SUCCESSFUL if same else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        del username
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del chanid
        refused = OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        return OPEN_SUCCEEDED if kind == "session" else refused

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=_run, args=(channel, command.decode()), daemon=True).start()
        return True


def _run(channel: paramiko.Channel, command: str) -> None:
    """Run one command with the channel as its three streams."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/"},
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    threading.Thread(target=_feed, args=(channel, process.stdin), daemon=True).start()
    sinks = {process.stdout: channel.sendall, process.stderr: channel.sendall_stderr}
    with contextlib.suppress(OSError):
        while sinks:
            ready, _, _ = select.select(list(sinks), [], [])
            for stream in ready:
                data = os.read(stream.fileno(), 65536)
                if data:
                    sinks[stream](data)
                else:
                    del sinks[stream]
    code = process.wait()
    with contextlib.suppress(OSError):
        channel.send_exit_status(code)
    channel.close()


def _feed(channel: paramiko.Channel, stdin: object) -> None:
    with contextlib.suppress(OSError), stdin:  # type: ignore[attr-defined]
        while data := channel.recv(65536):
            stdin.write(data)  # type: ignore[attr-defined]


def _serve(listener: socket.socket, key: paramiko.PKey, allowed: paramiko.PKey) -> None:
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_session, args=(sock, key, allowed), daemon=True).start()


def _session(sock: socket.socket, key: paramiko.PKey, allowed: paramiko.PKey) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(sock)
    transport.add_server_key(key)
    with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
        transport.start_server(server=_Login(allowed))


def main(folder: Path) -> None:
    """Serve every `HOST.key` of the folder until standard input ends."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
    allowed = paramiko.PKey.from_path(folder / "login")
    ports = {}
    for path in sorted(folder.glob("*.key")):
        listener = socket.create_server(("127.0.0.1", 0), backlog=_MAX_CONNECTIONS)
        ports[path.stem] = listener.getsockname()[1]
        key = paramiko.PKey.from_path(path)
        threading.Thread(target=_serve, args=(listener, key, allowed), daemon=True).start()
    print(json.dumps(ports), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
