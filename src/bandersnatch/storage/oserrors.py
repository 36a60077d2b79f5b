"""The system's errors in the words of this program: what happened, to which object, where, and what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from bandersnatch.errors import NotDurable, OutOfSpace, StorageError

_IN_THE_WAY = "below web/ and state/ only real folders are entered, no symbolic link: put the folder itself there"
_NOT_ALLOWED = "give the mirror's directory to the user that runs bandersnatch"
_ADVICE = {
    errno.ENOSPC: "make room on this file system, or move the mirror to a larger one",
    errno.EDQUOT: "raise the quota of the user that runs bandersnatch",
    errno.EXDEV: "put state/ and web/, with all that is below them, on one file system and in one mount",
    errno.EROFS: "mount the file system writable; if it was, look for disk errors in the kernel's log",
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EIO: "look for disk errors in the kernel's log, then run: bandersnatch mirror --full",
    errno.ENAMETOOLONG: "leave this project or file out, or use a file system that holds longer names",
    errno.ENOTDIR: _IN_THE_WAY,
    errno.ELOOP: _IN_THE_WAY,
    errno.EISDIR: "a folder is where the object belongs: remove it",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files (fs.file-max)",
    errno.ENOENT: "something else removed it, or a folder above it; run this again",
    errno.ESTALE: "look after the network file system, then run this again",
}


class translated:  # noqa: N801  # used as a function; a generator takes three times as long
    """Raises StorageError, or OutOfSpace, about *key* for an OSError at the path *place*."""

    __slots__ = ("_key", "_place")

    def __init__(self, key: str | None, place: str) -> None:
        self._key = key
        self._place = place

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, OSError):
            raise storage_error(error, self._key, self._place) from error


@contextmanager
def synchronised(key: str | None, place: str) -> Iterator[None]:
    """The same around a synchronisation: raises NotDurable, unless the disk is full."""
    try:
        yield
    except OSError as error:
        failed = storage_error(error, key, place)
        if isinstance(failed, OutOfSpace):
            raise failed from error
        raise NotDurable(str(failed), key=key, errno=failed.errno) from error


def storage_error(error: OSError, key: str | None, place: str) -> StorageError:
    """*error*, which happened to the object *key* at the path *place*, in our words."""
    number = error.errno or errno.EIO
    kind = OutOfSpace if number in (errno.ENOSPC, errno.EDQUOT) else StorageError
    about = "" if key is None else f"{key}: "
    advice = _ADVICE.get(number)
    return kind(f"{about}{os.strerror(number)} at {place}" + (f"; {advice}" if advice else ""), key=key, errno=number)
