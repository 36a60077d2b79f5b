"""Lines with fixed places: combined and common, and whatever ``log_format`` or ``LogFormat`` describes."""

from __future__ import annotations

import re
from collections.abc import Callable

from bandersnatch.accesslog import times
from bandersnatch.accesslog.escapes import unescaped
from bandersnatch.accesslog.request import Reader, Request, client_of
from bandersnatch.errors import LogError, UsageError

COMBINED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
"""nginx's own format, and Apache's ``combined``; ``common`` ends before the referrer."""

REMEMBERED = 20_000
"""Texts of one kind that are kept: agents and minutes come again and again."""

LONG = 1024
"""Bytes of a text from which on it is not kept: long agents, each another one, shall not fill the memory."""

_QUOTED = rb'[^"\\]*(?:\\.[^"\\]*)*'
# What syslog and Apache's vhost_combined write before a line is passed over.
_BEFORE = rb"(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8} [^ ]+ [^ ]+: |[^ :]+:\d+ )?"
_ORDINARY = re.compile(
    rb"(?:"
    + _BEFORE
    + rb')([^ ]+) [^ ]+ .*?\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "([A-Z]{1,20}) ([^ "]*)'
    rb'(?: HTTP/[\d.]+)?" (\d{3}) (\d{1,18}|-)(?: "' + _QUOTED + rb'" "(' + _QUOTED + rb')")?',
    re.DOTALL,
)


class Minutes:
    """Reads times as ``times.local`` does, each minute once: a log has hundreds of lines of one minute."""

    def __init__(self) -> None:
        self._known: dict[bytes, float] = {}
        self._last, self._time = b"", 0.0

    def __call__(self, text: bytes) -> float:
        if text != self._last:
            self._time, self._last = self._read(text), text
        return self._time

    def _read(self, text: bytes) -> float:
        minute = text[:17] + text[20:]
        base = self._known.get(minute)
        if base is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            seconds = times.local(text.decode("ascii", "replace"))
            base = self._known[minute] = seconds - min(_number(text[18:20]), 59)
        return base + min(_number(text[18:20]), 59)


