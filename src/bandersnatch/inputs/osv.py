"""One record in the OSV format, version 1 (https://ossf.github.io/osv-schema/): what it says about projects on PyPI."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec
from packaging.version import InvalidVersion, Version

from bandersnatch import names
from bandersnatch.inputs import severity
from bandersnatch.selection.affected import Advisory, Range
from bandersnatch.values import Struct

MAX_SUMMARY = 120
"""Letters of a summary that are kept."""

_MALICIOUS_CODE = "CWE-506"
"""Embedded malicious code: how GHSA marks a release that somebody got at."""

_ID = re.compile(r"[!-~]{1,100}\Z")
_KINDS = ("introduced", "fixed", "last_affected", "limit")
_EVERYTHING: Range = (("introduced", "0"),)


class Parsed(Struct, frozen=True):
    """What a record comes to."""

    advisories: tuple[tuple[str, Advisory], ...] = ()
    """By normalised name of the project; none if the record was withdrawn or is about nothing on PyPI."""
    warnings: tuple[str, ...] = ()


class _Package(msgspec.Struct):
    ecosystem: str = ""
    name: str = ""


class _Event(msgspec.Struct):
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class _Range(msgspec.Struct):
    type: str
    events: list[_Event] | None = None


class _Score(msgspec.Struct):
    score: str = ""


class _Affected(msgspec.Struct):
    package: _Package | None = None
    versions: list[str] | None = None
    ranges: list[_Range] | None = None
    severity: list[_Score] | None = None
    ecosystem_specific: dict[str, object] | None = None
    database_specific: dict[str, object] | None = None


class _Record(msgspec.Struct):
    id: str
    aliases: list[str] | None = None
    withdrawn: str | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[_Score] | None = None
    affected: list[_Affected] | None = None
    database_specific: dict[str, object] | None = None


_decoder = msgspec.json.Decoder(_Record)


def parse(data: bytes | msgspec.Raw, *, file: str | None = None, line: int | None = None) -> Parsed:
    """Read the record that *data* is, which stands in *line* of *file*. Raises ValueError for what is none."""
    try:
        record = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(f"not a record in the OSV format: {error}") from error
    if not _ID.match(record.id):
        raise ValueError(f"not an id: {record.id[:80]!r}")
    if record.withdrawn:
        return Parsed()
    found, warnings = [], []
    for name, affected in _by_name(record).items():
        advisory = _advisory(record, affected, file, line)
        warnings += [f"{record.id} for {name}: {doubt}" for doubt in _doubts(advisory)]
        found.append((name, advisory))
    return Parsed(tuple(found), tuple(warnings))


def _by_name(record: _Record) -> Mapping[str, list[_Affected]]:
    """What is affected on PyPI; a project may be there more than once."""
    by_name: dict[str, list[_Affected]] = {}
    for one in record.affected or ():
        # A suffix behind a colon names a release of the ecosystem; PyPI has none, but nothing forbids it.
        if one.package is not None and one.package.ecosystem.partition(":")[0].lower() == "pypi":
            by_name.setdefault(names.normalise(one.package.name), []).append(one)
    return by_name


def _advisory(record: _Record, affected: list[_Affected], file: str | None, line: int | None) -> Advisory:
    versions = dict.fromkeys(version for one in affected for version in one.versions or ())
    ranges = [_events(each) for one in affected for each in one.ranges or () if each.type != "GIT"]
    malicious = _is_malicious(record)
    if malicious and not versions and not ranges:
        ranges = [_EVERYTHING]
    return Advisory(
        record.id,
        "\n".join(versions),
        tuple(dict.fromkeys(ranges)),
        tuple(record.aliases or ()),
        _line(record.summary or record.details or ""),
        severity.worst(_said(record, affected)),
        malicious,
        file,
        line,
    )


def _events(given: _Range) -> Range:
    """The events of a range. The schema demands a beginning: where there is none, it begins with all."""
    events = tuple(
        (kind, text) for event in given.events or () for kind in _KINDS if (text := getattr(event, kind)) is not None
    )
    return events if any(kind == "introduced" for kind, _ in events) else (*_EVERYTHING, *events)


def _is_malicious(record: _Record) -> bool:
    """Whether it reports malice: by the OpenSSF's ids and records, or by GHSA's class of weakness."""
    specific = record.database_specific or {}
    weaknesses = specific.get("cwe_ids")
    return (
        any(name.upper().startswith("MAL-") for name in (record.id, *(record.aliases or ())))
        or "malicious-packages-origins" in specific
        or (isinstance(weaknesses, list) and _MALICIOUS_CODE in weaknesses)
    )


def _said(record: _Record, affected: Iterable[_Affected]) -> Iterable[object]:
    """All that is said about how bad it is, for the record and for the project."""
    yield from (one.score for one in record.severity or ())
    yield (record.database_specific or {}).get("severity")
    for each in affected:
        yield from (one.score for one in each.severity or ())
        yield (each.database_specific or {}).get("severity")
        yield (each.ecosystem_specific or {}).get("severity")


def _doubts(advisory: Advisory) -> Iterable[str]:
    """What about it a person might want to know."""
    if not advisory.versions and not advisory.ranges:
        yield "it names no version, so it blocks none"
    for events in advisory.ranges:
        for kind, text in events:
            if not _is_version(text) and (kind, text) != ("limit", "*"):
                yield f"{kind} {text[:80]!r} is no version (PEP 440), so its range reaches further"


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _line(text: str) -> str:
    """*text* as one line that any terminal can show, and not too long."""
    line = " ".join(text[:1000].split())
    if len(line) > MAX_SUMMARY:
        line = f"{line[: MAX_SUMMARY - 1]}…"
    return line if line.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in line)
