"""What the pages of old trees promise, whatever is in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandersnatch.adopt import pages

SHA256 = "0" * 64
MD5 = "1" * 32


def test_html() -> None:
    """The links of a page promise an MD5, or a SHA-256, and say where the file is."""
    body = (
        f'<a href="../../packages/source/a/alpha/alpha-1.0.tar.gz#md5={MD5}" rel="internal">alpha-1.0.tar.gz</a>'
        f'<a href="https://files.example.org/packages/aa/bb/cc/alpha%2B1-1.0.zip#sha256={SHA256}">x</a>'
    )
    found = pages.read("simple/alpha/index.html", body.encode())
    assert {name: (one.md5, one.sha256, one.path) for name, one in found.items()} == {
        "alpha-1.0.tar.gz": (MD5, "", "packages/source/a/alpha/alpha-1.0.tar.gz"),
        "alpha+1-1.0.zip": ("", SHA256, "packages/aa/bb/cc/alpha+1-1.0.zip"),
    }


@pytest.mark.parametrize("time", ["2013-04-09T22:46:24", "2013-04-09T22:46:24.000000Z", "2013-04-09T22:46:24+00:00"])
def test_older_json(time: str) -> None:
    """PyPI's older JSON promises size and time, in each spelling that it had."""
    entry = {"filename": "a-1.zip", "url": "/packages/a-1.zip", "digests": {"md5": MD5}, "size": 3, "upload_time": time}
    found = pages.read("json/a", json.dumps({"releases": {"1": [entry]}}).encode())
    assert (found["a-1.zip"].size, found["a-1.zip"].time, found["a-1.zip"].md5) == (3, 1365547584.0, MD5)


@pytest.mark.parametrize(
    "url",
    ["../../packages/../../etc/a-1.zip", "packages//a-1.zip", "xpackages/a-1.zip", "/elsewhere/a-1.zip", "//[", ""],
)
def test_paths_lead_nowhere_else(url: str) -> None:
    """A link to anywhere but below packages/ says nothing about a place."""
    entry = {"filename": "a-1.zip", "url": url, "hashes": {"sha256": SHA256}}
    found = pages.read("p", json.dumps({"files": [entry]}).encode())
    assert not found or found["a-1.zip"].path == ""


KEYS = st.sampled_from(["files", "releases", "url", "hashes", "digests", "filename", "size", "upload-time", "x"])
ODD = st.recursive(
    st.none() | st.integers() | st.text() | KEYS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)
)


@settings(max_examples=60)
@given(st.binary() | st.text().map(str.encode) | ODD.map(lambda value: json.dumps(value).encode()))
def test_anything(body: bytes) -> None:
    """Whatever a page holds, reading it raises nothing, and what it promises looks like a name, a digest, a path."""
    for filename, promise in pages.read("p", body).items():
        assert "/" not in filename
        assert len(promise.sha256) in (0, 64)
        assert ".." not in promise.path.split("/")
