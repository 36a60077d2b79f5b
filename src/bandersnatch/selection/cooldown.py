"""The rule about young files: ``[cool-down]``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from bandersnatch.selection.base import Motive, Subject, Verdict
from bandersnatch.selection.configured import Configured
from bandersnatch.selection.digests import digest_of
from bandersnatch.selection.items import Item, Items
from bandersnatch.selection.times import shown, uploaded


@dataclass(frozen=True, slots=True)
class CoolDown(Configured):
    """
    No files that are younger than an age, and none from after a date line.

    Both go by one clock. ``upload``: upstream's upload times; a file without one is refused. ``first-seen``: when
    this mirror saw the file first, whatever upstream says; a file that was never seen is seen now.
    """

    name: ClassVar[str] = "cool-down"
    motive: ClassVar[Motive] = Motive.HARM
    age: float = 0.0
    """Seconds; 0 is off."""
    clock: str = "upload"
    """``upload`` or ``first-seen``."""
    not_after: float | None = None
    """Seconds since the epoch: files from later are refused, however old they have become."""
    exempt: Items = field(default_factory=Items)
    """What need not wait. The date line holds for it all the same."""
    break_glass: Items = field(default_factory=Items)
    """What passes at once, through the date line as well."""

    @property
    def needs_first_seen(self) -> bool:
        """Whether ``Context.first_seen`` is asked for."""
        return self.clock == "first-seen"

    @property
    def digest(self) -> str:
        """Changes whenever any verdict could."""
        return self._digest(self.exempt, self.break_glass)

    def fingerprint(self, name: str) -> str:
        """Changes whenever a verdict about the project *name* could: an item of another project changes none."""
        return self._digest(self.exempt.of_name(name), self.break_glass.of_name(name))

    def judge(self, subject: Subject) -> Verdict:
        item = _first(self.break_glass, subject)
        if item is not None:
            return self.passes(f"cool-down.break-glass lets {item.origin.text} through at once")
        time = self._time(subject)
        if self.not_after is not None:
            if time is None:
                return self.refuses("upstream does not say when it was uploaded")
            if time > self.not_after:
                return self.refuses(f"{self._happened(time)}, after the date line {shown(self.not_after)}")
        item = _first(self.exempt, subject)
        if item is not None:
            return self.passes(f"cool-down.exempt names {item.origin.text}")
        return self._judge_age(time, subject.context.now)

    def _judge_age(self, time: float | None, now: float) -> Verdict:
        if not self.age:
            return self.passes("nothing has to wait")
        if time is None:
            return self.refuses("upstream does not say when it was uploaded")
        until = time + self.age
        if now < until:
            return self.refuses(f"{self._happened(time)}, and has to wait until {shown(until)}", until)
        return self.passes(f"{self._happened(time)}, and had to wait until {shown(until)}")

    def _time(self, subject: Subject) -> float | None:
        if self.clock == "first-seen":
            return subject.context.first_seen.get(subject.file.identity, subject.context.now)
        return uploaded(subject.file)

    def _happened(self, time: float) -> str:
        verb = "first seen" if self.clock == "first-seen" else "uploaded"
        return f"it was {verb} on {shown(time)}"

    def _digest(self, exempt: Iterable[Item], break_glass: Iterable[Item]) -> str:
        lists = [sorted({item.identity for item in items}) for items in (exempt, break_glass)]
        return digest_of(self.name, self.age, self.clock, self.not_after, lists)


def _first(items: Items, subject: Subject) -> Item | None:
    """The first item that is about the file."""
    of_name = items.of_name(subject.project.name)
    return next((item for item in of_name if item.matches_version(subject.version, subject.release)), None)
