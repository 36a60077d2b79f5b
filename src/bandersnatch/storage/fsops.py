"""Every call by which storage changes a file system, in one place, so that a test can fail, count or stop at any one.

The calls are those of ``os``: they raise OSError, and who calls them translates it. Reading does not pass through here.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress

_FILE_MODE = 0o666
_PRIVATE_MODE = 0o600
_FOLDER_MODE = 0o777
"""Before the umask: a web server that runs as somebody else has to be able to read what is published."""

# statfs(2): f_type of the file systems whose syncfs writes everything and reports every error. One that is not here
# (FUSE ignores syncfs; nothing is known of others) has each file synchronised by itself.
_EXT4, _XFS, _BTRFS = 0xEF53, 0x58465342, 0x9123683E
_TRUSTED = frozenset({_EXT4, _XFS, _BTRFS})
_FICLONE = 0x40049409
_LINUX_REPORTS_SINCE = (5, 8)
"""syncfs(2): before Linux 5.8 it succeeds whatever happened to the data."""


class FileSystem:
    """The mutating calls. Names are relative to *dir_fd*; a symbolic link as the last part is never followed."""

    def open(self, name: str, flags: int, *, dir_fd: int | None = None) -> int:
        """A descriptor for writing, of a file that is made if *flags* say so."""
        return os.open(name, flags | os.O_NOFOLLOW, _FILE_MODE, dir_fd=dir_fd)

    def open_private(self, name: str, flags: int) -> int:
        """The same, of a file that is its owner's alone, also if it was not before."""
        fd = os.open(name, flags | os.O_NOFOLLOW, _PRIVATE_MODE)
        with suppress(OSError):  # somebody else's, or on a file system that knows no modes
            os.fchmod(fd, _PRIVATE_MODE)
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write some of *data*; returns how many bytes."""
        return os.write(fd, data)

    def truncate(self, fd: int, size: int) -> None:
        """Make the file *size* bytes long."""
        os.ftruncate(fd, size)

    def close(self, fd: int) -> None:
        """Close what was open for writing: some file systems report only now that it could not be written."""
        os.close(fd)

    def fsync(self, fd: int) -> None:
        """Return when the file is on the disk. To try again after a failure is a mistake: the second time lies."""
        os.fsync(fd)

    def fsync_directory(self, fd: int) -> None:
        """Return when the names in a folder are on the disk."""
        os.fsync(fd)

    def syncfs(self, fd: int) -> None:
        """Return when everything on the file system of *fd* is on the disk; only where ``can_syncfs``."""
        if _syncfs is None or _syncfs(fd) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def sync(self) -> None:
        """Return when everything that was written on this machine is on the disk, as far as the system knows."""
        os.sync()

    def can_syncfs(self, fd: int) -> bool:
        """Whether one ``syncfs`` is worth as much as an ``fsync`` of each file and folder. Changes nothing."""
        return _syncfs is not None and _kernel() >= _LINUX_REPORTS_SINCE and _type_of(fd) in _TRUSTED

    def folds_case(self, folder: int, name: str) -> bool:
        """Whether *name*, in lower case, is found in *folder* under the same letters in upper case. Changes nothing."""
        try:
            return os.path.samestat(os.stat(name, dir_fd=folder), os.stat(name.upper(), dir_fd=folder))
        except FileNotFoundError:
            return False

    def longest_name(self, folder: int) -> int:
        """Bytes that a name may have. Changes nothing."""
        return os.fpathconf(folder, "PC_NAME_MAX")

    def free(self, folder: int) -> int:
        """Bytes that somebody without privileges can still write. Changes nothing."""
        system = os.fstatvfs(folder)
        return system.f_bavail * system.f_frsize

    def rename(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        """Give the file *source* the name *target*, in place of what has it."""
        os.rename(source, target, src_dir_fd=source_dir, dst_dir_fd=target_dir)

    def link(self, source: str, target: str, *, dir_fd: int) -> None:
        """Give the file *source* the second name *target* in the same folder."""
        os.link(source, target, src_dir_fd=dir_fd, dst_dir_fd=dir_fd, follow_symlinks=False)

    def link_across(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        """Give the file *source* of one folder the second name *target* in another one."""
        os.link(source, target, src_dir_fd=source_dir, dst_dir_fd=target_dir, follow_symlinks=False)

    def clone(self, source: int, target: int) -> None:
        """Let the file open as *target* share the blocks of *source*; only some file systems can. ioctl_ficlone(2)."""
        fcntl.ioctl(target, _FICLONE, source)

    def unlink(self, name: str, *, dir_fd: int) -> None:
        """Remove a name of a file."""
        os.unlink(name, dir_fd=dir_fd)

    def mkdir(self, name: str, *, dir_fd: int | None = None) -> None:
        """Make a folder."""
        os.mkdir(name, _FOLDER_MODE, dir_fd=dir_fd)

    def rmdir(self, name: str, *, dir_fd: int) -> None:
        """Remove a folder that is empty."""
        os.rmdir(name, dir_fd=dir_fd)


def write_all(fs: FileSystem, fd: int, data: bytes) -> None:
    """Write the whole of *data*."""
    written = fs.write(fd, data) if data else 0
    while written < len(data):
        written += fs.write(fd, memoryview(data)[written:])


def make_folders(fs: FileSystem, path: str) -> None:
    """Make the folder *path*, absolute, and those above it where they are missing, durably."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    make_folders(fs, above)
    with suppress(FileExistsError):
        fs.mkdir(path)
    fd = os.open(above, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fs.fsync_directory(fd)
    finally:
        os.close(fd)


def libc_function(name: str) -> Callable[..., int] | None:
    """A function of libc, or None where it has no such one."""
    try:
        function: Callable[..., int] = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):
        return None
    return function


_syncfs = libc_function("syncfs")
_fstatfs = libc_function("fstatfs")


def _kernel() -> tuple[int, ...]:
    """Linux's version as (major, minor); () for another kernel."""
    system = os.uname()
    numbers = system.release.split(".")[:2]
    return tuple(map(int, numbers)) if system.sysname == "Linux" and all(map(str.isdigit, numbers)) else ()


def _type_of(fd: int) -> int | None:
    """statfs(2): ``f_type``, the first word of the answer."""
    answer = (ctypes.c_ulong * 64)()
    if _fstatfs is None or _fstatfs(fd, answer) != 0:
        return None
    return answer[0]
