"""The line with latency."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from bench.serve import Delay


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that sends back what it is sent, until the client has ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(2**16):
                    connection.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_delay(echo: int) -> None:
    """A round trip takes as long as was asked for, and what is under way at once is delayed once."""
    with Delay(echo, 0.1) as line, socket.create_connection(("127.0.0.1", line.port)) as client:
        began = time.monotonic()
        for part in range(20):
            client.sendall(bytes([part]) * 1000)
        client.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: client.recv(2**16), b""))
        took = time.monotonic() - began
    assert received == b"".join(bytes([part]) * 1000 for part in range(20))
    assert 0.1 <= took < 1.5
