"""Lines of JSON: Caddy's, nginx's under the names that people give its variables, and those of our own server.

Our own server's line is ``{"time": "2026-11-28T10:15:00Z", "method": "GET", "path": "/packages/…", "status": 200,
"bytes": 123, "range": "bytes=0-", "agent": "pip/26.3 …"}``: no client's address is written at all. ``range`` and
``agent`` are left out where the request has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from bandersnatch.accesslog import times
from bandersnatch.accesslog.request import Reader, Request, client_of
from bandersnatch.errors import LogError

_TIMES = ("time", "ts", "time_iso8601", "time_local", "timestamp", "@timestamp", "msec", "date")
_METHODS = ("method", "request_method")
_PATHS = ("path", "uri", "request_uri", "url")
_STATUSES = ("status", "status_code", "response_status", "http_status")
_BYTES = ("bytes", "size", "body_bytes_sent", "bytes_sent")
_RANGES = ("range", "http_range")
_AGENTS = ("agent", "user_agent", "http_user_agent", "userAgent")
_CLIENTS = ("client_ip", "remote_ip", "remote_addr", "client", "remote")


def json_lines() -> Reader:
    """A reader of lines that are JSON objects."""
    decode = msgspec.json.Decoder().decode

    def read(line: bytes) -> Request:
        try:
            found = decode(line)
        except (ValueError, RecursionError) as error:
            raise LogError("no JSON") from error
        if not isinstance(found, dict):
            raise LogError("no JSON object")
        return _request(found)

    return read


def _request(found: Mapping[str, Any]) -> Request:
    inner = found.get("request")
    method, path = _text(found, _METHODS), _text(found, _PATHS)
    within: Mapping[str, Any] = {}
    if isinstance(inner, Mapping):  # Caddy's
        within = inner
        method, path = _text(within, _METHODS), _text(within, _PATHS)
    elif isinstance(inner, str) and not path:  # nginx's $request
        method, _, rest = inner.partition(" ")
        path = rest.partition(" ")[0]
    time = _first(found, _TIMES)
    if isinstance(time, bool) or not isinstance(time, str | int | float) or not path:
        raise LogError("no request")
    status = _integer(_first(found, _STATUSES))
    if status < 0:
        raise LogError("no status")
    headers = within.get("headers")
    return Request(
        times.any_form(time),
        method or "GET",
        path,
        status,
        _integer(_first(found, _BYTES)),
        _text(found, _RANGES) or _header(headers, "Range"),
        _text(found, _AGENTS) or _header(headers, "User-Agent"),
        client_of(_text(within or found, _CLIENTS)),
    )


def _first(found: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((found[key] for key in keys if key in found), None)


def _text(found: Mapping[str, Any], keys: Iterable[str]) -> str:
    value = _first(found, keys)
    return value if isinstance(value, str) and value != "-" else ""


def _header(headers: object, name: str) -> str:
    values = headers.get(name) if isinstance(headers, Mapping) else None
    return values[0] if isinstance(values, list) and values and isinstance(values[0], str) else ""


def _integer(value: object) -> int:
    """A number as JSON has it, or as nginx writes it between quotation marks; -1 for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18 else -1
