"""A shell that types what a page shows, in a home of its own, with an upstream of its own in place of PyPI."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from bandersnatch.testing import Index, UpstreamServer

PORT = "8080"
"""On the pages; another one that is free takes its place, the one change that is made to a command."""

HOME = "/home/you"
"""On the pages, in what commands print."""

_END = "end-of-command"

_NOTICE = re.compile(r"\[\d+\][+ -]")
"""How bash tells of a job that has ended, whenever it gets to it."""


def fill(index: Index) -> None:
    """What PyPI has of the projects on the pages, in small; and a list as long as PyPI's is for so few names."""
    for number in range(18):
        index.upload("six", f"1.{number}.0", python="py2.py3")
        index.upload("six", f"1.{number}.0", kind="sdist")
    for number in range(1, 21):
        index.upload("idna", f"3.{number}")
        index.upload("idna", f"3.{number}", kind="sdist")
    for number in range(6):
        index.upload("iniconfig", f"2.{number}.0")
        index.upload("iniconfig", f"2.{number}.0", kind="sdist")
    index.upload("certifi", "2025.10.5")
    index.upload("certifi", "2026.11.12", upload_time=datetime.now(UTC) - timedelta(days=1))
    for version in ("2.31.0", "2.32.0", "2.32.5"):
        index.upload("requests", version, requires_dist=["certifi>=2017.4.17", "idna>=2.5,<4"])
    for number in range(20_000):
        index.create(f"a-project-with-quite-a-long-name-number-{number}")


class Session:
    """Runs commands one after the other in one bash; folders, variables and jobs stay, as they would for a reader."""

    def __init__(self, home: Path, upstream: UpstreamServer) -> None:
        self.home = home
        self._port = _free_port()
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=home,
            env=_environment(home, upstream.url),
            start_new_session=True,
        )
        self._type("set -m")  # so that %1 is a job

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in self.run("jobs -p")[0].split():  # each job is a group of its own
            with suppress(ProcessLookupError):
                os.killpg(int(number), signal.SIGKILL)
        self._bash.communicate()

    def run(self, command: str) -> tuple[str, int]:
        """What *command* prints on both channels, and its exit code, which the next command sees as ``$?``."""
        assert self._bash.stdout is not None
        self._type(
            f"{{ {command.replace(PORT, self._port)}\n}} </dev/null; code=$?; echo; echo {_END} $code; (exit $code)"
        )
        lines: list[str] = []
        while not (line := self._bash.stdout.readline()).startswith(_END):
            assert line, f"the shell ended at: {command}"
            if not _NOTICE.match(line):
                lines.append(line)
        printed = "".join(lines).removesuffix("\n")
        return printed, int(line.split()[1])

    def expected(self, shown: str) -> re.Pattern[str]:
        """
        What fits *shown*: the same but for numbers, units of size and time, and what an ellipsis stands for.

        A line that is only an ellipsis stands for any lines, one within a line for any text.
        """
        pattern = re.escape(shown.replace(HOME, str(self.home)))
        pattern = re.sub(r"^…\\\n", lambda _: "(?:.*\n)*?", pattern, flags=re.M).replace("…", ".*?")
        return re.compile(_NUMBER.sub(_any_number, pattern))

    def _type(self, line: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{line}\n")
        self._bash.stdin.flush()


_UNIT = r"(?:B|KiB|MiB|GiB|TiB|s|min|h)\b"
_NUMBER = re.compile(rf"(?<![\w.])\d[\d,]*(?:\\\.\d+)?(?P<unit>\\ {_UNIT})?(?:\\ \d+\\ {_UNIT})?")


def _any_number(found: re.Match[str]) -> str:
    return rf"\d[\d,.]*(?: {_UNIT})?(?: \d+ {_UNIT})?" if found["unit"] else r"\d[\d,.]*"


def _environment(home: Path, upstream: str) -> dict[str, str]:
    """The home, programs and variables of a reader who has just installed bandersnatch, in two ways."""
    for folder in (home / ".venv" / "bin", home / ".local" / "bin"):
        folder.mkdir(parents=True)
        _script(folder / "bandersnatch", f'exec "{sys.executable}" -m bandersnatch "$@"')
    _script(home / ".local/bin/python3", f'exec "{sys.executable}" "$@"')
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    assert uv, "uv is one of the tools that the tests are installed with"
    for place in (".local/bin", ".venv/bin"):
        (home / place / "uv").symlink_to(uv)
    return {
        "PATH": f"{home / '.local/bin'}:{os.environ.get('PATH', os.defpath)}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "BANDERSNATCH_MIRROR_UPSTREAM": upstream,
        "BANDERSNATCH_MIRROR_RESERVE": "0",
        "NO_PROXY": "127.0.0.1",
        # Neither may read this machine's own configuration, nor ask anybody but the mirror.
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])
