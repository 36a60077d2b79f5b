"""PyPI's changelog over XML-RPC: which projects changed after a serial, in as few calls as its rows need.

The answer is XML from outside, so it is read with care: capped, no DTD (whose entities could expand without end), UTF-8
only (in another encoding a DTD could hide), and anything that is not rows is BadContent.
"""

from __future__ import annotations

import asyncio
import re
import xmlrpc.client
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, TypeGuard

from bandersnatch import names
from bandersnatch.errors import BadContent, UpstreamError
from bandersnatch.upstream import bodies
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.base import Change
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.decoding import ACCEPT_ENCODING
from bandersnatch.upstream.pacing import Transient
from bandersnatch.upstream.settings import MIB, Settings

MAX_BODY = 64 * MIB
PAUSE = 1.0
"""Seconds between two calls, as PyPI's documentation asks for."""

MANY = 10_000
"""
An answer with so many rows may be a part of all: PyPI's have 50,000 at most. What a shorter one lacks comes next time.
"""

_MAX_SERIAL = 2**63 - 1
_SECONDS = re.compile(r"in ([0-9]{1,6}) second")
_UNNAMED_PAUSE = 30.0
Row = tuple[str, int]
"""A project's name as the journal has it, and a serial."""


def address(settings: Settings) -> Address:
    """Where the changelog is: as configured, or beside the index, ``pypi`` in place of its ``simple/``."""
    if settings.changelog_url is not None:
        return Address.parse(settings.changelog_url)
    return Address.parse(settings.url).join("../pypi")


async def changes(client: Client, where: Address, since: int) -> Sequence[Change]:
    """
    The newest change of each project after serial *since*, in the order of serials.

    Rows that do not name a project are skipped. An answer with fewer than ``MANY`` rows is the last.
    """
    newest: dict[str, Change] = {}
    reached = since
    while rows := await client.pacer.persist(partial(_call, client, where, reached)):
        last = max(serial for _, serial in rows)
        if last <= reached:
            raise BadContent(f"{where.masked}: the changelog after serial {reached} ends at {last}", url=where.masked)
        _keep_newest(newest, rows)
        reached = last
        if len(rows) < MANY:
            break
        await client.pacer.clock.sleep(PAUSE)
    return sorted(newest.values(), key=lambda change: change.serial)


def _keep_newest(newest: dict[str, Change], rows: Iterable[Row]) -> None:
    for display, serial in rows:
        if not names.is_project_name(display):
            continue
        name = names.normalise(display)
        if name not in newest or newest[name].serial < serial:
            newest[name] = Change(name, display, serial)


async def _call(client: Client, where: Address, since: int) -> list[Row]:
    question = xmlrpc.client.dumps((since,), "changelog_since_serial").encode()
    headers = {"Content-Type": "text/xml", "Accept": "text/xml", "Accept-Encoding": ACCEPT_ENCODING}
    async with client.post(where, headers, question) as response:
        answer = await bodies.whole(response, MAX_BODY)
    try:
        # Seconds of work for 50,000 rows.
        return await asyncio.to_thread(rows_of, answer)
    except ValueError as error:
        raise BadContent(f"{where.masked}: {error}", url=where.masked) from error
    except xmlrpc.client.Fault as fault:
        raise _refusal(client, where, fault.faultString) from None


def rows_of(body: bytes) -> list[Row]:
    """The rows in an XML-RPC answer. Raises ValueError for anything else, and xmlrpc's Fault for a fault."""
    text = body.decode("utf-8")
    if "<!DOCTYPE" in text.upper():
        raise ValueError("XML with a document type is not read")
    try:
        values, _ = xmlrpc.client.loads(text)
    except xmlrpc.client.Fault:
        raise
    except Exception as error:  # xmlrpc raises whatever its conversions happen to raise
        raise ValueError("the answer is not XML-RPC") from error
    if len(values) != 1 or not isinstance(values[0], list):
        raise ValueError("the answer is not a list of changes")
    return [_row(row) for row in values[0]]


def _row(row: Any) -> Row:
    """``[name, version, timestamp, action, serial]``, as PyPI has it."""
    if isinstance(row, list) and len(row) == 5 and isinstance(row[0], str) and _is_serial(row[4]):
        return row[0], row[4]
    raise ValueError("a row of the changelog has another form")


def _is_serial(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_SERIAL


def _refusal(client: Client, where: Address, text: object) -> UpstreamError:
    """The error for an XML-RPC fault; PyPI's "too many requests" pauses us as a Retry-After would."""
    reason = str(text)[:200]
    if "HTTPTooManyRequests" in reason:
        told = _SECONDS.search(reason)
        client.pacer.pause(where.place, float(told[1]) if told else _UNNAMED_PAUSE)
        return Transient(f"{where.masked}: upstream asks us to slow down: {reason}", url=where.masked, status=429)
    return UpstreamError(f"{where.masked}: upstream refuses: {reason}", url=where.masked)
