"""uv as the resolver: ``uv pip compile`` in an environment where it can see nothing but the index it is given."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bandersnatch import names
from bandersnatch.errors import Conflict, UpstreamError, UsageError
from bandersnatch.resolver import process
from bandersnatch.resolver.base import Pin, Target, read_requirements

MAX_OUTPUT = 16 << 20
MAX_MESSAGE = 8_000
"""Characters of an explanation that are passed on; longer ones lose their middle."""

_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;#]+)(?:\s*#\s*via (?P<via>.+))?\Z")
_INHERITED = ("PATH", "LANG", "SYSTEMROOT")
_NO_WHEELS = "building from source is disabled"


def find(environment: Mapping[str, str]) -> str:
    """The program: the package's, one on the PATH, or in the user's own folder, which cron's PATH has not."""
    with suppress(ImportError, FileNotFoundError):
        from uv import find_uv_bin

        return find_uv_bin()
    own = [f"{environment['HOME']}/.local/bin"] if "HOME" in environment else []
    found = shutil.which("uv", path=os.pathsep.join([environment.get("PATH", os.defpath), *own]))
    if found is None:
        raise UsageError(
            "dependencies are resolved by uv, which is not there: put it on the PATH (pipx install uv),"
            f" or beside bandersnatch ({sys.executable} -m pip install uv)"
        )
    return found


class UvResolver:
    """
    Implements ``resolver.base.Resolver``. *environment* gives the PATH, and no more. *timeout*: seconds for one answer.

    Nothing is kept from one resolution to the next, so that what is found is what the index has now.
    """

    def __init__(self, program: str, environment: Mapping[str, str], *, timeout: float = 900.0) -> None:
        self._program = program
        self._environment = environment
        self._timeout = timeout

    async def resolve(
        self,
        requirements: Sequence[str],
        target: Target,
        index: str,
        *,
        constraints: Sequence[str] = (),
        build: bool = False,
    ) -> tuple[Pin, ...]:
        """As the port says."""
        wanted = _lines(requirements)
        with _home(_lines(constraints)) as home:
            command = [self._program, *_options(target, build=build)]
            done = await self._run(command, self._clean(home, index) | dict(target.variables), home, wanted)
        if done.code:
            raise _failure(done, target, index)
        return tuple(_pins(done.out))

    async def _run(self, command: Sequence[str], environment: Mapping[str, str], home: str, stdin: str) -> process.Done:
        try:
            return await process.run(command, environment, home, stdin, seconds=self._timeout, limit=MAX_OUTPUT)
        except TimeoutError:
            raise UpstreamError(f"resolving took longer than {self._timeout:.0f} s") from None
        except process.TooLoud as error:
            raise UpstreamError(f"uv wrote {error}") from error
        except OSError as error:
            raise UsageError(f"{self._program} cannot be run: {error.strerror}") from error

    def _clean(self, home: str, index: str) -> dict[str, str]:
        """
        What uv may know of this machine: no proxy, and no variable of its own that could add an index.

        The index is in the environment and not on the command line, which every user can read. How long an answer of
        it takes is for the index to say.
        """
        kept = {name: value for name in _INHERITED if (value := self._environment.get(name))}
        own = {"UV_PYTHON_DOWNLOADS": "never", "UV_DEFAULT_INDEX": index, "UV_HTTP_TIMEOUT": f"{self._timeout:.0f}"}
        return kept | {"HOME": home, "TMPDIR": home} | own


def _options(target: Target, *, build: bool) -> list[str]:
    return [
        *("pip", "compile", "-", "--constraints", "constraints.txt"),
        *("--no-config", "--no-header", "--annotation-style", "line", "--color", "never", "--no-progress"),
        *("--python", sys.executable, "--no-python-downloads", "--python-version", target.python),
        *(["--python-platform", target.platform] if target.platform else []),
        *([] if build else ["--no-build"]),
        *("--keyring-provider", "disabled", "--no-cache"),
    ]


@contextmanager
def _home(constraints: str) -> Iterator[str]:
    """A temporary directory, in which uv keeps all that it would otherwise keep elsewhere."""
    with tempfile.TemporaryDirectory(prefix="bandersnatch-") as home:
        Path(home, "constraints.txt").write_text(constraints, "utf-8")
        yield home


def _lines(requirements: Sequence[str]) -> str:
    """*requirements* as uv's input: written anew, so that none of them can be an option."""
    return "".join(f"{requirement}\n" for requirement in read_requirements(requirements))


def _pins(out: str) -> list[Pin]:
    pins = []
    for line in filter(None, map(str.strip, out.splitlines())):
        found = _PIN.match(line)
        if found is None or not names.is_normalised(found["name"]):
            raise UpstreamError(f"uv answered with a line that is no pinned version: {line[:200]!r}")
        via = (one.strip() for one in (found["via"] or "").split(","))
        pins.append(Pin(found["name"], found["version"], tuple(one for one in via if names.is_normalised(one))))
    return pins


def _failure(done: process.Done, target: Target, index: str) -> Conflict | UpstreamError:
    text = _shortened("\n".join(line for line in done.err.splitlines() if not line.startswith("warning:")).strip())
    text = text.replace(index, "the index/")
    text = text.removeprefix("error: ") or f"uv ended with code {done.code} and said nothing"
    if "No solution found" not in text:
        return UpstreamError(f"{target}: {text}")
    if _NO_WHEELS in text:
        text += "\n\nOnly wheels were considered; with --build, source distributions are too."
    return Conflict(text)


def _shortened(text: str) -> str:
    half = MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[:half]}\n[…]\n{text[-half:]}"
