"""Who we are to upstream: where credentials are looked for, and the value that never shows its secret."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path

from bandersnatch.errors import Problem, UsageError
from bandersnatch.upstream.address import Address
from bandersnatch.values import Struct

_TOKEN = re.compile(r"[!-~]+\Z")


class Credentials(Struct, frozen=True):
    """A user and a password (RFC 7617), or, without a user, a bearer token (RFC 6750). Raises UsageError."""

    secret: str
    user: str | None = None

    def __post_init__(self) -> None:
        if self.user is None and not _TOKEN.match(self.secret):
            raise UsageError(Problem("the token must be one word, of ASCII characters", key="[upstream] token"))

    def __repr__(self) -> str:
        return "Credentials(***)"

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        if self.user is None:
            return f"Bearer {self.secret}"
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()


def find(url: str, environ: Mapping[str, str], *, token_file: Path | None = None) -> Credentials | None:
    """
    The credentials for *url* that files hold: *token_file*, else netrc (``$NETRC`` or ``~/.netrc``); None for none.

    Raises UsageError for a file that cannot be read, or a token that cannot be sent.
    """
    return _from_file(token_file) or _from_netrc(url, environ)


def netrc_file(environ: Mapping[str, str]) -> Path:
    """Where netrc is, if there is one."""
    named = environ.get("NETRC")
    return Path(named) if named else Path(environ.get("HOME", "~")).expanduser() / ".netrc"


def _from_file(token_file: Path | None) -> Credentials | None:
    if token_file is None:
        return None
    try:
        token = token_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise UsageError(Problem(f"the token cannot be read: {reason}", file=str(token_file))) from None
    if not token or len(token.split()) > 1:
        raise UsageError(Problem("the file must hold one token and nothing else", file=str(token_file)))
    return Credentials(token)


def _from_netrc(url: str, environ: Mapping[str, str]) -> Credentials | None:
    path = netrc_file(environ)
    try:
        os.stat(path)
    except FileNotFoundError:
        return None  # as for most, who need not load what reads it
    except OSError as error:
        raise UsageError(Problem(f"netrc cannot be read: {error.strerror}", file=str(path))) from None
    import netrc

    try:
        entry = netrc.netrc(str(path)).authenticators(Address.parse(url).host)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(Problem(f"netrc cannot be read: {error.strerror}", file=str(path))) from None
    except (netrc.NetrcParseError, UnicodeDecodeError) as error:
        # Neither its text nor the error itself goes on: both quote the line, which may hold the password.
        line = error.lineno if isinstance(error, netrc.NetrcParseError) else None
        raise UsageError(Problem("netrc cannot be read: it is malformed", file=str(path), line=line)) from None
    if entry is None:
        return None
    user, account, password = entry
    return Credentials(password or "", user or account or "")
