"""How much of upstream's pages is held at once, over all projects: a page of a hundred kilobytes takes megabytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bandersnatch.catalogue.base import Entry
    from bandersnatch.sync.run import Prepared

IN_HAND = 150_000
"""Files on the pages that are worked on at once: some 200 MB."""

KEPT = 50_000
"""Files on the pages that are kept until it is known how much leaves, or how much there is to fetch: some 64 MB."""


class Room:
    """
    Room for the pages that are worked on. A hand holds one: it lets go of it when it comes to the next, or ends.

    There is always room for one page, however large. While a hand waits for room it must not hold its page.
    """

    def __init__(self) -> None:
        self._files: dict[asyncio.Task[object], int] = {}
        """By hand; 0 for one that holds no page."""
        self._freed = asyncio.Event()

    def leave(self) -> None:
        """The hand holds no page any more."""
        self._free(_hand(), 0)

    def takes(self, files: int) -> bool:
        """Whether there is room for a page of so many files; if there is, the hand holds it from now on."""
        held = sum(self._files.values())
        if held and held + files > IN_HAND:
            return False
        self._free(_hand(), files)
        return True

    async def wait(self, files: int) -> None:
        """Wait until there is room for a page of so many files, and take it."""
        while not self.takes(files):
            self._freed.clear()
            await self._freed.wait()

    def _free(self, hand: asyncio.Task[object], files: int) -> None:
        if hand not in self._files:
            hand.add_done_callback(self._gone)
        self._files[hand] = files
        self._freed.set()

    def _gone(self, hand: asyncio.Task[object]) -> None:
        del self._files[hand]
        self._freed.set()


def _hand() -> asyncio.Task[object]:
    hand = asyncio.current_task()
    assert hand is not None
    return hand


class Keeping:
    """Keeps pages until their turn comes; beyond ``KEPT`` only names, which cost nothing: those are read again."""

    def __init__(self) -> None:
        self._room = KEPT

    def keep(self, one: Prepared) -> Prepared | Entry:
        """The page, or all that is kept of it."""
        project = one.fetched.project
        self._room -= len(project.files) + len(project.rejected) + len(one.before.held)
        return one if self._room >= 0 else one.entry
