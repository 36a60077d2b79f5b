"""Web servers as the how-to pages configure them, on a free port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from bandersnatch.testing import Certificates
from tests.peers import documents, programs


@dataclass(frozen=True)
class Answer:
    """A response, whole."""

    status: int
    headers: Message
    body: bytes

    def header(self, name: str) -> str | None:
        """A header's value; a repeated header's values are joined."""
        values = self.headers.get_all(name)
        return None if values is None else ", ".join(values)

    @property
    def vary(self) -> set[str]:
        return {part.strip().lower() for part in (self.header("Vary") or "").split(",")} - {""}


@dataclass(frozen=True)
class Asked:
    """A request as the server's log has it."""

    method: str
    path: str
    status: int


@dataclass(frozen=True)
class Site:
    """A running server."""

    port: int
    log: Path | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def simple(self) -> str:
        return f"{self.url}/simple/"

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """One request; an underscore in a header's name stands for a dash."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def asked(self) -> list[Asked]:
        """What was asked since ``forget``."""
        assert self.log is not None
        lines = (line.split() for line in self.log.read_text().splitlines())
        return [Asked(method, path, int(status)) for method, path, status in lines]

    def forget(self) -> None:
        assert self.log is not None
        self.log.write_bytes(b"")


@contextlib.contextmanager
def nginx(
    web: Path, home: Path, text: str, *, port: int | None = None, tls: Certificates | None = None
) -> Iterator[Site]:
    """nginx with *text*, a configuration of ours, as it would include it from ``conf.d``; with *tls*, on HTTPS."""
    program = programs.find("nginx")
    home.mkdir(parents=True)
    port = port or free_port()
    listen = f"listen 127.0.0.1:{port};"
    if tls is not None:
        listen = f"listen 127.0.0.1:{port} ssl; ssl_certificate {tls.server}; ssl_certificate_key {tls.server_key};"
    site = documents.fill(text, ("listen 80;", listen), ("root /srv/pypi/web;", f"root {web};"))
    types = Path("/etc/nginx/mime.types")
    (home / "nginx.conf").write_text(
        f"master_process off; daemon off; pid {home}/pid; error_log stderr;\n"
        "events { worker_connections 256; }\n"
        "http {\n"
        + (f"include {types};\n" if types.exists() else "")
        + "default_type application/octet-stream; types_hash_max_size 4096;\n"
        + "".join(f"{kind}_temp_path {home}/{kind};\n" for kind in _TEMPORARY)
        + "log_format plain '$request_method $request_uri $status';\n"
        f"access_log {home}/access.log plain;\n{site}}}\n"
    )
    command = [program, "-e", "stderr", "-p", str(home), "-c", str(home / "nginx.conf")]
    with running(command, port, home):
        yield Site(port, home / "access.log")


_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextlib.contextmanager
def caddy(web: Path, home: Path, text: str) -> Iterator[Site]:
    """Caddy with *text*, a site of ours. Its administration endpoint, on a fixed port, stays off."""
    program = str(programs.tool("caddy") / "caddy")
    home.mkdir(parents=True)
    port = free_port()
    site = documents.fill(
        text, ("pypi.example.org {", f"http://127.0.0.1:{port} {{"), ("root * /srv/pypi/web", f"root * {web}")
    )
    (home / "Caddyfile").write_text("{\n\tadmin off\n\tpersist_config off\n}\n" + site)
    with running([program, "run", "--config", str(home / "Caddyfile"), "--adapter", "caddyfile"], port, home):
        yield Site(port)


@contextlib.contextmanager
def python(web: Path, home: Path) -> Iterator[Site]:
    """Python's own web server, which serves HTML alone."""
    home.mkdir(parents=True)
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(web), str(port)]
    with running(command, port, home):
        yield Site(port)


def documented_nginx(chained: bool = False) -> str:
    """The configuration of the page on nginx; *chained* with the line that the page on chains adds."""
    whole, _ = documents.blocks("nginx.md", "nginx")
    if chained:
        [line] = documents.blocks("chain.md", "nginx")
        [place] = re.findall(r"^ *location ~ \^/pypi/.*\n", whole, re.M)
        whole = documents.fill(whole, (place, place + line))
    return whole


def plainest_nginx() -> str:
    """The plainest configuration of the page on nginx."""
    _, plain = documents.blocks("nginx.md", "nginx")
    return plain


def documented_caddy() -> str:
    """The configuration of the page on Caddy."""
    [whole] = documents.blocks("caddy.md", "caddy")
    return whole


def free_port() -> int:
    """A port that nobody listens on; whoever begins to within the next moments may be first."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(command: list[str], port: int, home: Path, **environment: str) -> Iterator[None]:
    """A program that serves on *port*, from when it takes connections on; what it says is in ``home/output``."""
    with (home / "output").open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=programs.environment(home, **environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, port, home)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process: subprocess.Popen[bytes], port: int, home: Path) -> None:
    """Until the server takes connections: neither program says when it does."""
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, (home / "output").read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, (home / "output").read_text()
            time.sleep(0.02)
        else:
            return
