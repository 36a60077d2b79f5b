from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from bandersnatch.testing import UpstreamServer

from .client import ask

CONTENT = bytes(range(100))


def upload(server: UpstreamServer) -> str:
    """The path of a file of 100 bytes."""
    return server.index.upload("foo", "1", content=CONTENT).path


def test_whole_file(server: UpstreamServer) -> None:
    """PyPI's file host: for ever cacheable, ranges offered, facts in headers, never 304, never compressed."""
    path = upload(server)
    answer = ask(server, path, accept_encoding="gzip")
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["cache-control"] == "max-age=365000000, immutable, public"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-pypi-file-project"] == "foo"
    assert answer.headers["x-pypi-file-package-type"] == "bdist_wheel"
    assert "content-encoding" not in answer.headers
    assert ask(server, path, if_none_match=answer.headers["etag"]).status == 200
    assert ask(server, path, if_modified_since=answer.headers["last-modified"]).status == 200


@pytest.mark.parametrize(
    ("wanted", "status", "place", "body"),
    [
        ("bytes=10-19", 206, "bytes 10-19/100", CONTENT[10:20]),
        ("bytes=90-", 206, "bytes 90-99/100", CONTENT[90:]),
        ("bytes=90-500", 206, "bytes 90-99/100", CONTENT[90:]),
        ("bytes=-5", 206, "bytes 95-99/100", CONTENT[95:]),
        ("bytes=-500", 206, "bytes 0-99/100", CONTENT),
        ("bytes=100-", 416, "bytes */100", b""),
        ("bytes=-0", 416, "bytes */100", b""),
        ("bytes=20-10", 200, None, CONTENT),
        ("bytes=0-1,5-6", 200, None, CONTENT),
        ("lines=0-1", 200, None, CONTENT),
        ("bytes=-", 200, None, CONTENT),
    ],
)
def test_ranges(server: UpstreamServer, wanted: str, status: int, place: str | None, body: bytes) -> None:
    """One range, suffixes too; what cannot be satisfied is 416; what is no range, or several, is the whole file."""
    answer = ask(server, upload(server), range=wanted)
    assert (answer.status, answer.headers.get("content-range"), answer.body) == (status, place, body)


def test_if_range(server: UpstreamServer) -> None:
    """A part is sent only of the file that the client has begun with, known by ETag or date."""
    path = upload(server)
    known = ask(server, path).headers
    statuses = {
        condition: ask(server, path, range="bytes=50-", if_range=condition).status
        for condition in (known["etag"], known["last-modified"], '"other"', f"W/{known['etag']}")
    }
    assert list(statuses.values()) == [206, 206, 200, 200]


def test_head_and_options(server: UpstreamServer) -> None:
    """HEAD tells length and ranges, as lazy readers of wheels need it; OPTIONS is allowed."""
    path = upload(server)
    head = ask(server, path, "HEAD")
    assert (head.status, head.headers["content-length"], head.headers["accept-ranges"]) == (200, "100", "bytes")
    assert ask(server, path, "OPTIONS").status == 204
    assert ask(server, path, "PUT", b"x").status == 405


def test_ranges_can_be_off(server: UpstreamServer) -> None:
    """ranges=False: not offered, and the whole file is sent."""
    server.behaviour = replace(server.behaviour, ranges=False)
    answer = ask(server, upload(server), range="bytes=10-19")
    assert (answer.status, answer.body, "accept-ranges" in answer.headers) == (200, CONTENT, False)


def test_core_metadata_is_beside_the_file(server: UpstreamServer) -> None:
    """PEP 658: for wheels, byte for byte; gzip for who asks; 404 for sdists and where it is switched off."""
    wheel, sdist = server.index.upload("foo", "1"), server.index.upload("foo", "1", "sdist")
    bare = server.index.upload("foo", "2", core_metadata=False)
    assert ask(server, wheel.path + ".metadata").body == wheel.metadata
    packed = ask(server, wheel.path + ".metadata", accept_encoding="gzip")
    assert gzip.decompress(packed.body) == wheel.metadata
    assert ask(server, wheel.path + ".metadata", range="bytes=0-7", accept_encoding="gzip").body == b"Metadata"
    assert ask(server, sdist.path + ".metadata").status == 404
    assert ask(server, bare.path + ".metadata").status == 404
    server.behaviour = replace(server.behaviour, core_metadata=False)
    assert ask(server, wheel.path + ".metadata").status == 200


def test_upload_time_need_not_be_a_date(server: UpstreamServer) -> None:
    """A hostile upload time stands on the page to the letter, and the file is served all the same."""
    file = server.index.upload("foo", "1", upload_time="yesterday")
    answer = ask(server, file.path)
    assert (file.upload_time, answer.body) == ("yesterday", file.content)
    assert answer.headers["last-modified"] == "Wed, 01 Jan 2020 00:00:00 GMT"


@pytest.mark.parametrize("how", ["file", "release", "project", "quarantine"])
def test_files_that_no_page_lists_are_still_there(server: UpstreamServer, how: str) -> None:
    """As on PyPI, neither removal nor quarantine touches the file host."""
    path = upload(server)
    match how:
        case "file":
            server.index.remove_file("foo-1-py3-none-any.whl")
        case "release":
            server.index.remove_release("foo", "1")
        case "project":
            server.index.remove_project("foo")
        case "quarantine":
            server.index.quarantine("foo")
    assert ask(server, path).body == CONTENT


@pytest.mark.parametrize("filename", ["foo 1.whl", "föö-1.zip", "foo-1+a!2.tar.gz", "foo%2Fbar-1.zip", "a#b?c.egg"])
def test_odd_filenames_have_working_links(server: UpstreamServer, filename: str) -> None:
    """Whatever a file is called, the link that the page has leads to it."""
    file = server.index.upload("foo", "1", filename=filename, content=filename.encode())
    assert ask(server, server.url_of(file)).body == filename.encode()
