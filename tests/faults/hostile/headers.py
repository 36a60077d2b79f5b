"""Hostile headers and heads: of pages, of files, of anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from bandersnatch.simple import JSON
from bandersnatch.testing import Body, Raw, Redirect, Status
from tests.faults.hostile.rows import Row
from tests.faults.hostile.scene import Scene

Arrange = Callable[[Scene], object]


def _page(scene: Scene) -> bytes:
    files = [scene.entry(scene.first), scene.entry()]
    meta = {"api-version": "1.1", "_last-serial": scene.upstream.index.serial}
    return json.dumps({"meta": meta, "name": "bad", "files": files}).encode()


def with_headers(headers: Mapping[str, str], content_type: str = JSON) -> Arrange:
    """The right page with these headers."""
    return lambda scene: scene.says(_page(scene), headers=headers, content_type=content_type)


def raw(head: str, *, body: bool = True, tail: bytes = b"") -> Arrange:
    """The right page behind this head, byte for byte; ``{length}`` is its length."""

    def arrange(scene: Scene) -> None:
        page = _page(scene)
        first = head.format(length=len(page), json=JSON).replace("\n", "\r\n").encode("latin-1")
        scene.always("/simple/bad/", Raw(first + (page if body else b"") + tail))

    return arrange


def of_the_file(headers: Mapping[str, str], status: int = 200) -> Arrange:
    """The new file with these headers."""
    return lambda scene: scene.always(
        "/packages/*/bad-2.0*.whl", Body(scene.new.content, "application/zip", headers, status)
    )


OK = "HTTP/1.1 200 OK\nConnection: close\nContent-Type: {json}\n"
"""It is closed behind each raw answer: whoever is not told may ask the next question into a connection that is gone."""
SMUGGLED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
NO_HTTP = "what was answered is not HTTP|cut before|no bytes for"
TOO_LARGE = "the head of the answer is too large"

ROWS = (
    Row("headers:two-lengths", raw(OK + "Content-Length: {length}\nContent-Length: 1\n\n"), "behind", NO_HTTP),
    Row("headers:negative-length", raw(OK + "Content-Length: -1\n\n"), "behind", NO_HTTP),
    Row("headers:huge-length", raw(OK + "Content-Length: 99999999999\n\n"), "behind", "longer than"),
    Row(
        "headers:length-and-chunks",
        raw(OK + "Content-Length: {length}\nTransfer-Encoding: chunked\n\n"),
        "behind",
        NO_HTTP,
    ),
    Row("headers:second-answer", raw(OK + "Content-Length: {length}\n\n", tail=SMUGGLED), "taken"),
    Row("headers:no-http", raw("SSH-2.0-OpenSSH_9.2\n\n"), "behind", NO_HTTP),
    Row("headers:http-0.9", raw("", tail=b""), "behind", NO_HTTP),
    Row("headers:10000-headers", raw(OK + "X-A: b\n" * 10_000 + "Content-Length: {length}\n\n"), "behind", TOO_LARGE),
    Row(
        "headers:1-MiB-header",
        raw(OK + f"X-A: {'b' * (1 << 20)}\n" + "Content-Length: {length}\n\n"),
        "behind",
        TOO_LARGE,
    ),
    Row("headers:nul-in-value", raw(OK + "X-A: a\0b\nContent-Length: {length}\n\n"), "behind", NO_HTTP),
    Row(
        "headers:interim-10000",
        raw("HTTP/1.1 103 Early Hints\nLink: x\n\n" * 10_000 + OK + "Content-Length: {length}\n\n"),
        "taken",
    ),
    Row("headers:two-codings", with_headers({"Content-Encoding": "gzip, gzip, gzip"}), "behind", "was not asked for"),
    Row("headers:many-codings", with_headers({"Content-Encoding": "gzip," * 5_000}), "behind", "was not asked for"),
    Row("headers:unasked-coding", with_headers({"Content-Encoding": "br"}), "behind", "was not asked for"),
    Row("headers:gzip-that-is-none", with_headers({"Content-Encoding": "gzip"}), "behind", "not gzip"),
    Row("headers:odd-type", with_headers({}, "text/html; charset=utf-7\x7f"), "behind", ""),
    Row("headers:no-index-type", with_headers({}, "application/json"), "behind", "not an index"),
    Row("headers:serial-2-63", with_headers({"X-PyPI-Last-Serial": str(2**63)}), "taken"),
    Row("headers:serial-a-word", with_headers({"X-PyPI-Last-Serial": "../../x"}), "taken"),
    Row("headers:etag-100-kB", with_headers({"ETag": '"' + "x" * 100_000 + '"'}), "taken"),
    Row("headers:etag-no-ascii", raw(OK + 'ETag: "\u00e9"\nContent-Length: {length}\n\n'), "taken"),
    Row("headers:last-modified-a-word", with_headers({"Last-Modified": "yesterday"}), "taken"),
    Row("headers:cookie", with_headers({"Set-Cookie": "a=b; Domain=127.0.0.1"}), "taken"),
    Row(
        "headers:retry-after-a-word", lambda s: s.always("/simple/bad/", Status(429, "-1; drop")), "behind", "slow down"
    ),
    Row(
        "headers:retry-after-the-past",
        lambda s: s.always("/simple/bad/", Status(503, "Mon, 01 Jan 0001 00:00:00 GMT")),
        "behind",
        "fault",
    ),
    Row("headers:location-empty", lambda s: s.always("/simple/bad/", Redirect("")), "behind", "redirects to nowhere"),
    Row(
        "headers:location-odd",
        lambda s: s.always("/simple/bad/", Redirect("http://[::1")),
        "behind",
        "redirects to nowhere",
    ),
    Row("headers:range-not-asked", of_the_file({"Content-Range": "bytes 5-9/10"}, 206), "partial", ""),
    Row("headers:file-coded", of_the_file({"Content-Encoding": "gzip"}), "taken"),
    Row("headers:disposition", of_the_file({"Content-Disposition": "attachment; filename=../../../canary/x"}), "taken"),
    Row(
        "headers:status-999",
        raw("HTTP/1.1 999 Odd\nConnection: close\nContent-Length: 0\n\n", body=False),
        "behind",
        "no place here|not HTTP|fault",
    ),
)
