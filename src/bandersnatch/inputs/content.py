"""The text of a file that somebody named: bounded, decoded, and never a device or a pipe."""

from __future__ import annotations

import codecs
import os
import re
import stat
from pathlib import Path

from bandersnatch.errors import Problem, UsageError

MAX_SIZE = 64 * 1024 * 1024
"""The largest file that is read, in bytes: the locks of large applications have some megabytes."""

# As pip has them: Windows' editors and shells write UTF-16. UTF-32's mark begins with UTF-16's, so it comes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"coding[:=]\s*([-\w.]+)")
"""In a comment on one of the first two lines (PEP 263)."""


def text_of(path: Path) -> str:
    """
    The text of the regular file *path*, without a byte order mark. Raises UsageError.

    It is in the encoding that its mark shows or a comment declares, or in UTF-8. Whoever reads it, in whatever locale.
    """
    try:
        data = _bytes_of(path)
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror or error}") from error
    mark, encoding = next((pair for pair in _MARKS if data.startswith(pair[0])), None) or (b"", _declared(data, path))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        declare = ", or add # coding: latin-1" if encoding == "utf-8" and not mark else ""
        message = f"is not text in {encoding.upper()}: save it as UTF-8{declare}"
        raise UsageError(Problem(message, str(path), line)) from error
    if "\0" in text:
        raise _unusable(path, "holds NUL bytes: it is not a text file")
    return text


def _declared(data: bytes, path: Path) -> str:
    """The encoding that a comment declares, as for Python and pip; UTF-8 without one."""
    for number, line in enumerate(data.split(b"\n", 2)[:2], 1):
        found = _DECLARED.search(line) if line.startswith(b"#") else None
        if found is None:
            continue
        encoding = found[1].decode("ascii")
        try:
            if found[0].decode(encoding) == found[0].decode("ascii"):
                return encoding
        except (LookupError, UnicodeError):
            pass
        raise UsageError(Problem("declares an encoding in which it cannot be: save it as UTF-8", str(path), number))
    return "utf-8"


def _bytes_of(path: Path) -> bytes:
    if "\0" in str(path):
        raise _unusable(path, "is not a path: it holds a NUL byte")
    # Opening a pipe would wait for its other end.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _unusable(path, "is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_SIZE + 1)
    finally:
        os.close(descriptor)
    if len(data) > MAX_SIZE:
        raise _unusable(path, f"is larger than {MAX_SIZE // 1024**2} MiB")
    return data


def _unusable(path: Path, message: str) -> UsageError:
    return UsageError(Problem(message, str(path)))
