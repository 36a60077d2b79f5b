"""What ``verify`` looks at: a mirror, opened so that nothing can be changed, and the place where it goes on."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bandersnatch import assemble
from bandersnatch.assemble import closing
from bandersnatch.config.schema import Config
from bandersnatch.errors import UsageError
from bandersnatch.selection import Selection
from bandersnatch.storage.fsops import FileSystem, write_all
from bandersnatch.storage.glance import Glance
from bandersnatch.storage.oserrors import translated
from bandersnatch.sync.mirror import Mirror
from bandersnatch.verify.base import Ground

BOOKMARK = "verify.json"


@contextmanager
def ground(config: Config, environment: Mapping[str, str], chosen: Selection) -> Iterator[Ground]:
    """
    The mirror of *config* to be verified; *chosen* is its selection. Upstream is not asked, and no lock is taken.

    Raises UsageError where nothing was ever mirrored.
    """
    if not (Path(config.mirror.directory) / assemble.STATE / assemble.CATALOGUE).exists():
        raise UsageError(f"{config.mirror.directory}: nothing was mirrored here yet; bandersnatch mirror does that")
    # What is opened for a run is opened in a loop; a verification is not made in one, so that ^C ends it at once.
    with asyncio.Runner() as runner:
        rehearsal = assemble.rehearsal(config, environment, chosen, copied=False)
        mirror = runner.run(rehearsal.__aenter__())
        place = Glance(config.mirror.directory)
        try:
            yield Ground(
                place,
                mirror.catalogue,
                _selection(mirror, config),
                _closed(mirror, config).fingerprint,
                mirror.rules.policies,
                mirror.rules.publish,
                mirror.rules.metadata_of_each,
            )
        finally:
            place.close()
            runner.run(rehearsal.__aexit__(None, None, None))


class Bookmark:
    """
    Up to which project an earlier verification came: ``state/verify.json``.

    It is for one way of verifying, *mode*: who asks for more has to begin again. Every method raises StorageError.
    """

    def __init__(self, config: Config, mode: str, *, fs: FileSystem | None = None) -> None:
        self._path = os.path.join(config.mirror.directory, assemble.STATE, BOOKMARK)
        self._mode = mode
        self._fs = fs or FileSystem()

    def read(self) -> str:
        """The last project that was finished; empty to begin at the beginning."""
        try:
            with translated(None, self._path), open(self._path, "rb") as file:
                kept = json.loads(file.read())
            return str(kept["after"]) if kept["mode"] == self._mode else ""
        except (ValueError, LookupError, TypeError):
            return ""  # nothing depends on it but time

    def write(self, after: str) -> None:
        """Keep the name *after*."""
        data = json.dumps({"mode": self._mode, "after": after}).encode()
        folder, name = os.path.split(self._path)
        with translated(None, self._path), _folder(folder) as place:
            fd = self._fs.open(f"{name}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=place)
            try:
                write_all(self._fs, fd, data)
                self._fs.fsync(fd)
            finally:
                self._fs.close(fd)
            self._fs.rename(f"{name}.new", name, source_dir=place, target_dir=place)

    def clear(self) -> None:
        """All of it is done."""
        folder, name = os.path.split(self._path)
        with translated(None, self._path), _folder(folder) as place, suppress(FileNotFoundError):
            self._fs.unlink(name, dir_fd=place)
