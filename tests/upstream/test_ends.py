"""Where a page ends: what is known of it when its HTML does not say."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from bandersnatch.errors import BadContent
from bandersnatch.model import Validators
from tests.upstream.asking import ask

PAGE = f"<!DOCTYPE html><html><body><a href='foo-1.zip#sha256={'a' * 64}'>foo-1.zip</a>".encode()
PACKED = gzip.compress(PAGE)


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The address of a server that gives one *answer*, and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/simple/"
        thread.join()


def answer(body: bytes, *headers: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"HTTP/{version} 200 OK", "Content-Type: text/html", *headers, "", ""]).encode() + body


@pytest.mark.parametrize(
    "told",
    [
        answer(PAGE, f"Content-Length: {len(PAGE)}"),
        answer(PAGE, f"Content-Length: {len(PAGE)}", version="1.0"),
        answer(b"%x\r\n%b\r\n0\r\n\r\n" % (len(PAGE), PAGE), "Transfer-Encoding: chunked"),
        answer(PACKED, "Content-Encoding: gzip"),
        answer(PAGE + b"</html>", version="1.0"),
    ],
    ids=["length", "length, HTTP/1.0", "chunks", "gzip", "its own end"],
)
def test_a_page_that_came_whole(told: bytes) -> None:
    """A page without ``</html>`` is whole where its transfer says so, and with it where only the page can say."""
    with answering(told) as url:
        fetched = ask(url, lambda upstream: upstream.project("foo", Validators(), at_least=None), allow_http=True)
    assert fetched is not None
    assert [file.filename for file in fetched.project.files] == ["foo-1.zip"]


def test_a_page_of_which_nobody_knows() -> None:
    """Where neither the page nor its transfer says that all came, it is not believed, and the message says why."""
    with answering(answer(PAGE, version="1.0")) as url, pytest.raises(BadContent, match="no </html>, and the answer"):
        ask(url, lambda upstream: upstream.project("foo", Validators(), at_least=None), allow_http=True)
