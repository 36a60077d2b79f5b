"""One value from the file, the environment or the command line, checked and turned into what the program works with."""

from __future__ import annotations

import ipaddress
import posixpath
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import SplitResult, urlsplit

from bandersnatch.config import values
from bandersnatch.config.option import Kind, Option
from bandersnatch.errors import UsageError
from bandersnatch.selection.requirements import Selection

Value: TypeAlias = str | int | float | bool | tuple[str, ...] | None
"""Bytes, seconds and shares are numbers; an empty optional value is None."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?\.?\Z", re.IGNORECASE)
_USERINFO = re.compile(r"//.*@", re.DOTALL)
_MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a value; with one item of it, if it is a list."""

    message: str
    item: int | None = None


def read(option: Option, raw: object) -> tuple[Value, tuple[Fault, ...]]:
    """The value of *option* from *raw*, in the types of TOML, and what is wrong with it. Faulty items are left out."""
    if option.many:
        return _read_list(option, raw)
    try:
        return _read_one(option, raw), ()
    except ValueError as error:
        return None, (Fault(str(error)),)


def from_text(option: Option, text: str) -> object:
    """*text* of a variable or an argument in the types of TOML; unchanged where it is not of the form."""
    if option.many:
        return _list_in(text)
    if option.kind is Kind.SWITCH:
        return {"true": True, "false": False}.get(text, text)
    if option.kind is Kind.NUMBER and re.match(r"[0-9]{1,9}\Z", text):
        return int(text)
    return text


def described(raw: object) -> str:
    """*raw* in the words of a message, without the password that an address may hold."""
    match raw:
        case str():
            text = _CONTROL.sub("?", _USERINFO.sub("//***@", raw))
            return f'"{text}"' if len(text) <= _MAX_SHOWN else f'"{text[:_MAX_SHOWN]}…"'
        case bool():
            return "true" if raw else "false"
        case int() | float() if abs(raw) < 10**18:
            return f"the number {raw}"
        case _:
            return _sort_of(raw)


def _sort_of(raw: object) -> str:
    """What *raw* is, without its content."""
    match raw:
        case str():
            return "this text"
        case bool() | int() | float():
            return "a number" if not isinstance(raw, bool) else "true or false"
        case list() | tuple():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or a time"


def _read_list(option: Option, raw: object) -> tuple[Value, tuple[Fault, ...]]:
    if not isinstance(raw, (list, tuple)):
        return (), (Fault(f"wants a list, each item {option.wanted}; not {described(raw)}"),)
    items: list[str] = []
    faults = []
    seen: dict[str, dict[str, str]] = {}
    for number, one in enumerate(raw):
        try:
            item = str(_read_one(option, one))
            _refuse_repetition(option, item, seen)
            items.append(item)
        except ValueError as error:
            faults.append(Fault(str(error), number))
    return tuple(items), tuple(faults)


def _read_one(option: Option, raw: object) -> Value:
    """Raises ValueError, in the words of a problem."""
    if raw == "" and option.default == "":
        return None
    try:
        value = _READERS[option.kind](raw)
        _check_range(option, value)
    except ValueError as error:
        there = _sort_of(raw) if option.secret else described(raw)
        reason = f": {error}" if str(error) else ""
        raise ValueError(f"wants {option.wanted}; not {there}{reason}") from error
    return value


def _check_range(option: Option, value: Any) -> None:
    """Raises ValueError without words: what is wanted says it all."""
    if option.choices and value not in option.choices:
        raise ValueError
    if option.minimum is not None and value < option.minimum:
        raise ValueError
    if option.maximum is not None and value > option.maximum:
        raise ValueError


def _refuse_repetition(option: Option, item: str, seen: dict[str, dict[str, str]]) -> None:
    """Raises ValueError if *item* adds nothing to those *seen* (name, versions, text), or nothing is left of them."""
    name, versions = _named(item) if option.kind is Kind.REQUIREMENT else (item, "")
    for others, text in seen.setdefault(name, {}).items():
        if versions == others or not versions or not others:
            raise ValueError(f"{described(item)} repeats {described(text)}, or makes it pointless; keep one of the two")
    seen[name][versions] = item


def _named(requirement: str) -> tuple[str, str]:
    """The normalised name in *requirement*, and the versions, "" being all."""
    ((name, (versions,)),) = Selection.of([requirement]).ranges.items()
    return name, str(versions)


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError
    if not raw:
        raise ValueError("it is empty")
    if _CONTROL.search(raw):
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
        return values.parse_size(_text(raw))
    if not 0 <= _number(raw) <= values.MAX_BYTES:
        raise ValueError("no disk has so many bytes")
    return _number(raw)


def _path(raw: object) -> str:
    path = _text(raw)
    if path.startswith("~"):
        raise ValueError("~ is not expanded here")
    if not posixpath.isabs(path):
        raise ValueError('it has to begin with "/"')
    if posixpath.normpath(path) in ("/", "//"):
        raise ValueError("that is the root of everything")
    return path


def _address(raw: object, schemes: tuple[str, ...] = ("https", "http"), userinfo: bool = False) -> str:
    text = _text(raw)
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
    text = _text(raw)
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


def _requirement(raw: object) -> str:
    text = _text(raw)
    try:
        Selection.of([text])
    except UsageError as error:
        raise ValueError(error.problems[0].message.removeprefix(f"{text!r}: ")) from error
    except RecursionError:
        raise ValueError("its marker is nested too deeply") from None
    return text


def _list_in(text: str) -> object:
    """The list that *text* writes as the file would, or *text* itself."""
    try:
        document = tomllib.loads(f"list = {text}")
    except (ValueError, RecursionError):
        return text
    return document["list"] if len(document) == 1 else text


_READERS: dict[Kind, Callable[[object], Value]] = {
    Kind.TEXT: _text,
    Kind.SWITCH: _switch,
    Kind.NUMBER: _number,
    Kind.SIZE: _size,
    Kind.DURATION: lambda raw: values.parse_duration(_text(raw)),
    Kind.RATE: lambda raw: values.parse_rate(_text(raw)),
    Kind.RATIO: lambda raw: values.parse_ratio(_text(raw)),
    Kind.PATH: _path,
    Kind.ADDRESS: _address,
    # Keys are appended to it.
    Kind.HTTPS: lambda raw: _address(raw, schemes=("https",)).removesuffix("/") + "/",
    Kind.PROXY: lambda raw: _address(raw, schemes=("http", "https", "socks5", "socks5h"), userinfo=True),
    Kind.HOST: _host,
    Kind.REQUIREMENT: _requirement,
}
