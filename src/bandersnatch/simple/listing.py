"""The list of projects, written as a stream: 50 MB pass through in slices, and none of it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice

import msgspec

from bandersnatch.model import Listed
from bandersnatch.simple import facts

_BATCH = 2048
_CHUNK = 1 << 16


class _Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line in JSON."""

    serial: int | None = msgspec.field(default=None, name="_last-serial")
    name: str


_encoder = msgspec.json.Encoder()


def render_json(projects: Iterable[Listed], serial: int | None) -> Iterator[bytes]:
    """The list of projects in JSON, in the order given, in chunks of at least 64 KiB."""
    meta = {"_last-serial": serial, "api-version": facts.API_VERSION}
    yield from _chunks(_json_parts(projects, {key: value for key, value in meta.items() if value is not None}))


def _json_parts(projects: Iterable[Listed], meta: dict[str, object]) -> Iterator[bytes]:
    yield b'{"meta":' + msgspec.json.encode(meta) + b',"projects":['
    separator = b"\n"
    for batch in _batches(projects):
        # A line break in a text is escaped, so the only ones are those between two lines.
        lines = _encoder.encode_lines([_Line(serial=one.serial, name=one.display) for one in batch])
        yield separator + lines[:-1].replace(b"\n", b",\n")
        separator = b",\n"
    yield b"\n]}\n"


def render_html(projects: Iterable[Listed], serial: int | None) -> Iterator[bytes]:
    """The list of projects in HTML, in the order given, in chunks of at least 64 KiB."""
    yield from _chunks(_html_parts(projects, serial))


def _html_parts(projects: Iterable[Listed], serial: int | None) -> Iterator[bytes]:
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n  <head>\n    <meta charset="utf-8">\n'
        f'    <meta name="pypi:repository-version" content="{facts.API_VERSION}">\n'
        "    <title>Simple index</title>\n  </head>\n  <body>\n"
    ).encode()
    for batch in _batches(projects):
        text = "\n".join([f"{one.name}\n{one.display}" for one in batch])
        quoted = _as_it_is if escape(text) == text else escape
        lines = [f'    <a href="{quoted(one.name)}/">{quoted(one.display)}</a>\n' for one in batch]
        yield "".join(lines).encode()
    yield b"  </body>\n</html>\n"
    if serial is not None:
        yield f"<!--SERIAL {serial}-->\n".encode()


def _as_it_is(text: str) -> str:
    return text


def _batches(projects: Iterable[Listed]) -> Iterator[list[Listed]]:
    remaining = iter(projects)
    while batch := list(islice(remaining, _BATCH)):
        yield batch


def _chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """*parts* joined until they are worth a write."""
    pending = b""
    for part in parts:
        pending += part
        if len(pending) >= _CHUNK:
            yield pending
            pending = b""
    if pending:
        yield pending
