"""Hooks that are URLs: what is sent, in which parts, and what no message may say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from bandersnatch.assemble import notifying
from bandersnatch.config.load import load
from bandersnatch.hooks import lists
from bandersnatch.hooks import url as module
from bandersnatch.hooks.base import Form, Hook, Lists, Result
from bandersnatch.hooks.url import Sender, UrlCaller
from bandersnatch.upstream import sender
from bandersnatch.upstream.settings import Settings
from tests.hooks.samples import told, url

SECRET = "T0KEN"


class Service:
    """Answers POSTs, and remembers them."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 204
        self.answer = b""
        self.go_on = Event()
        self.go_on.set()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                service.headers.append({name.lower(): value for name, value in self.headers.items()})
                service.go_on.wait(30)
                self.send_response(service.status)
                self.send_header("location", f"{service.url}elsewhere")
                self.send_header("content-length", str(len(service.answer)))
                self.end_headers()
                self.wfile.write(service.answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/{SECRET}?key={SECRET}"


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    thread = Thread(target=service.server.serve_forever, args=(0.01,))
    thread.start()
    yield service
    service.go_on.set()
    service.server.shutdown()
    thread.join()
    service.server.server_close()


def call(hook: Hook, made: Lists | None = None) -> Result:
    def open_sender(hook: Hook, headers: dict[str, str]) -> Sender:
        assert hook.url is not None
        settings = Settings(url=hook.url.split("/hooks")[0], user_agent="bandersnatch/test", tries=1)
        return sender.Sender(hook.url, hook.target, headers, settings)

    return asyncio.run(UrlCaller(open_sender).call(hook, told("behind", "one is"), made))


def test_document(service: Service, tmp_path: Path) -> None:
    """One POST with the document, the operator's headers, and the token from its file."""
    (tmp_path / "token").write_text(f"{SECRET}\n")
    hook = url(service.url, headers={"X-Who": "mirror"}, token_file=str(tmp_path / "token"))
    assert call(hook) == Result()
    [body], [headers] = service.bodies, service.headers
    assert (body["hook"], body["run"]["outcome"], body["previous_outcome"]) == ("demo", "behind", "behind")
    assert "lists" not in body
    assert (headers["x-who"], headers["authorization"]) == ("mirror", f"Bearer {SECRET}")
    assert headers["content-type"] == "application/json"


def test_parts(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long lists are sent in parts, each of which says which it is."""
    monkeypatch.setattr(module, "BATCH", 2)
    queue = tmp_path / "queue"
    queue.write_text("".join(f"+k{number}\n" for number in range(5)))
    made = lists.write(queue, lists.naming(Form.KEYS, tmp_path, ""), lambda key: key != "k4", tmp_path)
    assert call(url(service.url), made) == Result()
    assert [body["lists"] for body in service.bodies] == [
        {"part": 1, "parts": 3, "changed": ["k0", "k1"], "removed": []},
        {"part": 2, "parts": 3, "changed": ["k2", "k3"], "removed": []},
        {"part": 3, "parts": 3, "changed": [], "removed": ["k4"]},
    ]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_refused(service: Service, tmp_path: Path, status: int) -> None:
    """Any answer but 2xx is a failure, nothing is sent after it, and no redirect is followed."""
    service.status = status
    queue = tmp_path / "queue"
    queue.write_text("".join(f"+k{number}\n" for number in range(2001)))
    made = lists.write(queue, lists.naming(Form.KEYS, tmp_path, ""), lambda _: True, tmp_path)
    result = call(url(service.url), made)
    assert str(status) in result.problem or "redirect" in result.problem
    assert len(service.bodies) == 1
    assert SECRET not in repr(result)


def test_hangs(service: Service) -> None:
    """A service that does not answer costs the time limit and no more."""
    service.go_on.clear()
    assert call(url(service.url, timeout=0.3)).problem == "it took longer than 0.3 s"


def test_floods(service: Service) -> None:
    """Of an answer only the beginning is read."""
    service.status, service.answer = 200, b"x" * 1_000_000
    result = call(url(service.url))
    assert result.problem == ""
    assert len(result.output) == sender.READ


def test_nobody_there(service: Service) -> None:
    """A service that cannot be reached is named by its host, without what may be secret in its address."""
    address = "http://127.0.0.1:9/hooks/" + SECRET
    result = call(url(address))
    assert "http://127.0.0.1:9/***" in result.problem
    assert SECRET not in result.problem


def test_no_token(service: Service, tmp_path: Path) -> None:
    """A token's file that cannot be read is the problem, and nothing is sent."""
    result = call(url(service.url, token_file=str(tmp_path / "missing")))
    assert "missing" in result.problem
    assert service.bodies == []


def test_plain_http() -> None:
    """Nothing is sent unencrypted to another machine."""
    result = call(url(f"http://alarm.example.org/hooks/{SECRET}"))
    assert "plain http" in result.problem
    assert SECRET not in result.problem


@pytest.mark.parametrize("token", [b"\xff\xfe", b"two\nlines" + SECRET.encode(), b"", b"two words"])
def test_what_is_no_token(token: bytes, service: Service, tmp_path: Path) -> None:
    """A file that holds no token is the problem, none of its content is told, and nothing is sent."""
    (tmp_path / "token").write_bytes(token)
    result = call(url(service.url, token_file=str(tmp_path / "token")))
    assert "a token is one line" in result.problem
    assert SECRET not in result.problem
    assert service.bodies == []


def test_an_address_that_there_cannot_be() -> None:
    """A host that no machine can have is a failure of the hook, and not of the run."""

    def open_sender(hook: Hook, headers: dict[str, str]) -> Sender:
        settings = notifying._settings(hook.url or "", load(None, {}, {"select.everything": True}).config)
        return sender.Sender(hook.url or "", hook.target, headers, settings)

    result = asyncio.run(UrlCaller(open_sender).call(url(f"https://1.2.3.999/{SECRET}"), told(), None))
    assert result == Result("the host in the URL is not an address in its usual form")