class Texts:
    """Takes the escapes out of texts, of each different one once; long ones are not kept for that."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def __call__(self, raw: bytes) -> str:
        text = self._known.get(raw)
        if text is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            text = unescaped(raw)
            if len(raw) <= LONG:
                self._known[raw] = text
        return text


def ordinary() -> Reader:
    """A reader of combined and of common, with or without what syslog or a virtual host puts before."""
    match, minutes, texts = _ORDINARY.match, Minutes(), Texts()

    def read(line: bytes) -> Request:
        found = match(line)
        if found is None:
            raise LogError("no line of the combined or the common format")
        client, time, method, path, status, size, agent = found.groups()
        return Request(
            minutes(time),
            method.decode("ascii"),
            path.decode("utf-8", "replace"),
            int(status),
            -1 if size == b"-" else int(size),
            "",
            texts(agent) if agent else "",
            client_of(client),
        )

    return read


# --- formats of the operator's own ---------------------------------------------------------------------------------

_NGINX = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_APACHE = re.compile(r"%[<>]?(?:\{([^}]*)\})?([A-Za-z%])")

_PLACES = {
    "remote_addr": "client", "realip_remote_addr": "client", "http_x_forwarded_for": "client",
    "time_local": "local", "time_iso8601": "iso", "msec": "number",
    "request": "request", "request_method": "method", "request_uri": "path", "uri": "path", "document_uri": "path",
    "status": "status", "body_bytes_sent": "bytes", "bytes_sent": "bytes",
    "http_range": "range", "http_user_agent": "agent",
    # Apache's
    "h": "client", "a": "client", "t": "local", "r": "request", "m": "method", "U": "path", "s": "status",
    "b": "bytes", "B": "bytes", "O": "bytes", "i:range": "range", "i:user-agent": "agent",
}  # fmt: skip
"""What of a request stands where a variable of nginx, or a directive of Apache, is written."""

_SHAPES = {
    "client": rb"[^ ]*",
    "local": rb"[^\]]*",
    "iso": rb"[^ \"]*",
    "number": rb"[\d.]+",
    "method": rb"[A-Z]{1,20}|-?",
    "path": rb"[^ \"]*",
    "status": rb"\d{3}",
    "bytes": rb"\d+|-",
}


def described(pattern: str) -> Reader:
    """
    A reader of lines in the format *pattern*: nginx's ``log_format`` (``$variables``), or Apache's ``LogFormat``.

    Raises UsageError where it does not say when, what and with which status.
    """
    expression, names = _compile(pattern)
    _check(pattern, names)
    texts, minutes = Texts(), Minutes()

    def read(line: bytes) -> Request:
        found = expression.match(line)
        if found is None:
            raise LogError("no line of the format that is configured")
        return _request(found.groupdict(), minutes, texts)

    return read


def _compile(pattern: str) -> tuple[re.Pattern[bytes], set[str]]:
    apache = "$" not in pattern and _APACHE.search(pattern) is not None
    pattern = pattern.replace('\\"', '"') if apache else pattern
    parts, names, position = [], set[str](), 0
    for found in (_APACHE if apache else _NGINX).finditer(pattern):
        before = pattern[position : found.start()]
        parts.append(re.escape(before).encode())
        position = found.end()
        place = _PLACES.get(_variable(found, apache=apache), "")
        quoted = before.endswith('"') and pattern[position : position + 1] == '"'
        if apache and place == "local" and place not in names and not before.endswith("["):
            parts.append(rb"\[(?P<local>[^\]]*)\]")  # %t brings its own brackets
            names.add(place)
        elif place and place not in names:
            names.add(place)
            shape = _QUOTED if quoted else _SHAPES.get(place, rb".*?")
            parts.append(b"(?P<%b>%b)" % (place.encode(), shape))
        else:
            parts.append(_QUOTED if quoted else rb".*?")
    parts.append(re.escape(pattern[position:]).encode() + rb"\r?\Z")
    return re.compile(b"".join(parts), re.DOTALL), names


def _variable(found: re.Match[str], *, apache: bool) -> str:
    argument, name = found.groups()
    if not apache:
        return argument or name
    return f"{name}:{argument.lower()}" if name == "i" and argument else name


def _check(pattern: str, names: set[str]) -> None:
    missing = [] if names & {"local", "iso", "number"} else ["the time ($time_local or %t)"]
    missing += [] if "request" in names or "path" in names else ["the request ($request or %r)"]
    missing += [] if "status" in names else ["the status ($status or %s)"]
    if missing:
        raise UsageError(f'the log format "{pattern}" lacks {", ".join(missing)}')


def _request(found: dict[str, bytes], minutes: Callable[[bytes], float], texts: Callable[[bytes], str]) -> Request:
    if "local" in found:
        time = minutes(found["local"])
    elif "iso" in found:
        time = times.iso(found["iso"].decode("ascii", "replace"))
    else:
        time = times.any_form(found["number"].decode("ascii", "replace"))
    method, path = found.get("method", b"GET"), found.get("path", b"")
    if "request" in found:
        words = texts(found["request"]).split(" ")
        method, path = words[0].encode(), (words[1] if len(words) > 1 else "").encode("utf-8", "replace")
    size = found.get("bytes", b"-")
    return Request(
        time,
        method.decode("ascii", "replace"),
        path.decode("utf-8", "replace"),
        _number(found["status"]),
        -1 if size in (b"-", b"") else _number(size),
        texts(found["range"]) if found.get("range") else "",
        texts(found["agent"]) if found.get("agent") else "",
        client_of(found.get("client", b"")),
    )


def _number(digits: bytes) -> int:
    """Digits of a log; more than any disk has bytes are none."""
    if len(digits) > 18 or not digits.isdigit():
        raise LogError("no number")
    return int(digits)
