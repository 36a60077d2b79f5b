"""Room for pages: many large ones at once are not held at once."""

from __future__ import annotations

import asyncio

import pytest

from bandersnatch.sync import room
from bandersnatch.sync.room import Room
from tests.sync.conftest import World


def test_who_waits_and_who_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hand gets room as others let go of their pages, come to the next, or end; one page always finds room."""
    monkeypatch.setattr(room, "IN_HAND", 10)
    said: list[str] = []

    async def main() -> None:
        shared, may_leave, may_end = Room(), asyncio.Event(), asyncio.Event()

        async def first() -> None:
            assert shared.takes(100)
            said.append("first")
            await may_leave.wait()
            shared.leave()
            await may_end.wait()
            assert shared.takes(0)

        async def second() -> None:
            assert not shared.takes(8)
            await shared.wait(8)
            said.append("second")

        async def third() -> None:
            assert not shared.takes(9)
            await shared.wait(9)
            said.append("third")

        async with asyncio.TaskGroup() as hands:
            one = hands.create_task(first())
            others = [hands.create_task(second()), hands.create_task(third())]
            await asyncio.sleep(0)
            assert said == ["first"]
            may_leave.set()
            await asyncio.gather(*others)
            may_end.set()
            await one

    asyncio.run(main())
    assert said == ["first", "second", "third"]


@pytest.mark.parametrize("pages", ["few", "many"])
def test_a_run_with_little_room(world: World, monkeypatch: pytest.MonkeyPatch, pages: str) -> None:
    """Where hardly a page finds room, some are asked for once more, and the mirror is the same."""
    monkeypatch.setattr(room, "IN_HAND", 3)
    monkeypatch.setattr(room, "KEPT", 3)
    monkeypatch.setattr("bandersnatch.sync.refresh.FEW", 100 if pages == "few" else 2)
    names = [f"project-{number}" for number in range(8)]
    for name in names:
        for version in ("1.0", "2.0"):
            world.index.upload(name, version)
    assert world.run().outcome == "clean"
    assert [len(world.page(name)["files"]) for name in names] == [2] * 8
    asked = [world.upstream.count(f"/simple/{name}/") for name in names]
    assert max(asked) > 1
    assert max(asked) <= 4
    assert world.run().outcome == "clean"
