"""PyPI's changelog over XML-RPC: which projects changed after a serial, in as few calls as its rows need.

The answer is XML from outside, so it is read with care: capped, no DTD (whose entities could expand without end), UTF-8
only (in another encoding a DTD could hide), and anything that is not rows is BadContent. So is what cannot be a
journal: one without end, or one that leaps. Who asked then reads the list of projects, which says the same.
"""

from __future__ import annotations

import asyncio
import re
import xmlrpc.client
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, TypeGuard

from bandersnatch import names
from bandersnatch.errors import BadContent, UpstreamError
from bandersnatch.upstream import bodies
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.base import Change
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.decoding import ACCEPT_ENCODING
from bandersnatch.upstream.pacing import Transient
from bandersnatch.upstream.settings import MIB

MAX_BODY = 64 * MIB
PAUSE = 1.0
"""Seconds between two calls, as PyPI's documentation asks for."""

MANY = 10_000
"""
An answer with so many rows may be a part of all: PyPI's have 50,000 at most. What a shorter one lacks comes next time.
"""

MOST = 300_000
"""Rows that are taken in all: PyPI's of more than a week. A list of projects costs less."""

MOST_TAGS = 4_000_000
"""In one answer: a row has 26, and PyPI's answers 50,000 rows."""

LEAP = 1_000_000
"""
A serial is not believed that is higher by more than the one before: each change has one, a month's of PyPI are as many.
"""

_MAX_SERIAL = 2**63 - 1
_SECONDS = re.compile(r"in ([0-9]{1,6}) second")
_UNNAMED_PAUSE = 30.0
Row = tuple[str, int]
"""A project's name as the journal has it, and a serial."""


async def changes(client: Client, where: Address, since: int) -> Sequence[Change]:
    """
    The newest change of each project after serial *since*, in the order of serials.

    Rows that do not name a project are skipped. An answer with fewer than ``MANY`` rows is the last.
    """
    newest: dict[str, Change] = {}
    reached, count, shown = since, 0, where.masked
    while rows := await client.pacer.persist(partial(_call, client, where, reached)):
        count += len(rows)
        if count > MOST:
            raise BadContent(f"{shown}: the changelog after serial {since} has more than {MOST} rows", url=shown)
        serials = sorted(serial for _, serial in rows)
        if serials[-1] <= reached:
            raise BadContent(f"{shown}: the changelog after serial {reached} ends at {serials[-1]}", url=shown)
        for before, after in pairwise((reached, *serials)):
            if reached and after > before + LEAP:
                raise BadContent(f"{shown}: the changelog leaps from serial {before} to {after}", url=shown)
        _keep_newest(newest, rows)
        reached = serials[-1]
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
    # The library has no word for integers of more than 32 bits.
    question = xmlrpc.client.dumps((0,), "changelog_since_serial").replace("<int>0</int>", _integer(since)).encode()
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


def _integer(number: int) -> str:
    return f"<int>{number}</int>" if number < 1 << 31 else f"<i8>{number}</i8>"


def rows_of(body: bytes) -> list[Row]:
    """The rows in an XML-RPC answer. Raises ValueError for anything else, and xmlrpc's Fault for a fault."""
    text = body.decode("utf-8")
    if "<!DOCTYPE" in text.upper():
        raise ValueError("XML with a document type is not read")
    if text.count("<") > MOST_TAGS:
        raise ValueError(f"the answer has more than {MOST_TAGS} tags")
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
