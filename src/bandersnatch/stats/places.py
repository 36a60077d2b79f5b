"""Where to go on in a log, known by its content: rotation renames logs, copies, truncates and compresses them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from bandersnatch.errors import LogError
from bandersnatch.inputs.logs import HEAD, TAIL, Log, digest
from bandersnatch.ledger.base import Place, Stamp
from bandersnatch.values import replace


def unchanged(stamp: Stamp, places: Iterable[Place]) -> Place | None:
    """The place in a file that the system says was not written to since."""
    return next((place for place in places if place.stamp == stamp), None)


class Cursor:
    """
    Where a log is read: at the place of *places* that fits what it says, or else at its beginning.

    A place fits by the same beginning, and the same bytes before where reading stopped. Where several do, it is the
    furthest: a log that was copied, and its copy read on, has been read so far.

    Raises LogError where the log ends before a place of the same beginning: it is half of a copy, and was read.
    """

    def __init__(self, log: Log, places: Iterable[Place]) -> None:
        self._log = log
        self._head = log.read_at(0, HEAD)
        self._id: int | None = None
        self.offset, self._tail = 0, b""
        self._kept = self.offset, self._tail
        short = False
        fitting = [place for place in places if digest(self._head[: place.head_length]) == place.head]
        for place in sorted(fitting, key=lambda place: place.offset, reverse=True):
            tail = log.read_at(place.offset - place.tail_length, place.tail_length)
            if len(tail) == place.tail_length and digest(tail) == place.tail:
                self._id, self.offset, self._tail = place.id, place.offset, tail
                self._kept = self.offset, self._tail
                return
            short = short or len(tail) < place.tail_length
        if short:
            raise LogError(f"{log.path}: it ends before what was read of it: it is still being copied, or was cut off")

    def blocks(self) -> Iterator[bytes]:
        """What was not read yet."""
        return self._log.blocks(self.offset)

    def advance(self, content: bytes, *, again: int) -> None:
        """*content*, up to the end of a line, was read; the last lines, *again* of them, are to be read once more."""
        end = _end_before(content, again)
        if end:
            self._kept = self.offset + end, (self._tail + content[max(0, end - TAIL) : end])[-TAIL:]
        self.offset += len(content)
        self._tail = (self._tail + content[-TAIL:])[-TAIL:]

    def here(self, today: date, *, whole: bool) -> Place | None:
        """
        The place to go on at; None where that is the beginning.

        Unless the log is read *whole*, the stamp is one that it cannot have again.
        """
        offset, tail = self._kept
        if not offset:
            return None
        head = self._head[:offset]
        stamp = self._log.stamp if whole and offset == self.offset else replace(self._log.stamp, size=-1)
        return Place(offset, len(head), digest(head), len(tail), digest(tail), stamp, today, self._id)

    def is_kept_as(self, number: int) -> None:
        """The ledger knows the place by this id from now on."""
        self._id = number


def _end_before(content: bytes, lines: int) -> int:
    """Where the last *lines* of *content* begin; 0 if there are no others."""
    end = len(content)
    for _ in range(lines):
        end = content.rfind(b"\n", 0, end - 1) + 1
        if not end:
            break
    return end
