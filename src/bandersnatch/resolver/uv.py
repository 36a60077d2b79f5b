"""uv as the resolver: ``uv pip compile`` in an environment where it can see nothing but the index it is given."""

from __future__ import annotations

import re
import shutil
import ssl
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bandersnatch import names
from bandersnatch.errors import Conflict, Problem, UpstreamError, UsageError
from bandersnatch.resolver import process
from bandersnatch.resolver.base import Index, Pin, Target, read_requirements

MAX_OUTPUT = 16 << 20
MAX_MESSAGE = 8_000
"""Characters of an explanation that are passed on; longer ones lose their middle."""

_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;#]+)(?:\s*#\s*via (?P<via>.+))?\Z")
_INHERITED = (
    "PATH", "LANG", "SYSTEMROOT", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip
_NO_WHEELS = "building from source is disabled"


def find(environment: Mapping[str, str]) -> str:
    """The program: that of the package ``uv``, else the one on the PATH. Raises UsageError if there is none."""
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv", path=environment.get("PATH"))
    if found is None:
        raise UsageError(
            "dependencies are resolved by uv, which is not installed: pip install 'bandersnatch[closure]',"
            " or put uv on the PATH"
        )
    return found


class UvResolver:
    """
    Implements ``resolver.base.Resolver``. *environment* gives the PATH, proxies and certificates, and no more.

    *cache*: a directory that is uv's alone and speeds up the next resolution; None keeps nothing, so that what is
    found is what the index has now. *timeout* is in seconds, for one resolution.
    """

    def __init__(
        self, program: str, environment: Mapping[str, str], *, cache: Path | None = None, timeout: float = 900.0
    ) -> None:
        self._program = program
        self._environment = environment
        self._cache = cache
        self._timeout = timeout

    async def resolve(
        self,
        requirements: Sequence[str],
        target: Target,
        index: Index,
        *,
        constraints: Sequence[str] = (),
        exclude_newer: str | None = None,
        build: bool = False,
    ) -> tuple[Pin, ...]:
        """As the port says."""
        wanted = _lines(requirements)
        with _home(_lines(constraints)) as home:
            command = [self._program, *self._options(target, exclude_newer, build=build)]
            environment = self._clean(home) | _access(index, home) | dict(target.variables)
            done = await self._run(command, environment, home, wanted, index)
        if done.code:
            raise _failure(done, target, index)
        return tuple(_pins(done.out))

    def _options(self, target: Target, exclude_newer: str | None, *, build: bool) -> list[str]:
        cache = ["--cache-dir", str(self._cache)] if self._cache else ["--no-cache"]
        return [
            *("pip", "compile", "-", "--constraints", "constraints.txt"),
            *("--no-config", "--no-header", "--annotation-style", "line", "--color", "never", "--no-progress"),
            *("--python", sys.executable, "--no-python-downloads", "--python-version", target.python),
            *(["--python-platform", target.platform] if target.platform else []),
            *(["--exclude-newer", exclude_newer] if exclude_newer else []),
            *([] if build else ["--no-build"]),
            *("--keyring-provider", "disabled"),
            *cache,
        ]

    async def _run(
        self, command: Sequence[str], environment: Mapping[str, str], home: str, stdin: str, index: Index
    ) -> process.Done:
        try:
            return await process.run(command, environment, home, stdin, seconds=self._timeout, limit=MAX_OUTPUT)
        except TimeoutError:
            raise UpstreamError(f"resolving took longer than {self._timeout:.0f} s", url=index.url) from None
        except process.TooLoud as error:
            raise UpstreamError(f"uv wrote {error}", url=index.url) from error
        except OSError as error:
            raise UsageError(f"{self._program} cannot be run: {error.strerror}") from error

    def _clean(self, home: str) -> dict[str, str]:
        """What uv may know of this machine. Its own variables are not among it: one could add an index."""
        kept = {name: value for name in _INHERITED if (value := self._environment.get(name))}
        return kept | {"HOME": home, "TMPDIR": home, "UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "true"}


@contextmanager
def _home(constraints: str) -> Iterator[str]:
    """A temporary directory, in which uv keeps all that it would otherwise keep elsewhere."""
    with tempfile.TemporaryDirectory(prefix="bandersnatch-") as home:
        Path(home, "constraints.txt").write_text(constraints, "utf-8")
        yield home


def _lines(requirements: Sequence[str]) -> str:
    """*requirements* as uv's input: written anew, so that none of them can be an option."""
    return "".join(f"{requirement}\n" for requirement in read_requirements(requirements))


def _access(index: Index, home: str) -> dict[str, str]:
    """
    The index and how to reach it, in environment variables: a command line can be read by every user.

    An index that has a name takes its credentials from variables of their own, so that no message can show them.
    """
    if index.password is not None and index.user is None:
        raise UsageError("uv cannot send a token by itself: give the index a user name, too ([upstream] username)")
    given = {"UV_DEFAULT_INDEX": f"given={index.url}"}
    if index.user is not None:
        given |= {"UV_INDEX_GIVEN_USERNAME": index.user, "UV_INDEX_GIVEN_PASSWORD": index.password or ""}
    if index.client_certificate:
        given["SSL_CLIENT_CERT"] = index.client_certificate
    if index.proxy:
        given["ALL_PROXY"] = given["HTTPS_PROXY"] = given["HTTP_PROXY"] = index.proxy
    if index.ca_file:
        given["SSL_CERT_FILE"] = _with_system_authorities(index.ca_file, home)
    return given


def _with_system_authorities(ca_file: str, home: str) -> str:
    """A file with the authorities of *ca_file* and the system's, since SSL_CERT_FILE replaces these."""
    try:
        own = Path(ca_file).read_bytes()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", file=ca_file)) from error
    system = ssl.get_default_verify_paths().cafile
    both = Path(home, "authorities.pem")
    both.write_bytes(own + b"\n" + (Path(system).read_bytes() if system else b""))
    return str(both)


def _pins(out: str) -> list[Pin]:
    pins = []
    for line in filter(None, map(str.strip, out.splitlines())):
        found = _PIN.match(line)
        if found is None or not names.is_normalised(found["name"]):
            raise UpstreamError(f"uv answered with a line that is no pinned version: {line[:200]!r}")
        via = (one.strip() for one in (found["via"] or "").split(","))
        pins.append(Pin(found["name"], found["version"], tuple(one for one in via if names.is_normalised(one))))
    return pins


def _failure(done: process.Done, target: Target, index: Index) -> Conflict | UpstreamError:
    text = _shortened("\n".join(line for line in done.err.splitlines() if not line.startswith("warning:")).strip())
    text = text.removeprefix("error: ") or f"uv ended with code {done.code} and said nothing"
    if "No solution found" not in text:
        return UpstreamError(f"{target}: {text}", url=index.url)
    if _NO_WHEELS in text:
        text += "\n\nOnly wheels were considered; with --build, source distributions are too."
    return Conflict(text)


def _shortened(text: str) -> str:
    half = MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[:half]}\n[…]\n{text[-half:]}"
