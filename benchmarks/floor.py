"""What the wire costs: Paramiko connects to every host at once and runs `true` on each.

`python -m benchmarks.floor sshclient|lean FILE`; the file says where the hosts are.
"""

import json
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import paramiko

TIMEOUT_S = 30.0
Connect = Callable[[Mapping[str, Any], str], paramiko.Transport]


def sshclient(lab: Mapping[str, Any], address: str) -> paramiko.Transport:
    """As most programs do, except that the one key is named and none is guessed."""
    client = paramiko.SSHClient()
    client.load_host_keys(lab["known_hosts"])
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(
        address,
        username=lab["user"],
        key_filename=lab["key"],
        look_for_keys=False,
        allow_agent=False,
        timeout=TIMEOUT_S,
    )
    transport = client.get_transport()
    assert transport is not None
    transport.keeps = client  # type: ignore[attr-defined]  # a collected client closes it
    return transport


def lean(lab: Mapping[str, Any], address: str) -> paramiko.Transport:
    """Only what must be: the exchange, the host key compared, the login, no other question."""
    sock = socket.create_connection((address, 22), TIMEOUT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(sock)
    pinned = paramiko.HostKeys(lab["known_hosts"]).lookup(address)
    assert pinned is not None
    options = transport.get_security_options()
    others = [kind for kind in options.key_types if kind not in pinned]
    options.key_types = [*(kind for kind in options.key_types if kind in pinned), *others]
    transport.start_client(timeout=TIMEOUT_S)
    offered = transport.get_remote_server_key()
    if pinned[offered.get_name()] != offered:
        raise SystemExit(f"{address} has another host key")
    transport.auth_publickey(lab["user"], paramiko.Ed25519Key.from_private_key_file(lab["key"]))
    return transport


def run_true(connect: Connect, lab: Mapping[str, Any], address: str, codes: list[int]) -> None:
    """Connect and run one command; its exit code is put among `codes`."""
    transport = connect(lab, address)
    channel = transport.open_session(timeout=TIMEOUT_S)
    channel.exec_command("true")
    codes.append(channel.recv_exit_status())
    transport.close()


def main(kind: str, file: str) -> int:
    """All hosts, each in a thread of its own."""
    lab = json.loads(Path(file).read_text())
    connect = {"sshclient": sshclient, "lean": lean}[kind]
    codes: list[int] = []
    threads = [
        threading.Thread(target=run_true, args=(connect, lab, address, codes), daemon=True)
        for address in lab["hosts"].values()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    return 0 if codes == [0] * len(threads) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
