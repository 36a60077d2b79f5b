"""Short questions share their trips to a thread, and each gets its own answer."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bandersnatch.sync.lane import Lane


def test_questions_share_a_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions of many tasks are answered in as many trips as it takes, not as many as there are questions."""
    trips = 0
    real = asyncio.to_thread

    async def counted(*args: object) -> object:
        nonlocal trips
        trips += 1
        return await real(*args)  # type: ignore[arg-type]  # the first is the function

    monkeypatch.setattr(asyncio, "to_thread", counted)

    async def main() -> list[int]:
        lane = Lane()
        return await asyncio.gather(*(lane.ask(pow, number, 2) for number in range(50)))

    assert asyncio.run(main()) == [number**2 for number in range(50)]
    assert trips == 1


def test_an_error_is_told_to_who_asked() -> None:
    """An error, even one that ends the process, reaches who asked; the others have their answers."""

    class Death(BaseException):
        pass

    def die() -> int:
        raise Death

    async def main() -> list[object]:
        lane = Lane()
        asked = (lane.ask(int, "1"), lane.ask(int, "x"), lane.ask(die), lane.ask(int, "2"))
        return list(await asyncio.gather(*asked, return_exceptions=True))

    one, error, death, two = asyncio.run(main())
    assert (one, two) == (1, 2)
    assert isinstance(error, ValueError)
    assert isinstance(death, Death)


def test_a_cancelled_question_hinders_nobody() -> None:
    """Who stops waiting for an answer keeps the others from none."""

    async def main() -> int:
        lane, begun, may_end = Lane(), threading.Event(), threading.Event()

        def slow() -> None:
            begun.set()
            may_end.wait(10)

        impatient = asyncio.create_task(lane.ask(slow))
        await asyncio.to_thread(begun.wait, 10)
        impatient.cancel()
        patient = asyncio.create_task(lane.ask(int, "3"))
        await asyncio.sleep(0)
        may_end.set()
        return await patient

    assert asyncio.run(main()) == 3


@pytest.mark.parametrize("error", [StopIteration(7), StopAsyncIteration()])
def test_no_error_is_lost(error: BaseException) -> None:
    """Whatever is raised reaches who asked, if need be as the cause of another error, and the others their answers."""

    def fail() -> None:
        raise error

    async def main() -> tuple[BaseException, int]:
        lane = Lane()
        asked = asyncio.create_task(lane.ask(fail))
        other = asyncio.create_task(lane.ask(int, "1"))
        [outcome] = await asyncio.wait_for(asyncio.gather(asked, return_exceptions=True), 10)
        assert isinstance(outcome, BaseException)
        return outcome, await other

    outcome, other = asyncio.run(main())
    assert error in (outcome, outcome.__cause__)
    assert other == 1


def test_a_trip_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for an answer hears that there will be none; the next question is asked again."""

    async def main() -> int:
        lane = Lane()
        with monkeypatch.context() as patch:
            patch.setattr(asyncio, "to_thread", no_thread)
            with pytest.raises(RuntimeError, match="no thread"):
                await asyncio.wait_for(lane.ask(int, "1"), 10)
        return await lane.ask(int, "2")

    async def no_thread(*_: object) -> None:
        raise RuntimeError("no thread")

    assert asyncio.run(main()) == 2
