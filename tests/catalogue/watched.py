"""What SQLite does on behalf of the catalogue, counted from outside: statements and steps of its virtual machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

STEPS = 10
"""The machine is looked at once in so many steps."""


class Watch:
    """Counts what the connections do that are opened through ``connect``, which takes ``sqlite3.connect``'s place."""

    def __init__(self, on_statement: Callable[[int], None] = lambda number: None) -> None:
        self.connections: list[sqlite3.Connection] = []
        self.statements: list[str] = []
        self.steps = 0
        self._on_statement = on_statement
        self._connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def connect(self, *args: Any, **options: Any) -> sqlite3.Connection:
        connection = self._connect(*args, **options)
        connection.set_trace_callback(self._trace)
        connection.set_progress_handler(self._step, STEPS)
        self.connections.append(connection)
        return connection

    def reset(self) -> None:
        self.statements.clear()
        self.steps = 0

    def _trace(self, statement: str) -> None:
        self.statements.append(statement)
        self._on_statement(len(self.statements))

    def _step(self) -> int:
        self.steps += STEPS
        return 0
