"""How much has arrived is asked of a connection that somebody may close at the same moment."""

from __future__ import annotations

import socket

import paramiko

from magnusctl.transport.upload import held


def test_a_socket_that_was_just_closed_holds_nothing_that_is_known() -> None:
    ours, theirs = socket.socketpair()
    transport = paramiko.Transport(ours)
    assert held(transport) == 0
    ours.close()
    assert held(transport) == -1
    theirs.close()
