"""A terminal: the program runs in it, and what a person would see is asked of it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from typing import Self

from tests.cli.conftest import Program

# A session of its own with this terminal, so that ^C is a signal; the program takes the place of this line.
START = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.executable, [sys.executable, '-m', 'bandersnatch', *sys.argv[1:]])"
)
SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


class Screen:
    """What is on a terminal of *columns*, the lines that have left it at the top included."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._rows = [""]
        self._goes_on = [False]
        """By row, whether the terminal itself wrapped it into the next one."""
        self._row = self._column = 0
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """As they are seen, without what is blank at the end."""
        rows = [row.rstrip() for row in self._rows]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def write(self, text: str) -> None:
        text = self._rest + text
        self._rest = ""
        while text:
            found = SEQUENCE.match(text)
            if found:
                self._control(found[1], found[2])
                text = text[found.end() :]
            elif text[0] == "\x1b":
                self._rest = text  # the rest of the sequence is still to come
                return
            else:
                self._put(text[0])
                text = text[1:]

    def resize(self, columns: int) -> None:
        """As tmux and most others do: what was wrapped is joined, and what is too long is wrapped anew."""
        rows: list[str] = []
        goes_on: list[bool] = []
        whole, place = "", (0, 0)
        for number, row in enumerate(self._rows):
            if number == self._row:
                offset = len(whole) + min(self._column, max(0, self.columns - 1))
                place = (len(rows), offset)
            whole += row.ljust(self.columns) if self._goes_on[number] else row
            if not self._goes_on[number]:
                parts = [whole[at : at + columns] for at in range(0, max(1, len(whole)), columns)]
                rows += parts
                goes_on += [True] * (len(parts) - 1) + [False]
                whole = ""
        self.columns, self._rows, self._goes_on = columns, rows, goes_on
        self._row, self._column = place[0] + place[1] // columns, place[1] % columns

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self._column = 0
        elif letter == "\n":
            self._down()
        elif letter.isprintable():
            if self._column == self.columns:
                self._goes_on[self._row] = True
                self._column = 0
                self._down()
            row = self._rows[self._row].ljust(self._column)
            self._rows[self._row] = row[: self._column] + letter + row[self._column + 1 :]
            self._column += 1

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append("")
            self._goes_on.append(False)

    def _control(self, numbers: str, what: str) -> None:
        number = int(numbers) if numbers.isdecimal() else 0
        if what == "A":
            self._row = max(0, self._row - max(1, number))
        elif what == "K":
            assert number == 2, numbers
            self._rows[self._row] = ""
            self._goes_on[self._row] = False
        else:
            assert what in "mhl", f"{numbers}{what}"


class Terminal:
    """The program with *arguments* in a terminal of *columns* and *rows*."""

    def __init__(
        self, program: Program, *arguments: str, columns: int = 80, rows: int = 24, term: str = "xterm", **more: str
    ) -> None:
        self.screen = Screen(columns)
        self._master, slave = os.openpty()
        termios.tcsetwinsize(slave, (rows, columns))
        locale = {"LC_ALL": "C.UTF-8", **more}
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, *arguments], stdin=slave, stdout=slave, stderr=slave, cwd=program.home,
            env={"PATH": os.environ["PATH"], "HOME": str(program.home), "TERM": term, **program.environment, **locale},
        )  # fmt: skip
        os.close(slave)
        self._encoding = "latin-1" if "8859" in locale.get("PYTHONIOENCODING", "") else "utf-8"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)

    def until(self, condition: Callable[[list[str]], object]) -> list[str]:
        """The lines on the screen, as soon as *condition* holds of them."""
        deadline = time.monotonic() + 50
        while not condition(self.screen.lines):
            assert time.monotonic() < deadline, "\n".join(self.screen.lines)
            assert self._read(0.1), "\n".join(self.screen.lines)
        return self.screen.lines

    def end(self) -> tuple[int, list[str]]:
        """The exit code, and the lines that stay."""
        deadline = time.monotonic() + 50
        while self._read(0.1):
            assert time.monotonic() < deadline, "\n".join(self.screen.lines)
        return self._process.wait(), self.screen.lines

    def press(self, key: str) -> None:
        os.write(self._master, key.encode())

    def resize(self, columns: int) -> None:
        self.screen.resize(columns)
        termios.tcsetwinsize(self._master, (24, columns))
        self._process.send_signal(signal.SIGWINCH)

    def _read(self, patience: float) -> bool:
        """Whether the program may print more."""
        if not select.select([self._master], [], [], patience)[0]:
            return True
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # the other end is closed
            return False
        self.screen.write(data.decode(self._encoding))
        return bool(data)
