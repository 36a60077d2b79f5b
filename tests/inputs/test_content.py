"""Reading a file at all."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest

from bandersnatch.errors import UsageError
from bandersnatch.inputs import content, files


@pytest.mark.parametrize(
    "data",
    [
        b"six\nidna",
        codecs.BOM_UTF8 + b"six\nidna",
        codecs.BOM_UTF16_LE + "six\r\nidna".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "six\nidna".encode("utf-16-be"),
        codecs.BOM_UTF32_LE + "six\nidna".encode("utf-32-le"),
        codecs.BOM_UTF32_BE + "six\nidna".encode("utf-32-be"),
        "# -*- coding: latin-1 -*-\nsix  # caf\xe9\nidna".encode("latin-1"),
        "# made\n# vim: set fileencoding=cp1252 :\nsix  # \u201cx\u201d\r\nidna".encode("cp1252"),
        "#coding=gbk\nsix # \u4e2d\u6587\nidna".encode("gbk"),
        codecs.BOM_UTF8 + "# coding: latin-1\nsix # \xe9\nidna".encode(),
        b"# encoding: utf8\nsix\nidna",
        "six\n# coding of the third line: nonsense\nidna # \xe9".encode(),
        b"six # coding: nonsense\nidna",
    ],
)
def test_encodings(data: bytes, tmp_path: Path) -> None:
    """As pip has it: what a byte order mark shows, what a comment on one of the first lines declares, else UTF-8."""
    path = tmp_path / "requirements.txt"
    path.write_bytes(data)
    assert [one.text for one in files.read(path).items] == ["six", "idna"]


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b"six\n# caf\xe9\n", "is not text in UTF-8: save it as UTF-8", 2),
        (codecs.BOM_UTF16_LE + b"abc", "is not text in UTF-16-LE", 1),
        (b"six\0", "holds NUL bytes", None),
        ("six\n".encode("utf-32-le"), "holds NUL bytes", None),
        (b"#\n# coding: ascii\n# caf\xe9\n", "is not text in ASCII: save it as UTF-8", 3),
        (b"# coding: none\nsix", "declares an encoding in which it cannot be", 1),
        (b"#\n# coding: utf-16\nsix", "declares an encoding in which it cannot be", 2),
        (b"# coding: zip\nsix", "declares an encoding in which it cannot be", 1),
        (b"# coding: punycode\n" + b"9a9b" * 1_000_000, "declares an encoding in which it cannot be", 1),
    ],
)
def test_not_text(data: bytes, message: str, line: int | None, tmp_path: Path) -> None:
    """What is no text is refused, with the line where it stops to be."""
    path = tmp_path / "requirements.txt"
    path.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        files.read(path)
    [problem] = caught.value.problems
    assert message in problem.message
    assert (problem.file, problem.line) == (str(path), line)


def test_not_a_file(tmp_path: Path) -> None:
    """What is not there, a folder, a pipe, a device, and what is no path, are refused; nobody waits."""
    os.mkfifo(tmp_path / "pipe")
    for path in (
        tmp_path / "none",
        tmp_path,
        tmp_path / "pipe",
        Path("/dev/null"),
        tmp_path / "a\0b",
        tmp_path / "x" / "y",
    ):
        with pytest.raises(UsageError) as caught:
            files.read(path)
        assert caught.value.problems[0].file == str(path)


def test_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is read up to the limit, and refused if it is one byte larger."""
    assert content.MAX_SIZE == 64 * 1024 * 1024
    monkeypatch.setattr(content, "MAX_SIZE", 1024 * 1024)
    path = tmp_path / "requirements.txt"
    path.write_bytes(b"six\n".ljust(1024 * 1024))
    assert [one.text for one in files.read(path).items] == ["six"]
    path.write_bytes(b"six\n".ljust(1024 * 1024 + 1))
    with pytest.raises(UsageError, match="is larger than 1 MiB"):
        files.read(path)


def test_no_file_stays_open(tmp_path: Path) -> None:
    """Whatever is wrong with a file, it is closed."""
    before = len(os.listdir("/proc/self/fd"))
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(UsageError):
            files.read(path)
    assert len(os.listdir("/proc/self/fd")) == before
