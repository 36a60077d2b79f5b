"""Verified files on their way to their keys: in batches, each durable before anybody vouches for it."""

from __future__ import annotations

import errno
import os.path

from bandersnatch.adopt import sorting
from bandersnatch.adopt.base import Fate, Found, Ground, Plan, Wish
from bandersnatch.catalogue.base import Voucher
from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Stat
from bandersnatch.values import Struct, replace

BATCH = 256
"""Files that share one synchronisation of the disk; as many may be read again after a crash."""

OF_ONE = frozenset(
    {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EACCES, errno.ENOENT, errno.EBUSY}
)
"""What goes wrong with one file, and need not go wrong with the next."""


class Placed(Struct, frozen=True):
    """A whole file, and where it belongs."""

    found: Found
    stat: Stat
    key: str
    sha256: str


class Placing:
    """Puts files in their places. What its methods return is done, and durable."""

    def __init__(self, ground: Ground, plan: Plan, wish: Wish, now: float) -> None:
        self._ground = ground
        self._plan = plan
        self._wish = wish
        self._now = now
        self._staged: list[Placed] = []
        self._here: list[Placed] = []

    def known(self, found: Found, stat: Stat) -> list[Found] | None:
        """What became of a file that was verified before; empty if this adoption has told it already; None if not."""
        key = self._key_in_place(found.path)
        if key:
            voucher = self._ground.vouchers.of(key)
            if voucher is None or (voucher.size, voucher.mtime_ns) != (stat.size, stat.mtime_ns):
                return None
        else:
            voucher = self._ground.vouchers.from_source(self._source(found.path))
            if voucher is None or not self._is_taken(voucher, stat):
                return None
            if self._wish.by == "move" and voucher.since != self._now:
                self._ground.source.remove(found.path)
        if voucher.since == self._now:
            return []
        return [replace(found, fate=Fate.KEPT if key else Fate.TAKEN, key=voucher.key)]

    def place(self, placed: Placed) -> list[Found]:
        """Put a file in its place, now or with those that follow."""
        if self._key_in_place(placed.found.path) == placed.key:
            self._here.append(placed)
        else:
            try:
                self._stage(placed)
            except StorageError as error:
                if error.errno not in OF_ONE:
                    raise
                return [replace(placed.found, fate=Fate.STRANGER, key=placed.key, reason=str(error))]
        return self.finish() if len(self._staged) + len(self._here) >= BATCH else []

    def finish(self) -> list[Found]:
        """Make durable and vouch for what has gathered."""
        staged, self._staged, here, self._here = self._staged, [], self._here, []
        if staged:
            self._ground.shelf.settle()
        vouchers = [self._voucher(one, own=False) for one in staged] + [self._voucher(one, own=True) for one in here]
        self._ground.vouchers.add(vouchers)
        if self._wish.by == "move":
            for one in staged:
                self._ground.source.remove(one.found.path)
        taken = [replace(one.found, fate=Fate.TAKEN, key=one.key) for one in staged]
        return taken + [replace(one.found, fate=Fate.KEPT, key=one.key) for one in here]

    def _stage(self, placed: Placed) -> None:
        there = self._ground.shelf.stat(placed.key)
        voucher = self._ground.vouchers.of(placed.key) if there is not None else None
        # The same file in two places of the tree is taken once.
        if voucher is None or there is None or (voucher.size, voucher.mtime_ns) != (there.size, there.mtime_ns):
            copy = self._wish.by == "copy"
            self._ground.shelf.borrow(placed.found.path, placed.key, placed.stat, copy=copy)
        self._staged.append(placed)

    def _voucher(self, placed: Placed, *, own: bool) -> Voucher:
        stat = placed.stat if own else self._ground.shelf.stat(placed.key)
        if stat is None:
            raise StorageError(f"{placed.key} is gone; run this again", key=placed.key, errno=errno.ENOENT)
        source = None if own else self._source(placed.found.path)
        return Voucher(placed.key, placed.sha256, stat.size, stat.mtime_ns, self._now, source, placed.stat.mtime_ns)

    def _is_taken(self, voucher: Voucher, stat: Stat) -> bool:
        """Whether both the file and what was made of it are as they were."""
        there = self._ground.shelf.stat(voucher.key)
        if there is None or (there.size, there.mtime_ns) != (voucher.size, voucher.mtime_ns):
            return False
        return (stat.size, stat.mtime_ns) == (voucher.size, voucher.source_mtime_ns)

    def _source(self, path: str) -> str:
        return os.path.join(self._plan.source, path)

    def _key_in_place(self, path: str) -> str:
        """The key under which storage already has the file at *path*: where the tree is the mirror's own folder."""
        if not self._plan.in_place or not path.startswith("web/"):
            return ""
        return sorting.place_of(path, self._plan.layout) if self._plan.layout.prefix == "web/" else ""
