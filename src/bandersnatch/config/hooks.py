"""The tables ``[hooks.NAME]``: read into hooks, and shown without what is secret in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bandersnatch.config import spelling, values
from bandersnatch.config.scalars import CONTROL
from bandersnatch.config.write import MASK
from bandersnatch.errors import Problem, UsageError
from bandersnatch.hooks.base import Form, Hook, Occasion, masked

Word = TypeVar("Word", bound=StrEnum)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_LONGEST = 24 * 3600.0


def read(name: str, table: Mapping[str, object]) -> Hook:
    """
    The hook that *table*, ``[hooks.NAME]``, describes.

    Raises UsageError with all problems; their keys begin with ``hooks.NAME``, and no secret is in them.
    """
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    prefix = f"hooks.{name}"
    if not _NAME.match(name):
        problems.append(Problem("a name has letters, digits, dashes and underscores only", key=prefix))
    for key, raw in table.items():
        if key not in _READERS:
            near = spelling.nearest(key, list(_READERS))
            hint = f'; did you mean "{near}"?' if near else f"; there are {', '.join(_READERS)}"
            problems.append(Problem(f"unknown key{hint}", key=f"{prefix}.{key}"))
            continue
        field, reader = _READERS[key]
        try:
            found[field] = reader(raw)
        except ValueError as error:
            problems.append(Problem(str(error), key=f"{prefix}.{key}"))
    problems += [Problem(message, key=prefix) for message in _missing(table)]
    if problems:
        raise UsageError(*problems)
    return Hook(name, **found)


def shown(hook: Hook) -> dict[str, object]:
    """The table again, as it may be shown to anybody: of a URL its host, of headers their names."""
    called = {"command": list(hook.command)} if hook.command else {"url": masked(hook.url or "")}
    return {
        "on": list(map(str, hook.on)),
        **called,
        **({"headers": dict.fromkeys(hook.headers, MASK)} if hook.headers else {}),
        **({"token-file": hook.token_file} if hook.token_file else {}),
        "timeout": values.format_duration(hook.timeout),
        "list": str(hook.form),
        "repeat": hook.repeat,
    }


def _missing(table: Mapping[str, object]) -> list[str]:
    problems = []
    if ("command" in table) == ("url" in table):
        problems.append("wants either a command or a url")
    if "on" not in table:
        problems.append(f"on is missing: when it is called, a list of {', '.join(Occasion)}")
    if "url" not in table and ("headers" in table or "token-file" in table):
        problems.append("headers and token-file are for a url")
    return problems


def _occasions(raw: object) -> tuple[Occasion, ...]:
    if not isinstance(raw, list) or not raw:
        raise ValueError(f"wants a list of words: {', '.join(Occasion)}")
    return tuple(dict.fromkeys(_word(Occasion, one) for one in raw))


def _word(kind: type[Word], raw: object) -> Word:
    if isinstance(raw, str) and raw in list(kind):
        return kind(raw)
    near = spelling.nearest(raw, list(kind)) if isinstance(raw, str) else None
    hint = f'; did you mean "{near}"?' if near else ""
    raise ValueError(f"wants {', '.join(kind)}{hint}")


def _command(raw: object) -> tuple[str, ...]:
    """An argument list; or one text, split as a shell splits words, and nothing else that a shell does."""
    if isinstance(raw, str):
        try:
            words = shlex.split(raw)
        except ValueError as error:
            raise ValueError(f"cannot be split into words: {error}") from None
    elif isinstance(raw, list) and all(isinstance(one, str) for one in raw):
        words = raw
    else:
        raise ValueError('wants a list of texts, such as ["/usr/local/bin/purge", "--all"], or one text')
    if not words or not words[0]:
        raise ValueError("names no program")
    if any("\0" in word for word in words):
        raise ValueError("holds a NUL")
    return tuple(words)


def _url(raw: object) -> str:
    """What is wrong with it is said without quoting it: services put tokens into paths."""
    message = 'wants an address such as "https://alarm.example.org/mirror"'
    if not isinstance(raw, str) or CONTROL.search(raw) or not raw.isascii() or " " in raw:
        raise ValueError(message)
    try:
        parts = urlsplit(raw)
        port = parts.port
    except ValueError:
        raise ValueError(message) from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise ValueError(message)
    if "@" in parts.netloc:
        raise ValueError("user and password do not belong into it: set headers, or token-file")
    return raw


def _headers(raw: object) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        raise ValueError('wants a table, such as { Authorization = "…" }')
    for name, value in raw.items():
        if not _HEADER.match(name):
            raise ValueError(f"{spelling.printable(name)} is no name of a header")
        if not isinstance(value, str) or CONTROL.search(value) or not value.isascii():
            raise ValueError(f"{name} wants a text in ASCII on one line")
    return dict(raw)


def _path(raw: object) -> str:
    if not isinstance(raw, str) or not raw.startswith("/") or CONTROL.search(raw):
        raise ValueError("wants an absolute path")
    return raw


def _timeout(raw: object) -> float:
    try:
        seconds = values.parse_duration(raw) if isinstance(raw, str) else 0.0
    except ValueError as error:
        raise ValueError(f'wants a duration such as "90s": {error}') from None
    if not 0 < seconds <= _LONGEST:
        raise ValueError('wants a duration, from "1ms" to "1d"')
    return seconds


def _switch(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise ValueError("wants true or false")
    return raw


_READERS: Mapping[str, tuple[str, Callable[[object], object]]] = {
    "on": ("on", _occasions),
    "command": ("command", _command),
    "url": ("url", _url),
    "headers": ("headers", _headers),
    "token-file": ("token_file", _path),
    "timeout": ("timeout", _timeout),
    "list": ("form", lambda raw: _word(Form, raw)),
    "repeat": ("repeat", _switch),
}
"""By the key of the table: the field of the hook, and what reads it."""
