"""What is about to become visible before its project's commit, so that the next run knows of it if this one ends."""

from __future__ import annotations

from bandersnatch.catalogue.base import Catalogue
from bandersnatch.sync.lane import Lane


class Arrivals:
    """What the catalogue is to expect: what many projects say at a time goes there in one transaction."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[str]] = {}

    async def expect(self, project: str, keys: list[str], catalogue: Catalogue, lane: Lane) -> None:
        """Return when it is known that *keys* may become visible before the commit of *project*."""
        if keys:
            self._waiting[project] = keys
            await lane.ask(self._tell, catalogue)

    def _tell(self, catalogue: Catalogue) -> None:
        """All that wait by now; who comes later finds nothing left to tell. Blocks."""
        waiting, self._waiting = self._waiting, {}
        if waiting:
            catalogue.expect(waiting)
