"""An index that is made up while it is read: as large as one likes, and never in memory as a whole."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

JSON = "application/vnd.pypi.simple.v1+json"
CONTENT = b"the bytes of every file here\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
SERIAL = 5
META = f'{{"meta": {{"api-version": "1.4", "_last-serial": {SERIAL}}}'


def listing(names: int) -> Iterator[str]:
    """A list with so many projects more than ``huge`` and ``small``."""
    yield f'{META}, "projects": ['
    yield from (f'{{"name": "{name}", "_last-serial": {SERIAL}}},\n' for name in ("huge", "small"))
    yield from (f'{{"name": "project-{number}", "_last-serial": {SERIAL}}},\n' for number in range(names))
    yield f'{{"name": "zope", "_last-serial": {SERIAL}}}]}}'


def page(name: str, files: int) -> Iterator[str]:
    """A page with so many releases."""
    yield f'{META}, "name": "{name}", "files": ['
    for number in range(1, files + 1):
        filename = f"{name}-{number}.0.tar.gz"
        yield f'{{"filename": "{filename}", "url": "/packages/{number:07}/{filename}", "size": {len(CONTENT)}, '
        yield f'"hashes": {{"sha256": "{DIGEST}"}}, "requires-python": ">=3.8", "yanked": false}}'
        yield ",\n" if number < files else "]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    names = files = 0

    def do_GET(self) -> None:
        match self.path.strip("/").split("/"):
            case ["simple"]:
                self._stream(listing(self.names))
            case ["simple", "huge"]:
                self._stream(page("huge", self.files))
            case ["simple", name]:
                self._stream(page(name, 2))
            case ["packages", *_]:
                self.send_response(200)
                self.send_header("Content-Length", str(len(CONTENT)))
                self.end_headers()
                self.wfile.write(CONTENT)
            case _:
                self.send_error(404)

    def _stream(self, parts: Iterable[str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", JSON)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        rest = iter(parts)
        while some := "".join(islice(rest, 3000)).encode():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(some), some))
        self.wfile.write(b"0\r\n\r\n")

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the client has had enough
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def index(*, names: int, files: int) -> Iterator[str]:
    """The address of an index with so many *names*, in which one project, ``huge``, has so many *files*."""
    handler = type("Handler", (_Handler,), {"names": names, "files": files})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
