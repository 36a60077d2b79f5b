from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from bandersnatch.errors import NotFound, UpstreamError
from bandersnatch.upstream.pacing import Pacer, RateWatch, Transient, retry_after
from tests.upstream.asking import FakeTime, settings

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def pacer(time: FakeTime, **changes: object) -> Pacer:
    return Pacer(settings("https://example.org", **changes), time.clock())


async def most_at_once(pacer: Pacer, place: str, count: int) -> int:
    """How many of *count* tasks hold a turn at *place* together, if each holds it as long as it can."""
    busy = most = 0

    async def one() -> None:
        nonlocal busy, most
        async with pacer.turn(place):
            busy += 1
            most = max(most, busy)
            for _ in range(count):
                await asyncio.sleep(0)
            busy -= 1

    await asyncio.gather(*(one() for _ in range(count)))
    return most


def test_few_requests_until_http2_was_seen() -> None:
    """A host gets ``connections`` requests at a time, ``streams`` while it answers in HTTP/2; other hosts still few."""

    async def main() -> list[int]:
        polite = pacer(FakeTime(), connections=3, streams=20)
        most = [await most_at_once(polite, "a", 50)]
        for multiplexed in (True, True, False):
            polite.note("a", multiplexed=multiplexed)
            most += [await most_at_once(polite, "a", 50)]
        polite.note("a", multiplexed=True)
        return [*most, await most_at_once(polite, "b", 50)]

    assert asyncio.run(main()) == [3, 20, 20, 3, 3]


def test_who_gives_up_waiting_holds_nobody_up() -> None:
    """A task that is cancelled while it waits, even if just called, leaves its turn to the next."""

    async def main() -> list[str]:
        polite, came = pacer(FakeTime(), connections=1), []

        async def one(name: str) -> None:
            async with polite.turn("a"):
                came.append(name)
                await asyncio.sleep(0)

        for cancel_at in range(6):
            tasks = [asyncio.create_task(one(name)) for name in "abc"]
            for _ in range(cancel_at):
                await asyncio.sleep(0)
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return came

    came = asyncio.run(main())
    assert (came.count("a"), came.count("c")) == (6, 6)


def test_all_give_up_at_once() -> None:
    """Those who are in and those who wait are cancelled together, as ^C does it: nothing else happens to any."""

    async def main() -> set[type]:
        polite, ends = pacer(FakeTime(), connections=2), []

        async def one(group: str) -> None:
            async with polite.turn("a", group):
                await asyncio.sleep(0)
                await asyncio.sleep(0)

        for cancel_at in range(6):
            tasks = [asyncio.create_task(one(group)) for group in ("", "", "p", "p", "q", "")]
            for _ in range(cancel_at):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            ends += await asyncio.gather(*tasks, return_exceptions=True)
            assert await most_at_once(polite, "a", 5) == 2
        return {type(end) for end in ends}

    assert asyncio.run(main()) <= {type(None), asyncio.CancelledError}


def test_a_pause_holds_all_requests_to_its_host() -> None:
    """While a host is paused no request to it begins, and those to others do."""
    time = FakeTime()

    async def main() -> tuple[float, float]:
        polite = pacer(time)
        start = time.seconds
        polite.pause("a", 30)
        polite.pause("a", 10)
        async with polite.turn("b"):
            other = time.seconds - start
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(most_at_once(polite, "a", 1))
        return other, time.seconds - start

    other, paused = asyncio.run(main())
    assert other == 0
    assert paused >= 30


def test_a_pause_is_capped() -> None:
    """Upstream cannot make us wait longer than ``retry_after_cap``, nor less than nothing."""
    time = FakeTime()

    async def main() -> None:
        polite = pacer(time, retry_after_cap=60)
        polite.pause("a", 1e9)
        polite.pause("b", -5)
        async with polite.turn("b"), polite.turn("a"):
            pass

    asyncio.run(main())
    assert time.slept == [60]


def test_bandwidth_is_common_to_all() -> None:
    """Over a while, all together get no more than ``bandwidth``, whatever the sizes of their chunks."""
    time = FakeTime()

    async def main() -> float:
        start = time.seconds
        polite = pacer(time, bandwidth=1000)
        await asyncio.gather(*(polite.spend(size) for size in (500, 1500, 4000, 1, 3999)))
        return time.seconds - start

    assert asyncio.run(main()) >= 9


@pytest.mark.parametrize(
    ("failures", "outcome", "waits"),
    [
        ([], "fine", []),
        ([Transient("1")], "fine", [0.5]),
        ([Transient("1"), Transient("2"), Transient("3")], "fine", [0.5, 1, 2]),
        ([Transient("1"), Transient("2"), Transient("3"), Transient("last")], "last", [0.5, 1, 2]),
        ([NotFound("gone")], "gone", []),
        ([Transient("1"), UpstreamError("no")], "no", [0.5]),
    ],
)
def test_only_what_may_pass_is_tried_again(failures: list[UpstreamError], outcome: str, waits: list[float]) -> None:
    """Transient failures are tried again, at most ``tries`` times in all, with growing, jittered waits; others not."""
    time = FakeTime()
    left = list(failures)

    async def attempt() -> str:
        if left:
            raise left.pop(0)
        return "fine"

    assert asyncio.run(outcome_of(lambda: pacer(time, tries=4).persist(attempt))) == outcome
    assert time.slept == waits


