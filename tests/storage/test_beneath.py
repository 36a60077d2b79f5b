"""Folders are opened below a root, by either way, and no symbolic link leads there or out."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bandersnatch.storage import beneath
from bandersnatch.storage.beneath import open_folder
from tests.storage.watched import path_of


@pytest.fixture(params=["at once", "one by one", "at once, refused"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A folder with folders, links and files in it."""
    if request.param != "at once":
        refuse = (lambda *_: -1) if request.param == "at once, refused" else None
        monkeypatch.setattr(beneath, "_syscall", refuse)
        monkeypatch.setattr(ctypes, "get_errno", lambda: errno.ENOSYS)
    web = tmp_path / "web"
    (web / "a/b/c").mkdir(parents=True)
    (tmp_path / "outside/b").mkdir(parents=True)
    os.mkdir(os.fsencode(web) + b"/\xff")
    (web / "file").touch()
    (web / "out").symlink_to(tmp_path / "outside")
    (web / "in").symlink_to("a")
    (web / "a/dangling").symlink_to("nowhere")
    fd = os.open(web, os.O_RDONLY)
    yield fd
    os.close(fd)


@pytest.mark.parametrize("path", ["", "a", "a/b", "a/b/c", os.fsdecode(b"\xff")])
def test_opens(root: int, path: str) -> None:
    """A folder at any depth is opened, the root itself too, and is not handed on to other programs."""
    fd = open_folder(root, path.split("/") if path else [])
    assert path_of(fd) == path_of(root) + (f"/{path}" if path else "")
    assert not os.get_inheritable(fd)
    os.close(fd)


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("x", errno.ENOENT),
        ("a/x/c", errno.ENOENT),
        ("file", errno.ENOTDIR),
        ("file/b", errno.ENOTDIR),
        ("out", errno.ENOTDIR),
        ("out/b", errno.ENOTDIR),
        ("in", errno.ENOTDIR),
        ("in/b", errno.ENOTDIR),
        ("a/dangling", errno.ENOTDIR),
        ("a/dangling/b", errno.ENOTDIR),
        ("a/" + "x" * 256, errno.ENAMETOOLONG),
    ],
)
def test_refuses(root: int, path: str, number: int) -> None:
    """What is not a folder without links raises the same error either way, and leaves nothing open."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError) as caught:
        open_folder(root, path.split("/"))
    assert caught.value.errno == number
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(os.uname().machine != "x86_64" or sys.platform != "linux", reason="which machines have the call")
def test_in_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel can, it does all of it: nothing is opened one by one."""
    (tmp_path / "a/b").mkdir(parents=True)
    root = os.open(tmp_path, os.O_RDONLY)
    monkeypatch.setattr(beneath, "_walk", None)
    fd = open_folder(root, ["a", "b"])
    assert path_of(fd) == str(tmp_path / "a/b")
    os.close(fd)
    os.close(root)


def test_closed_root() -> None:
    """A root that was closed is an error, never the working directory."""
    with pytest.raises(OSError, match="Bad file descriptor"):
        open_folder(-1, ["tmp"])
