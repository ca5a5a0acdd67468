"""The proxy does to a connection just what it is told, and counts it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from tests.faults.controls import Controls
from tests.faults.echo import echo
from tests.faults.proxy import Proxy
from tests.faults.remote import RemoteProxy, command


@pytest.fixture(params=["thread", "program"])
def link(request: pytest.FixtureRequest) -> Iterator[Controls]:
    """The proxy before an echo, in this process and as a program."""
    with contextlib.ExitStack() as stack:
        there = stack.enter_context(echo())
        program = request.param == "program"
        proxy = RemoteProxy(command(there)) if program else Proxy(there)
        yield stack.enter_context(proxy)


@contextlib.contextmanager
def client(link: Controls) -> Iterator[socket.socket]:
    with socket.create_connection((link.host, link.port), timeout=5) as sock:
        yield sock


def received(sock: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length and (piece := sock.recv(65536)):
        data += piece
    return data


def talk(sock: socket.socket, data: bytes) -> bytes:
    sock.sendall(data)
    return received(sock, len(data))


def test_bytes_are_counted_each_way_and_arrive_unchanged(link: Controls) -> None:
    data = bytes(range(256)) * 4
    with client(link) as sock:
        assert talk(sock, data) == data
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    state = link.until(lambda state: state.open == 0)
    assert (state.taken, state.up, state.down) == (1, 1024, 1024)
    assert link.events[-1] == {"event": "closed", "connection": 1, "up": 1024, "down": 1024}


@pytest.mark.parametrize("reset", [True, False], ids=["rst", "fin"])
def test_a_cut_ends_both_sides(link: Controls, reset: bool) -> None:
    with client(link) as sock:
        talk(sock, b"x")
        assert link.cut(reset=reset).open == 0
        if reset:
            with pytest.raises(ConnectionResetError):
                sock.recv(1)
        else:
            assert sock.recv(1) == b""
    with client(link) as again:
        assert talk(again, b"again") == b"again"


@pytest.mark.parametrize("limit", [0, 1, 1000])
def test_a_cut_lets_just_so_many_bytes_down(link: Controls, limit: int) -> None:
    link.cut_after(down=limit, reset=False)
    with client(link) as sock:
        sock.sendall(b"y" * 5000)
        assert received(sock, 5000) == b"y" * limit
    assert link.until(lambda state: state.open == 0).down == limit
    with client(link) as again:
        assert talk(again, b"y" * 2000) == b"y" * 2000


def test_a_cut_lets_just_so_many_bytes_up_of_each_connection(link: Controls) -> None:
    link.cut_after(up=700, times=2)
    for number in (1, 2):
        with client(link) as sock, contextlib.suppress(ConnectionResetError):
            sock.sendall(b"z" * 2000)
            received(sock, 2000)
        assert link.until(lambda state: state.open == 0).up == 700 * number
    assert [event["event"] for event in link.events].count("cut") == 2


def test_a_stall_is_silent_and_what_was_held_goes_on(link: Controls) -> None:
    with client(link) as sock:
        talk(sock, b"x")
        link.stall()
        sock.sendall(b"held")
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        assert link.state().up == 1
        with client(link) as second:
            second.settimeout(0.3)
            second.sendall(b"new")
            with pytest.raises(TimeoutError):
                second.recv(1)
            link.resume()
            sock.settimeout(5)
            second.settimeout(5)
            assert received(sock, 4) == b"held"
            assert received(second, 3) == b"new"


def test_a_stall_can_come_after_just_so_many_bytes(link: Controls) -> None:
    link.stall_after(up=700)
    with client(link) as sock:
        sock.sendall(b"z" * 2000)
        sock.settimeout(0.5)
        link.until(lambda state: state.up == 700)
        with pytest.raises(TimeoutError):
            received(sock, 2000)
        assert link.state().up == 700
        link.resume()
        sock.settimeout(5)
        sock.sendall(b"z" * 100)
        assert link.until(lambda state: state.up == 2100).open == 1


def test_a_slow_link_has_its_rate_and_its_delay(link: Controls) -> None:
    link.throttle(delay=0.15)
    started = time.monotonic()
    with client(link) as sock:
        talk(sock, b"x")
        # A handshake and a round trip.
        assert 0.55 < time.monotonic() - started < 5
        link.throttle(rate=10_000)
        started = time.monotonic()
        talk(sock, b"x" * 10_000)
        assert 0.9 < time.monotonic() - started < 5
        link.throttle()
        started = time.monotonic()
        talk(sock, b"x" * 100_000)
        assert time.monotonic() - started < 5


def test_a_sender_meets_the_slow_link_and_not_a_buffer(link: Controls) -> None:
    link.throttle(rate=4000, delay=0.3)
    with client(link) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            sock.sendall(b"x" * 200_000)


def test_new_connections_are_refused_while_an_old_one_goes_on(link: Controls) -> None:
    with client(link) as old:
        talk(old, b"x")
        link.refuse()
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError), client(link):
                pass
        assert talk(old, b"still") == b"still"
        link.admit()
        with client(link) as new:
            assert talk(new, b"new") == b"new"


def test_the_next_connections_are_dropped_before_a_byte(link: Controls) -> None:
    link.drop(2)
    for _ in range(2):
        with client(link) as sock:
            assert sock.recv(1) == b""
    with client(link) as sock:
        assert talk(sock, b"x") == b"x"
    assert link.state().taken == 3


def test_a_server_that_is_not_there_resets_the_client() -> None:
    with Proxy(("127.0.0.1", 1)) as link:
        with pytest.raises(ConnectionResetError), client(link) as sock:
            sock.recv(1)
        assert link.until(lambda state: state.open == 0).taken == 1


def test_a_command_that_there_is_not_is_named() -> None:
    with echo() as there, RemoteProxy(command(there)) as link:
        with pytest.raises(RuntimeError, match="no such command"):
            link._do("explode")
        assert link.state().taken == 0


def test_much_goes_through_fast() -> None:
    with echo() as there, Proxy(there) as link, client(link) as sock:
        started = time.monotonic()
        for _ in range(80):
            assert len(talk(sock, b"x" * 100_000)) == 100_000
        assert time.monotonic() - started < 5
