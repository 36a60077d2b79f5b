"""Between the catalogue's values and the rows and parameters of its statements."""

from __future__ import annotations

from collections.abc import Sequence

from bandersnatch.catalogue.base import Behind, Commit, Entry, Failure
from bandersnatch.catalogue.database import Row
from bandersnatch.model import Listed, Validators

Values = dict[str, object]

LONGEST_REASON = 1000
"""Characters of a reason that are kept; upstream may have had a hand in it."""


def of_list(lines: Sequence[Listed], now: float) -> list[Values]:
    """The parameters of ``want`` and ``promise``."""
    return [{"name": line.name, "display": line.display, "serial": line.serial, "now": now} for line in lines]


def entry(row: Row) -> Entry:
    """The value of a row of ``entry`` or ``due``."""
    name, display, promised, serial, published, indexed, departing, selection, etag, modified, digest, tries, *rest = (
        row
    )
    since, wanted, review, losing, suspect = rest
    return Entry(
        name=name,
        display=display,
        promised=promised,
        serial=serial,
        published=bool(published),
        indexed=bool(indexed),
        departing=bool(departing),
        selection=selection,
        validators=Validators(etag, modified),
        digest=digest,
        tries=tries,
        missing_since=since,
        wanted=bool(wanted),
        review=review,
        losing=losing,
        suspect=bool(suspect),
    )


def behind(row: Row) -> Behind:
    """The value of a row of ``behind``."""
    name, reason, since, tries, next_try, promised, serial, absent = row
    return Behind(name, reason, since, tries, next_try, promised, serial, bool(absent))


def of_commit(commit: Commit, page: int | None) -> Values:
    """The parameters of ``commit``. ``tries`` is not among them: the catalogue counts itself."""
    entry = commit.entry
    return {
        "name": entry.name,
        "display": entry.display,
        "promised": entry.promised,
        "serial": entry.serial,
        "published": entry.published,
        "indexed": entry.indexed,
        "departing": entry.departing,
        "selection": entry.selection,
        "etag": entry.validators.etag,
        "last_modified": entry.validators.last_modified,
        "digest": entry.digest,
        "page": page,
        "missing_since": entry.missing_since,
        "files": len(commit.published.held),
        "bytes": sum(held.size for held in commit.published.held),
        "wanted": entry.wanted,
        "review": entry.review,
        "suspect": entry.suspect,
    }


def of_failure(failure: Failure, now: float) -> Values:
    """The parameters of ``fail``. The reason may hold what no UTF-8 can, such as the name of a file; it is escaped."""
    reason = failure.reason.encode("utf-8", "backslashreplace").decode("utf-8")
    return {
        "name": failure.name,
        "reason": reason[:LONGEST_REASON],
        "next_try": failure.next_try,
        "missing_since": failure.missing_since,
        "losing": failure.losing,
        "now": now,
    }
