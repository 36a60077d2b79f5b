"""One value from the file, the environment or the command line, checked and turned into what the program works with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Container, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from bandersnatch.config import scalars, spelling, syntax
from bandersnatch.config.option import Kind, Option
from bandersnatch.upstream.address import conceal
from bandersnatch.values import Struct

Value: TypeAlias = scalars.Scalar | tuple[str, ...] | Mapping[str, tuple[str, ...]] | None
"""Bytes, seconds and shares are numbers, a datetime is in UTC, a timedelta is how long ago; None: not set."""

ADDRESSES = frozenset({Kind.ADDRESS, Kind.HTTPS, Kind.PROXY, Kind.HOST})
_ADDRESS = re.compile(r"\s*[a-z0-9+.-]+:/|[^@]*//|[^@]*:[^@]*@", re.DOTALL | re.IGNORECASE)
"""How addresses begin, mistyped ones among them: with a scheme, or with a user and a password."""
_MAX_SHOWN = 60


class Fault(Struct, frozen=True):
    """What is wrong with a value, or with something in it."""

    message: str
    path: tuple[str | int, ...] = ()
    """Where in the value: the key of a table, the position in a list."""


def read(option: Option, raw: object) -> tuple[Value, tuple[Fault, ...]]:
    """The value of *option* from *raw*, in the types of TOML, and what is wrong with it. Faulty items are left out."""
    if option.table:
        return _read_table(option, raw)
    if option.many:
        return _read_list(option, raw)
    try:
        return _read_one(option, raw), ()
    except ValueError as error:
        return None, (Fault(str(error)),)


def from_text(option: Option, text: str) -> object:
    """*text* of a variable or an argument in the types of TOML; unchanged where it is not of the form."""
    if option.many or option.table:
        return _in_toml(text)
    if option.kind is Kind.SWITCH or option.switch:
        return {"true": True, "false": False}.get(text, text)
    if option.kind is Kind.NUMBER and re.match(r"[0-9]{1,9}\Z", text):
        return int(text)
    return text


def described(raw: object, *, address: bool = False) -> str:
    """*raw* in the words of a message, without the password or the token that an *address* may hold."""
    match raw:
        case str():
            text = scalars.CONTROL.sub("?", conceal(raw) if address or _ADDRESS.match(raw) else raw)
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
    return _read_items(raw, lambda one: str(_read_one(option, one)), scalars.SAME.get(option.kind, str))


def _read_table(option: Option, raw: object) -> tuple[Value, tuple[Fault, ...]]:
    if not isinstance(raw, Mapping):
        wanted = '{ FIELD = ["PATTERN", …], … } with fields of core metadata'
        return MappingProxyType({}), (Fault(f"wants a table {wanted}; not {described(raw)}"),)
    table: dict[str, tuple[str, ...]] = {}
    faults: list[Fault] = []
    for key, patterns in raw.items():
        try:
            field = _field(key, table)
            table[field], wrong = _read_patterns(option, field, patterns)
        except ValueError as error:
            wrong = (Fault(str(error)),)
        faults += [Fault(fault.message, (key, *fault.path)) for fault in wrong]
    return MappingProxyType(table), tuple(faults)


def _read_patterns(option: Option, field: str, raw: object) -> tuple[tuple[str, ...], tuple[Fault, ...]]:
    if not isinstance(raw, (list, tuple)) or not raw:
        there = "an empty one" if isinstance(raw, (list, tuple)) else described(raw)
        raise ValueError(f"{field} wants a list, each item {option.wanted}; not {there}")

    def read_one(one: object) -> str:
        try:
            syntax.metadata_pattern(field, scalars.text_of(one))
        except ValueError as error:
            raise _unwanted(f"{field} wants {option.wanted}", described(one), error) from error
        return str(one)

    return _read_items(raw, read_one, str)


def _field(written: str, taken: Container[str]) -> str:
    """The field of core metadata that is *written* in any spelling."""
    from bandersnatch.selection.metadata import FIELDS

    field = written.lower().replace("_", "-")
    shown = spelling.printable(written)
    if field not in FIELDS:
        near = spelling.nearest(field, sorted(FIELDS))
        hint = f'; did you mean "{near}"?' if near else "; the names are those of its headers, such as classifier"
        raise ValueError(f"core metadata has no field {shown}{hint}")
    if field in taken:
        raise ValueError(f"the field {shown} is there twice; keep one of the two")
    return field


def _read_items(
    raw: Iterable[object], read_one: Callable[[object], str], same: Callable[[str], str]
) -> tuple[tuple[str, ...], tuple[Fault, ...]]:
    """What *read_one* makes of each item; one that is the *same* as another is one too many."""
    items: dict[str, str] = {}
    faults: list[Fault] = []
    for number, one in enumerate(raw):
        try:
            item = read_one(one)
            key = same(item)
            if key in items:
                raise ValueError(f"{described(item)} repeats {described(items[key])}; keep one of the two")
            items[key] = item
        except ValueError as error:
            faults.append(Fault(str(error), (number,)))
    return tuple(items.values()), tuple(faults)


def _read_one(option: Option, raw: object) -> Value:
    """Raises ValueError, in the words of a problem."""
    if raw == "" and option.default == "":
        return None
    if option.switch and isinstance(raw, bool):
        return option.switch[0 if raw else 1]
    try:
        value = scalars.READERS[option.kind](raw)
        _check_range(option, value)
    except ValueError as error:
        there = _sort_of(raw) if option.secret else described(raw, address=option.kind in ADDRESSES)
        raise _unwanted(f"wants {option.wanted}", there, error) from error
    return value


def _unwanted(wants: str, there: str, error: ValueError) -> ValueError:
    """The words of a problem: what is wanted, what is there instead, and why that will not do, if *error* says."""
    reason = f": {error}" if str(error) else ""
    return ValueError(f"{wants}; not {there}{reason}")


def _check_range(option: Option, value: Any) -> None:
    """Raises ValueError without words: what is wanted says it all."""
    if option.choices and value not in option.choices:
        raise ValueError
    if option.minimum is not None and value < option.minimum:
        raise ValueError
    if option.maximum is not None and value > option.maximum:
        raise ValueError


def _in_toml(text: str) -> object:
    """The list or the table that *text* writes as the file would, or *text* itself."""
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return document["value"] if len(document) == 1 else text
