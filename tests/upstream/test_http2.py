"""HTTP/2 with a real server in front: nginx ends TLS and speaks HTTP/1.1 to a server of the test behind it."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bandersnatch.testing import Certificates
from bandersnatch.upstream.client import Client
from tests.upstream.asking import get, settings

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
]

CONFIGURATION = """
daemon off; master_process off; pid {directory}/pid; error_log {directory}/error.log;
events {{}}
http {{
  log_format connections "$connection $server_protocol";
  access_log {directory}/access.log connections;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  keepalive_requests {requests};
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {server}; ssl_certificate_key {key};
    location / {{ proxy_pass http://127.0.0.1:{backend}; }}
    location = /status {{ stub_status; access_log off; }}
  }}
}}
"""


class Peer:
    """nginx, and behind it *answer*, which is awaited before every response."""

    def __init__(self, directory: Path, port: int) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self._log = directory / "access.log"

    def connections(self) -> Counter[str]:
        """How many requests each connection had; the protocol stands behind its number."""
        return Counter(self._log.read_text().splitlines())


@asynccontextmanager
async def nginx(
    directory: Path, certificates: Certificates, answer: Callable[[], Awaitable[None]], requests: int = 1000
) -> AsyncIterator[Peer]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer()
            writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            await writer.drain()
        finally:
            writer.close()

    backend = await asyncio.start_server(serve, "127.0.0.1", 0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = CONFIGURATION.format(
        directory=directory,
        port=port,
        backend=backend.sockets[0].getsockname()[1],
        server=certificates.server,
        key=certificates.server_key,
        requests=requests,
    )
    (directory / "nginx.conf").write_text(text)
    process = subprocess.Popen(["nginx", "-p", directory, "-c", directory / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        await listening(port)
        yield Peer(directory, port)
    finally:
        process.terminate()
        process.wait()
        backend.close()


async def listening(port: int) -> None:
    for _ in range(1000):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            await writer.wait_closed()
            return
    raise TimeoutError


def test_many_streams_share_one_connection(tmp_path: Path, certificates: Certificates) -> None:
    """Once HTTP/2 was seen, far more requests than ``connections`` are in flight, all over one connection."""
    together = asyncio.Barrier(20)
    first = True

    async def answer() -> None:
        nonlocal first
        if first:
            first = False
        else:
            await together.wait()  # only 20 requests in flight open it

    async def main() -> Counter[str]:
        async with nginx(tmp_path, certificates, answer) as peer:
            client = Client(settings(peer.url, ca_file=certificates.authority, connections=2, streams=20))
            await get(client, peer.url)
            await asyncio.gather(*(get(client, f"{peer.url}/{number}") for number in range(60)))
            await client.close()
            return peer.connections()

    found = asyncio.run(main())
    assert all(connection.endswith("HTTP/2.0") for connection in found)
    assert sorted(found.values()) == [1, 60]  # the first had to find out


def test_a_server_that_ends_connections_is_not_stormed(tmp_path: Path, certificates: Certificates) -> None:
    """Where the server ends a connection after some requests, none is lost, and one new connection is opened."""

    async def answer() -> None:
        return

    async def main() -> tuple[int, int]:
        async with nginx(tmp_path, certificates, answer, requests=20) as peer:
            client = Client(settings(peer.url, ca_file=certificates.authority, connections=4, streams=40))
            for _ in range(5):
                await asyncio.gather(*(get(client, peer.url) for _ in range(80)))
            _, status = await get(client, f"{peer.url}/status")
            await client.close()
            return peer.connections().total(), int(status.split()[7])

    requests, accepted = asyncio.run(main())
    assert requests == 400
    assert accepted <= 20 + 10  # and not hundreds
