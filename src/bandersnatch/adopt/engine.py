"""The adoption: a plan by names and sizes, then each file read once, judged, and put in its place."""

from __future__ import annotations

import errno
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

from bandersnatch.adopt import judging, sorting
from bandersnatch.adopt.base import Digests, Fate, Found, Ground, Layout, Plan, Promise, Source, Tell, Wish
from bandersnatch.adopt.placing import Placed, Placing
from bandersnatch.adopt.promises import Promises
from bandersnatch.adopt.trusting import trusted
from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Stat
from bandersnatch.values import Struct, replace

AHEAD = 16
"""So many files for each thread are begun before the first of them is waited for."""

ENDS_IT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""What reading any other file would meet as well."""


def plan(source: Source, kind: Layout, directory: str) -> Plan:
    """What an adoption of *source* into the mirror at *directory* will do. Reads no file. Raises StorageError."""
    counts: Counter[Fate] = Counter()
    size = 0
    own = source.place == directory
    for found, _ in sorting.things(source, kind, own=own):
        counts[found.fate] += 1
        size += found.size if found.fate is Fate.FILE else 0
    top = set(source.names())
    aside = tuple(name for name in kind.state if name in top) if own else ()
    return Plan(kind, source.place, directory, counts, size, aside)


def adopt(ground: Ground, plan: Plan, wish: Wish, now: float, tell: Tell = lambda _bytes: None) -> Iterator[Found]:
    """
    Carry *plan* out: everything in the tree, with what became of it. *now*: seconds since the epoch.

    The mirror's lock must be held. Cut off at any point and done again, it goes on; what was verified before is not
    read again. Raises StorageError, CatalogueError and UpstreamError.
    """
    yield from _Adoption(ground, plan, wish, now, tell).run()


class _Task(Struct, frozen=True):
    """One file that has to be read."""

    found: Found
    stat: Stat
    promise: Promise | None
    """Upstream's; None where it was not asked."""


class _Judged(Struct, frozen=True):
    """One file that was read; ``digests`` is None where it could not be, or did not have to be."""

    promise: Promise | None
    digests: Digests | None
    reason: str = ""


@dataclass
class _Adoption:
    ground: Ground
    plan: Plan
    wish: Wish
    now: float
    tell: Tell
    _promises: Promises = field(init=False)
    _placing: Placing = field(init=False)
    _stopped: Event = field(default_factory=Event, init=False)

    def __post_init__(self) -> None:
        self._promises = Promises(self.ground.source, self.plan.layout, self.ground.ask)
        self._placing = Placing(self.ground, self.plan, self.wish, self.now)

    def run(self) -> Iterator[Found]:
        if self.wish.trust_size:
            yield from self._unread()
        pool = ThreadPoolExecutor(self.wish.threads)
        try:
            yield from self._everything(pool)
        finally:
            self._stopped.set()
            pool.shutdown(cancel_futures=True)
        yield from self._done(self._placing.finish())
        if self.plan.aside:
            self.ground.source.set_aside(self.plan.aside, self.ground.aside)

    # --- one after the other ---------------------------------------------------------------------------------------

    def _unread(self) -> Iterator[Found]:
        for placed in trusted(self.ground.source, self.plan.layout):
            if self._placing.known(placed.found, placed.stat) is None:
                yield from self._done(self._placing.place(placed))
        yield from self._done(self._placing.finish())  # before the walk meets them

    def _everything(self, pool: ThreadPoolExecutor) -> Iterator[Found]:
        waiting: deque[tuple[_Task, Future[_Judged]]] = deque()
        for found, stat in sorting.things(self.ground.source, self.plan.layout, own=self.plan.in_place):
            if found.fate is not Fate.FILE or stat is None:
                yield found
                continue
            known = self._placing.known(found, stat)
            if known is not None:
                yield from self._done(known)
                continue
            task = self._task(found, stat)
            if task is None:
                yield from self._done([replace(found, fate=Fate.STRANGER, reason="upstream does not list it")])
                continue
            waiting.append((task, pool.submit(self._judge, task)))
            if len(waiting) > AHEAD * self.wish.threads:
                yield from self._settle(*waiting.popleft())
        while waiting:
            yield from self._settle(*waiting.popleft())

    def _task(self, found: Found, stat: Stat) -> _Task | None:
        """What has to be read; None if upstream was asked, and does not have it."""
        if not self._promises.asks_upstream or sorting.place_of(found.path, self.plan.layout):
            return _Task(found, stat, None)
        promise = self._promises.of_upstream(found.path)
        return None if promise is None else _Task(found, stat, promise)

    def _judge(self, task: _Task) -> _Judged:
        """Read one file, unless its size says enough. Runs in a thread of its own."""
        path = task.found.path
        try:
            promise = task.promise or self._promises.of_tree(path)
            if promise is not None and promise.size not in (None, task.stat.size):
                return _Judged(promise, None, f"it has {task.stat.size} bytes, {promise.says} promises {promise.size}")
            digests = judging.read(self.ground.source, path, promise, self._stopped)
        except StorageError as error:
            if error.errno in ENDS_IT:
                raise
            return _Judged(None, None, f"it cannot be read: {error}")
        if digests.size != task.stat.size:
            return _Judged(promise, None, "it changed while it was read; run this again")
        return _Judged(promise, digests, judging.broken(promise, digests) if promise else "")

    def _settle(self, task: _Task, future: Future[_Judged]) -> Iterator[Found]:
        judged = future.result()
        if judged.digests is None or judged.reason:
            yield from self._done([replace(task.found, fate=Fate.DAMAGED, reason=judged.reason)])
            return
        key = judged.promise.key if judged.promise else ""
        if not key:
            name = task.found.path.rpartition("/")[2]
            key = sorting.place(name, sorting.digits(self.wish, judged.digests.sha256, judged.digests.blake2))
        yield from self._done(self._placing.place(Placed(task.found, task.stat, key, judged.digests.sha256)))

    def _done(self, found: list[Found]) -> Iterator[Found]:
        for one in found:
            self.tell(one.size)
            yield one
