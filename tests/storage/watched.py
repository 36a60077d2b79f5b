"""File systems that are watched: each mutating call passes ``before``, which may record it, count it or refuse it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from threading import Lock

from bandersnatch.storage.fsops import FileSystem


def path_of(fd: int) -> str:
    """Where an open file or folder is."""
    return os.readlink(f"/proc/self/fd/{fd}")


class Quick(FileSystem):
    """Synchronises nothing: for tests that settle often and ask nothing about power cuts."""

    def fsync(self, fd: int) -> None:
        pass

    def fsync_directory(self, fd: int) -> None:
        pass

    def can_syncfs(self, fd: int) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Call:
    """One mutating call: its name, the folder whose names it changes, the inode it is about, where a rename got it."""

    name: str
    folder: str = ""
    inode: int = 0
    source: str = ""


class Watched(FileSystem):
    """Calls ``before`` and then the real thing. *whole* says whether syncfs may be used."""

    def __init__(self, *, whole: bool = False) -> None:
        self.whole = whole

    def before(self, call: Call) -> None:
        """What a subclass makes of it."""

    def open(self, name: str, flags: int, *, dir_fd: int | None = None) -> int:
        self.before(Call("open"))
        return super().open(name, flags, dir_fd=dir_fd)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        half = max(1, len(data) // 2)
        written = super().write(fd, data[:half])  # a disk takes a part before it is full, and no call takes all
        self.before(Call("write", inode=os.fstat(fd).st_ino))
        return written

    def truncate(self, fd: int, size: int) -> None:
        self.before(Call("truncate"))
        super().truncate(fd, size)

    def close(self, fd: int) -> None:
        super().close(fd)  # Linux closes also what it then complains about
        self.before(Call("close"))

    def fsync(self, fd: int) -> None:
        self.before(Call("fsync", inode=os.fstat(fd).st_ino))

    def fsync_directory(self, fd: int) -> None:
        self.before(Call("fsync_directory", path_of(fd)))

    def syncfs(self, fd: int) -> None:
        self.before(Call("syncfs"))

    def can_syncfs(self, fd: int) -> bool:
        return self.whole

    def rename(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        inode = os.stat(source, dir_fd=source_dir).st_ino
        self.before(Call("rename", path_of(target_dir), inode, path_of(source_dir)))
        super().rename(source, target, source_dir=source_dir, target_dir=target_dir)

    def link(self, source: str, target: str, *, dir_fd: int) -> None:
        self.before(Call("link", path_of(dir_fd)))
        super().link(source, target, dir_fd=dir_fd)

    def unlink(self, name: str, *, dir_fd: int) -> None:
        self.before(Call("unlink", path_of(dir_fd)))
        super().unlink(name, dir_fd=dir_fd)

    def mkdir(self, name: str, *, dir_fd: int | None = None) -> None:
        self.before(Call("mkdir", os.path.dirname(name) if dir_fd is None else path_of(dir_fd)))
        super().mkdir(name, dir_fd=dir_fd)

    def rmdir(self, name: str, *, dir_fd: int) -> None:
        self.before(Call("rmdir", path_of(dir_fd)))
        super().rmdir(name, dir_fd=dir_fd)


class Recording(Watched):
    """Keeps every call, in order."""

    def __init__(self, *, whole: bool = False) -> None:
        super().__init__(whole=whole)
        self.calls: list[Call] = []

    def before(self, call: Call) -> None:
        self.calls.append(call)


class Failing(Recording):
    """Fails call number *at* with *number*, and if *sticky* every later one. Given *only*, no other call is counted."""

    def __init__(
        self, at: int, number: int, *, sticky: bool = False, only: str | None = None, whole: bool = False
    ) -> None:
        super().__init__(whole=whole)
        self.at = at
        self.number = number
        self.sticky = sticky
        self.only = only
        self.seen = 0
        self._lock = Lock()

    def before(self, call: Call) -> None:
        super().before(call)
        if self.only not in (None, call.name):
            return
        with self._lock:
            self.seen += 1
            fails = self.seen == self.at or (self.sticky and self.seen > self.at)
        if fails:
            raise OSError(self.number, os.strerror(self.number))

    @property
    def failed(self) -> bool:
        """Whether it came to that."""
        return self.seen >= self.at

    def heal(self) -> None:
        """Fail no more."""
        self.at, self.sticky = -1, False


class Cut(BaseException):
    """The process was killed here."""


class Cutting(Failing):
    """Is killed at call number *at*: that call and all later ones do nothing."""

    def __init__(self, at: int) -> None:
        super().__init__(at, 0, sticky=True)

    def before(self, call: Call) -> None:
        try:
            super().before(call)
        except OSError:
            raise Cut from None
