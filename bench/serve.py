"""The upstream of the bench, running: nginx with TLS and HTTP/2, a feed of changes, and a line with latency."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

from bandersnatch.testing import make_certificates
from bandersnatch.testing.threads import ThreadedServer
from bench.tree import LIST, ORIGIN, Tree

# One process without a master: it is ended by the one id that we know. The log is not buffered, since the first
# request for a page is to be seen at once; that costs every client the same few microseconds of the server's time.
_SITE = """\
daemon off; master_process off; pid {home}/pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{
    log_format asked '$msec $status $connection $request_method $request_uri';
    access_log {home}/access.log asked;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 600;
    types {{ application/vnd.pypi.simple.v1+json v1_json; }}
    default_type application/octet-stream;
    map $http_accept $form {{ default ""; "~*(json|\\*/\\*)" v1_json; }}
    server {{
        listen 127.0.0.1:{port} ssl http2 backlog=1024;
        ssl_certificate {tls.server}; ssl_certificate_key {tls.server_key};
        root {root}; absolute_redirect off;
        location = /simple {{ return 301 /simple/; }}
        location ~ ^(?<folder>/simple/(?:[a-z0-9-]+/)?)$ {{
            add_header Vary Accept;
            if ($form = "") {{ return 406; }}
            try_files ${{folder}}index.$form =404;
        }}
        location = /pypi {{ proxy_pass http://127.0.0.1:{feed}; }}
        location /pypi/ {{
            default_type application/json; add_header X-PyPI-Last-Serial 9000000000;
            sub_filter_types application/json; sub_filter_once off; sub_filter {origin} https://127.0.0.1:{public};
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as the log has it."""

    time: float
    """When it was answered, in seconds since the epoch."""
    status: int
    connection: int
    path: str

    @property
    def is_page(self) -> bool:
        """Whether it was for a project's page, in either form."""
        return self.path.startswith(("/simple/", "/pypi/")) and self.path not in ("/simple/", "/pypi")


@dataclass
class Site:
    """A tree that is being served."""

    tree: Tree
    url: str
    """``https://127.0.0.1:PORT``."""
    authority: Path
    """The certificate to trust."""
    feed: Feed
    _log: Path
    _touched: int = field(default=0)

    def asked(self) -> list[Asked]:
        """What was asked since ``forget``."""
        lines = self._log.read_text().splitlines()
        parts = (line.split(" ", 4) for line in lines if line.count(" ") == 4)
        return [Asked(float(when), int(status), int(line), path) for when, status, line, _, path in parts]

    def forget(self) -> None:
        os.truncate(self._log, 0)

    def renew_list(self) -> None:
        """Let the list be a new one with the same content: nginx makes its ETag from size and second."""
        self._touched += 1
        os.utime(self.tree.root / LIST, (1e9 + self._touched, 1e9 + self._touched))


@contextlib.contextmanager
def serve(tree: Tree, home: Path, *, delay: float = 0.0, port: int = 0) -> Iterator[Site]:
    """
    Serve *tree*; what has to be written meanwhile goes to *home*.

    *delay*: seconds for a round trip; *port*: where, if not anywhere.
    """
    home.mkdir(parents=True)
    tls = make_certificates(home)
    port = port or _free_port()
    with contextlib.ExitStack() as stack:
        feed = stack.enter_context(Feed())
        public = stack.enter_context(Delay(port, delay)).port if delay else port
        text = _SITE.format(
            home=home, port=port, public=public, tls=tls, root=tree.root, origin=ORIGIN, feed=feed.port
        )  # fmt: skip
        (home / "nginx.conf").write_text(text)
        (home / "access.log").touch()
        stack.enter_context(_running(home, port))
        yield Site(tree, f"https://127.0.0.1:{public}", tls.authority, feed, home / "access.log")


def nginx() -> str:
    """The path of nginx. Raises FileNotFoundError."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError("nginx is not installed, and the bench serves its upstream with it")
    return found


class Feed:
    """A changelog as PyPI has it, over XML-RPC, behind ``/pypi`` of the site."""

    def __init__(self) -> None:
        self.rows: Sequence[tuple[str, None, int, str, int]] = ()
        """Name, version, time, action, serial: what happened since."""
        self._server = SimpleXMLRPCServer(
            ("127.0.0.1", 0), requestHandler=_AnyPath, logRequests=False, allow_none=True
        )  # fmt: skip
        self._server.register_function(self._since, "changelog_since_serial")
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _since(self, serial: Any) -> list[Any]:
        return [row for row in self.rows if row[4] > serial]


class _AnyPath(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/pypi",)


class Delay:
    """A line to a port of this machine on which every byte takes half of *round_trip* seconds each way."""

    def __init__(self, target: int, round_trip: float) -> None:
        self._target = target
        self._delay = round_trip / 2
        self._server = ThreadedServer(self._serve)
        self.port = 0

    def __enter__(self) -> Self:
        (self.port,) = self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        upstream = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, upstream[1]))
                both.create_task(self._carry(upstream[0], writer))
        except* OSError:
            pass  # one side has left; the other is told by the end of its connection
        finally:
            upstream[1].transport.abort()

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One way: what is read is on its way for a while, and more is read meanwhile."""
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=1024)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._take(reader, line))
            both.create_task(self._give(line, writer))

    async def _take(self, reader: StreamReader, line: asyncio.Queue[tuple[float, bytes]]) -> None:
        now = asyncio.get_running_loop().time
        data = b"not read yet"
        while data:
            data = await reader.read(2**16)
            await line.put((now() + self._delay, data))

    async def _give(self, line: asyncio.Queue[tuple[float, bytes]], writer: StreamWriter) -> None:
        now = asyncio.get_running_loop().time
        while True:
            due, data = await line.get()
            await asyncio.sleep(max(0.0, due - now()))
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()


def is_free(port: int) -> bool:
    """Whether somebody can listen on *port* of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def _running(home: Path, port: int) -> Iterator[None]:
    command = [nginx(), "-e", "stderr", "-p", str(home), "-c", str(home / "nginx.conf")]
    with (home / "output").open("w") as output:
        process = subprocess.Popen(command, cwd=home, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _wait(process, port, home / "output")
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    """Until nginx takes connections: it does not say when it does."""
    deadline = time.monotonic() + 20
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nginx did not start: {output.read_text()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
