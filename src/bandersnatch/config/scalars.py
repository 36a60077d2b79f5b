"""One value of each kind: checked, and turned into what the program works with.

Every function raises ValueError with a reason for a person, or without words where what is wanted says it all.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from bandersnatch import layout, names
from bandersnatch.config import syntax, values
from bandersnatch.config.option import Kind

Scalar: TypeAlias = str | int | float | bool | datetime | timedelta
"""What one value is read as."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?\.?\Z", re.IGNORECASE)


def text_of(raw: object) -> str:
    """Text that is not empty, on one line."""
    if not isinstance(raw, str):
        raise ValueError
    if not raw:
        raise ValueError("it is empty")
    if CONTROL.search(raw):
        raise ValueError("it holds a control character")
    if raw != raw.strip():
        raise ValueError("it begins or ends with a space")
    return raw


def _switch(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise ValueError
    return raw


def _number(raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise ValueError
    return raw


def _size(raw: object) -> int:
    if isinstance(raw, str):
        return values.parse_size(text_of(raw))
    if not 0 <= _number(raw) <= values.MAX_BYTES:
        raise ValueError("no disk has so many bytes")
    return _number(raw)


def _path(raw: object) -> str:
    path = text_of(raw)
    if path.startswith("~"):
        raise ValueError("~ is not expanded here")
    if not posixpath.isabs(path):
        raise ValueError('it has to begin with "/"')
    if posixpath.normpath(path) in ("/", "//"):
        raise ValueError("that is the root of everything")
    return path


def _key(raw: object) -> str:
    key = text_of(raw)
    parts = key.split("/")
    if not all(map(names.is_filename, parts)):
        raise ValueError("its parts are names of files and folders, between slashes")
    if layout.is_taken(parts[0]):
        raise ValueError(f"{parts[0]} is where pages or files of the index are")
    return key


def _address(raw: object, schemes: tuple[str, ...] = ("https", "http"), userinfo: bool = False) -> str:
    text = text_of(raw)
    if not text.isascii() or re.search(r'[\s\\<>"]', text):
        raise ValueError("an address is ASCII, without spaces, quotes or backslashes")
    parts = _split(text)
    if parts.scheme not in schemes:
        raise ValueError(f"it has to begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if "@" in parts.netloc and not userinfo:
        raise ValueError("user and password have keys of their own, username and password")
    if "?" in text or "#" in text:
        raise ValueError('it cannot have a part after "?" or "#"')
    return text


def _host(raw: object) -> str:
    text = text_of(raw)
    parts = _split(f"//{text}")
    if text != parts.netloc or "@" in text:
        raise ValueError('it is "host" or "host:port", nothing before and nothing after')
    return text


def _split(text: str) -> SplitResult:
    """The parts of an address, its host and port checked. What the library says of a bad one could quote a password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("its host or its port cannot be read") from None
    host = parts.hostname or ""
    if port == 0 or not (_is_ipv6(host) if ":" in host else _HOST.match(host)):
        raise ValueError("it has no usable host and port")
    return parts


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def _moment(raw: object) -> datetime | timedelta:
    return _date(raw) if isinstance(raw, date) else values.parse_moment(text_of(raw))


def _date(raw: object) -> datetime:
    """TOML has times of its own, without quotes; they are as good."""
    return values.as_utc(raw) if isinstance(raw, date) else values.parse_date(text_of(raw))


def _item(kind: Kind, raw: object) -> str:
    text = text_of(raw)
    SAME[kind](text)
    return text


SAME: dict[Kind, Callable[[str], str]] = {
    Kind.PROJECT: syntax.project,
    Kind.WHOLE_PROJECT: syntax.whole_project,
    Kind.PIN: syntax.pin,
    Kind.ADVISORY: syntax.advisory,
    Kind.ADVISORY_OR_VERSIONS: syntax.advisory_or_versions,
    Kind.VERSION_PATTERN: syntax.version_pattern,
    Kind.FILENAME_PATTERN: syntax.filename_pattern,
    Kind.EXCLUDED_PLATFORM: syntax.excluded_platform,
    Kind.EXCLUDED_PYTHON: syntax.excluded_python,
    Kind.PYTHON: syntax.python,
    Kind.FILE: syntax.file,
    Kind.DEPENDENCY_VERSIONS: syntax.dependency_versions,
}
"""What is equal for two items of a kind that say the same."""

READERS: dict[Kind, Callable[[object], Scalar]] = {
    Kind.TEXT: text_of,
    Kind.SWITCH: _switch,
    Kind.NUMBER: _number,
    Kind.SIZE: _size,
    Kind.DURATION: lambda raw: values.parse_duration(text_of(raw)),
    Kind.RATE: lambda raw: values.parse_rate(text_of(raw)),
    Kind.RATIO: lambda raw: values.parse_ratio(text_of(raw)),
    Kind.PATH: _path,
    Kind.KEY: _key,
    Kind.ADDRESS: _address,
    # Keys are appended to it.
    Kind.HTTPS: lambda raw: _address(raw, schemes=("https",)).removesuffix("/") + "/",
    Kind.PROXY: lambda raw: _address(raw, schemes=("http", "https", "socks5", "socks5h"), userinfo=True),
    Kind.HOST: _host,
    Kind.MOMENT: _moment,
    Kind.DATE: _date,
    **{kind: partial(_item, kind) for kind in SAME},
}
