"""Files that an operator named for us to write: a copy, a report, a list, a log.

There is one way for all of them, so that none takes the place of anything else: nothing is there yet, or a regular file
of the same kind; a device, a pipe, a link, somebody's letter and what the mirror itself lives from are refused.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bandersnatch import layout
from bandersnatch.errors import UsageError
from bandersnatch.storage.oserrors import translated
from bandersnatch.values import Struct

_SOME = 4096
"""Bytes that are enough to tell what a file is."""

_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""What was a regular file a moment ago might be a pipe now, whose opening would wait."""
_LOG_MODE = 0o640
"""Before the umask: what upstream or a disk said is for who runs the mirror and who belongs to its group."""

_KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


class Kind(Struct, frozen=True):
    """What we write, and how it is known again."""

    name: str
    """As in "it is no …"."""
    is_ours: Callable[[bytes], bool]
    """By its first bytes; an empty file is anybody's."""
    is_public: bool = False
    """Whether it is made to be served with the pages."""


def check(path: Path, kind: Kind, mirror: str) -> None:
    """Raises UsageError unless *path* may be written as a file of this *kind*, by the mirror in the folder *mirror*."""
    _refuse_the_mirrors_own(path, kind, mirror)
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode):
            raise _refused(path, f"is {_KINDS[stat.S_IFMT(mode)]}", kind)
        fd = os.open(path, _READ)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; choose another name") from error
    try:
        _check_content(fd, path, kind)
    finally:
        os.close(fd)


@contextmanager
def replacing(path: Path, kind: Kind, mirror: str) -> Iterator[Path]:
    """
    Where to make a new file, which takes the place of *path* at the end of the block, durably, or not at all.

    Raises as ``check`` does, before the block and after it, and StorageError.
    """
    check(path, kind, mirror)
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it, or choose another name")
    with translated(None, str(path)):
        # A folder that nobody else may enter, so nobody can lead the new file astray, and no name of others is taken.
        place = tempfile.TemporaryDirectory(prefix=".bandersnatch-", dir=path.parent, ignore_cleanup_errors=True)
    with place as folder:
        new = Path(folder, path.name)
        yield new
        check(path, kind, mirror)
        with translated(None, str(path)):
            _sync(new)
            os.rename(new, path)
            _sync(path.parent)


def appending(path: str, kind: Kind, mirror: str) -> int:
    """A descriptor for appending to *path*, which is made if it is not there. Raises as ``check`` does, and OSError."""
    check(Path(path), kind, mirror)
    fd = os.open(path, _APPEND, _LOG_MODE)
    try:
        _check_content(fd, Path(path), kind)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _check_content(fd: int, path: Path, kind: Kind) -> None:
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        raise _refused(path, f"is {_KINDS[stat.S_IFMT(mode)]}", kind)
    begin = os.pread(fd, _SOME, 0)
    if begin and not kind.is_ours(begin):
        raise _refused(path, "is there", kind)


def _refuse_the_mirrors_own(path: Path, kind: Kind, mirror: str) -> None:
    """
    Nothing in the state of any mirror, and nothing of what this one publishes, though it may not be there yet.

    What is made to be served may lie beside that.
    """
    home = Path(os.path.realpath(mirror))
    place = Path(os.path.realpath(path.parent), path.name)
    with suppress(ValueError):
        first, *rest = place.relative_to(home).parts
        if first == "state" or (first == "web" and (not rest or layout.is_taken(rest[0]))):
            raise UsageError(f"{path} is where the mirror has its own files: nothing was written; choose another name")
        if first == "web" and not kind.is_public:
            raise UsageError(
                f"{path} is where the mirror publishes, so every client could read it: nothing was written; "
                f"choose a place outside {home / first}"
            )
    if (place.parent / "lock").exists() and (place.parent / "catalogue.sqlite").exists():
        raise UsageError(f"{path} is where another mirror has its own files: nothing was written; choose another name")


def _refused(path: Path, what: str, kind: Kind) -> UsageError:
    return UsageError(f"{path} {what}, and is no {kind.name}: it was left as it is; choose another name")


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