async def outcome_of(question: Callable[[], Awaitable[str]]) -> str:
    try:
        return await question()
    except UpstreamError as error:
        return str(error)


def test_back_off_has_an_end() -> None:
    """However many tries, no wait is longer than a minute."""
    time = FakeTime()

    async def attempt() -> str:
        raise Transient("no")

    asyncio.run(outcome_of(lambda: pacer(time, tries=12).persist(attempt)))
    assert max(time.slept) == 30  # half of the longest: the fake's chance is 0.5
    assert all(a <= b for a, b in pairwise(time.slept))


@pytest.mark.parametrize(
    ("flow", "slow"),
    [
        ([(10, 20_480)] * 6, False),
        ([(10, 1_000)] * 3, True),
        ([(10, 100_000), (10, 0), (10, 0)], False),
        ([(0.0, 1)] * 1000, False),
        ([(29.9, 0)], False),
    ],
)
def test_rate_is_measured_over_what_was_waited(flow: list[tuple[float, int]], slow: bool) -> None:
    """Too slow is fewer bytes than the minimum rate over 30 s of waiting; our own pauses do not count."""
    watch = RateWatch(1024)
    assert any(watch.is_too_slow(waited, count) for waited, count in flow) is slow


@pytest.mark.parametrize(("rate", "most"), [(1_200, 60), (20_000, 1_200), (60_000, 3_600), (70_000, None)])
def test_what_is_enough_rises_with_time(rate: int, most: int | None) -> None:
    """However much faster than the minimum a body drips, it ends, unless it comes as fast as a slow line brings it."""
    watch, waited = RateWatch(1024), 0
    while waited < 100_000 and not watch.is_too_slow(30.0, 30 * rate):
        waited += 30
    assert waited >= 100_000 if most is None else waited <= most


def test_who_has_no_turn_comes_before_who_has_some() -> None:
    """Whatever many projects of slow files hold, the next turn that is free goes to one that has none."""

    async def main() -> list[str]:
        polite, came = pacer(FakeTime(), connections=4), []
        soon, late = asyncio.Event(), asyncio.Event()

        async def one(group: str) -> None:
            async with polite.turn("a", group):
                came.append(group)
                await (soon if came.count(group) == 1 else late).wait()

        tasks = [asyncio.create_task(one(group)) for group in (*["slow", "drip"] * 20, "new", "")]
        for event in (soon, late):
            for _ in range(50):
                await asyncio.sleep(0)
            event.set()
        await asyncio.gather(*tasks)
        return came

    assert set(asyncio.run(main())[4:6]) == {"new", ""}


def test_nothing_is_too_slow_where_anything_will_do() -> None:
    """A minimum of 0 is for lines that are slower than any that we thought of."""
    watch = RateWatch(0)
    assert not any(watch.is_too_slow(30.0, 1) for _ in range(1000))


@pytest.mark.parametrize(("limit", "share"), [(1, 1), (2, 1), (4, 3), (10, 8)])
def test_no_group_takes_all_turns_of_a_host(limit: int, share: int) -> None:
    """The files of one project leave turns to others, who need not wait for them, if there are two turns at all."""

    async def main() -> tuple[int, list[str]]:
        polite, came, over = pacer(FakeTime(), connections=limit), [], asyncio.Event()

        async def one(group: str) -> None:
            async with polite.turn("a", group):
                came.append(group)
                if group == "slow":
                    await over.wait()

        slow = [asyncio.create_task(one("slow")) for _ in range(50)]
        others = [asyncio.create_task(one(name)) for name in ("", "b", "", "c")]
        for _ in range(50):
            await asyncio.sleep(0)
        before = list(came)
        over.set()
        await asyncio.gather(*slow, *others)
        return before.count("slow"), before

    slow, before = asyncio.run(main())
    assert slow == share
    assert (sorted(one for one in before if one != "slow") == ["", "", "b", "c"]) is (limit > 1)


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        (None, None, None),
        ("120", None, 120),
        (" 0 ", None, 0),
        ("\x1d1", None, None),
        ("-5", None, None),
        ("soon", None, None),
        ("9" * 30, None, None),
        ("Sun, 22 Nov 2026 12:01:00 GMT", None, 60),
        ("Sun, 22 Nov 2026 11:00:00 GMT", None, 0),
        ("Sun, 22 Nov 2026 13:01:00 GMT", "Sun, 22 Nov 2026 13:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 12:01:00 GMT", "nonsense", 60),
        ("Sun, 99 Nov 2026 12:01:00 GMT", None, None),
        ("Sunday, 22-Nov-26 12:01:00 GMT", None, 60),
        ("Mon, 01 Jan 0001 00:0999999999999-1\n999999999999:00 -9999\n", None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, date: str | None, seconds: float | None) -> None:
    """RFC 9110, section 10.2.3: seconds, or a date, which is compared with upstream's own clock where it tells it."""
    assert retry_after(value, date, NOW) == seconds
