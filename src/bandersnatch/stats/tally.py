"""Lines counted in memory: a bounded part of a log, before the ledger takes it over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, tzinfo

from bandersnatch.accesslog.agents import Agent, agent_of
from bandersnatch.accesslog.counting import Recent, Verdict, judge
from bandersnatch.accesslog.request import Reader, Request
from bandersnatch.accesslog.targets import Target, target_of
from bandersnatch.errors import LogError
from bandersnatch.ledger.base import Row

MOST = 100_000
"""Different counts, paths or agents that are kept before the ledger has to take them: some tens of megabytes."""

ABOUT_FILES = b"/packages"
"""What stands in every line that can count, also where JSON escapes each slash: others need not be read."""

NEVER = (b".metadata ", b'.metadata"')
"""What stands in no line that can count: every second request for a file is for its core metadata."""

_QUARTER = 900
"""Seconds: every zone's days begin at one of these, so the day of each is looked up once."""


class Tally:
    """
    Counts the lines of logs.

    *zone* decides which day a request is of, *is_closed* whether a day takes nothing any more, *bots* whether they
    count. What is remembered to recognise what was begun anew lasts as long as the tally.
    """

    def __init__(self, read: Reader, zone: tzinfo, is_closed: Callable[[date], bool], *, bots: bool) -> None:
        self._read = read
        self._zone = zone
        self._is_closed = is_closed
        self._bots = bots
        self._recent = Recent()
        self.verdicts: Counter[Verdict] = Counter()
        self.bad = self.good = 0
        """Lines about files that cannot be understood, and those that can."""
        self.first_bad = 0
        """The number of the first that cannot, counted from 1 within what was given since ``begin``."""
        self._bad_since = 0
        """The number of the first that cannot since the last one that could."""
        self.late = 0
        """Downloads of days that are closed."""
        self._number = 0
        self.clear()

    def begin(self) -> None:
        """Another log begins: its lines are numbered by themselves."""
        self.first_bad = self._number = self._bad_since = 0

    def clear(self) -> None:
        """Forget what was counted: the ledger has it."""
        self.lines: Counter[date] = Counter()
        self._counts: dict[tuple[date, Target, str], int] = {}
        self._targets: dict[str, Target | None] = {}
        self._agents: dict[str, tuple[Agent, str]] = {}
        self._days: dict[int, tuple[date, bool]] = {}

    @property
    def trailing(self) -> int:
        """How many lines there were from the first that cannot be understood, none about a file being so since."""
        return self._number - self._bad_since + 1 if self._bad_since else 0

    @property
    def is_full(self) -> bool:
        """Whether the ledger has to take over what there is."""
        return max(len(self._counts), len(self._targets), len(self._agents)) >= MOST

    def add(self, lines: Iterable[bytes]) -> None:
        """Count *lines*, without their ends."""
        read, last, elsewhere = self._read, b"", 0
        for line in lines:
            self._number += 1
            if ABOUT_FILES not in line or NEVER[0] in line or NEVER[1] in line:
                elsewhere += 1
                last = line or last
                continue
            try:
                request = read(line)
            except LogError:
                self.bad += 1
                self.first_bad = self.first_bad or self._number
                self._bad_since = self._bad_since or self._number
                continue
            self._count(request)
        self.verdicts[Verdict.ELSEWHERE] += elsewhere
        self._see(last)

    def rows(self) -> Iterator[Row]:
        """What was counted, in an order that the ledger likes."""
        for (day, target, agent), number in sorted(self._counts.items()):
            yield Row(day, target.project, target.filename, agent, number)

    def _count(self, request: Request) -> None:
        self.good += 1
        self._bad_since = 0
        path, said = request.path, request.agent
        if path in self._targets:
            target = self._targets[path]
        else:
            target = self._targets[path] = target_of(path)
        known = self._agents.get(said)
        if known is None:
            agent = agent_of(said)
            known = self._agents[said] = (agent, agent.text)
        agent, written = known
        verdict = judge(request, target, agent, bots=self._bots)
        if verdict is Verdict.COUNTED:
            assert target is not None
            if self._recent.is_again(request, target):
                verdict = Verdict.AGAIN
        day, closed = self._day(request.time)
        if closed and verdict is Verdict.COUNTED:
            self.late += 1
            return
        self.verdicts[verdict] += 1
        if not closed:
            self.lines[day] += 1
        if verdict is Verdict.COUNTED and target is not None:
            key = (day, target, written)
            self._counts[key] = self._counts.get(key, 0) + 1

    def _day(self, time: float) -> tuple[date, bool]:
        quarter = int(time // _QUARTER)
        known = self._days.get(quarter)
        if known is None:
            day = datetime.fromtimestamp(quarter * _QUARTER, self._zone).date()
            known = self._days[quarter] = (day, self._is_closed(day))
        return known

    def _see(self, line: bytes) -> None:
        """A line about something else tells at least that the log goes on: on a quiet day nobody may download."""
        try:
            day, closed = self._day(self._read(line).time)
        except LogError:
            return
        if not closed:
            self.lines[day] += 1
