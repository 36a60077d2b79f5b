"""Short blocking questions of many tasks, answered by one thread, as many in one trip as have gathered.

A trip to a thread and back costs some hundred microseconds of both threads, most of it handing over the interpreter's
lock; what is asked there, whether a file is in storage or what the catalogue has of a project, takes a tenth of that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

Question = tuple[Callable[..., Any], tuple[Any, ...], "asyncio.Future[Any]"]


class Lane:
    """Belongs to one event loop. Answers come in the order of the questions."""

    def __init__(self) -> None:
        self._waiting: list[Question] = []
        self._trip: asyncio.Task[None] | None = None

    async def ask(self, question: Callable[..., T], *args: object) -> T:
        """What *question* returns for *args*, or raise what it raises."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, args, answer))
        if self._trip is None:
            self._trip = asyncio.create_task(self._go())
        return await answer

    async def _go(self) -> None:
        """One trip after the other, until nobody waits."""
        questions: list[Question] = []
        try:
            while self._waiting:
                questions, self._waiting = self._waiting, []
                for (_, _, future), (value, error) in zip(
                    questions, await asyncio.to_thread(_answers, questions), strict=True
                ):
                    if future.cancelled():
                        continue
                    if error is None:
                        future.set_result(value)
                    else:
                        future.set_exception(error)
        except Exception as error:  # the trip itself failed: whoever asked is not to wait for ever
            unanswered, self._waiting = [*questions, *self._waiting], []
            for _, _, future in unanswered:
                if not future.done():
                    future.set_exception(error)
        finally:
            self._trip = None


def _answers(questions: list[Question]) -> list[tuple[Any, BaseException | None]]:
    return [_answer(question, args) for question, args, _ in questions]


def _answer(question: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
    try:
        return question(*args), None
    except StopIteration as error:  # the one that no future takes
        told = RuntimeError("the question raised StopIteration")
        told.__cause__ = error
        return None, told
    except BaseException as error:  # whatever it is: who asked waits for it
        return None, error
