"""A mirror's directory behind HTTP on this machine's loopback interface, for as long as it is proved. Read only."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from bandersnatch.simple import JSON

HOST = "127.0.0.1"
_KINDS = {".v1_json": JSON, ".html": "text/html"}


@contextmanager
def serve(web: Path) -> Iterator[str]:
    """Serve *web*, a mirror's output; gives the URL of its list of projects."""
    server = _Server(web.resolve())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/simple/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__((HOST, 0), _Handler)
        self.root = root

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves early is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Answer with a page or a file."""
        path = self._path()
        if path is None:
            self._head(404, "text/plain", 0)
        else:
            self._send(path)

    do_HEAD = do_GET  # noqa: N815  # the name that http.server looks for

    def log_message(self, *_: object) -> None:
        """Nobody reads a log of this."""

    def _path(self) -> Path | None:
        """The file that is asked for, if it is there and below the root, whatever links lead to."""
        path = self.server.root / unquote(self.path.partition("?")[0]).lstrip("/")
        if self.path.partition("?")[0].endswith("/"):
            path /= "index.v1_json" if JSON in self.headers.get("Accept", "") else "index.html"
        try:
            path = path.resolve(strict=True)
        except (OSError, ValueError):
            return None
        return path if path.is_file() and path.is_relative_to(self.server.root) else None

    def _send(self, path: Path) -> None:
        with path.open("rb") as stream:
            self._head(200, _KINDS.get(path.suffix, "application/octet-stream"), path.stat().st_size)
            if self.command == "GET":
                shutil.copyfileobj(stream, self.wfile)

    def _head(self, status: int, kind: str, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()
