"""The list of projects, in each of its forms, against the catalogue; and the date beside it."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from bandersnatch import layout
from bandersnatch.errors import BadContent, StorageError
from bandersnatch.model import Listed
from bandersnatch.simple import listing
from bandersnatch.simple.listing_html import HtmlListing
from bandersnatch.simple.listing_json import JsonListing
from bandersnatch.verify.base import Finding, Ground, Kind
from bandersnatch.verify.motion import moving_since
from bandersnatch.verify.objects import guarded
from bandersnatch.verify.reading import Reader

STALE = "index-stale"
"""The catalogue's fact that the list has to be written anew."""

MADE_FROM = "index-made-from"
"""The fact that holds the serial of the published list, and the fingerprint of the way in which it was published."""

MOST = 1000
"""So many differences of one list are told one by one."""

ENDED_WELL = frozenset({"clean", "behind", "refused"})
"""Outcomes of runs that write the date."""


def index(ground: Ground, reader: Reader, began: float) -> Iterator[Finding]:
    """Whether each form of the list names exactly the projects that it is to name, and each has its page."""
    serial, _, fingerprint = (ground.catalogue.get(MADE_FROM) or "").partition(" ")
    if not serial:
        return  # none was ever published
    keys = layout.index_keys()
    ours = fingerprint == ground.publish.fingerprint  # as it would be published now
    with_html = ground.publish.html and ours
    for key in keys["json"]:
        yield from guarded("", key, _Form(ground, reader, key, serial, began, required=True, ours=ours).findings())
    for key in keys["html"]:
        yield from guarded("", key, _Form(ground, reader, key, serial, began, required=with_html, ours=ours).findings())


class _Form:
    def __init__(
        self, ground: Ground, reader: Reader, key: str, serial: str, began: float, *, required: bool, ours: bool
    ) -> None:
        self._ground = ground
        self._reader = reader
        self._key = key
        self._serial = serial
        self._required = required
        self._ours = ours
        self._in_json = key.endswith("_json")
        catalogue = ground.catalogue
        self._is_due = catalogue.get(STALE) is not None and moving_since(catalogue, began) is not None
        """Whether a run that is under way is to write it: then only what no reader may meet is a finding."""

    def findings(self) -> Iterator[Finding]:
        try:
            serial = self._read_through()
            found = list(self._told(self._differences(self._lines())))
            yield from found
        except FileNotFoundError:
            if self._required:
                yield self._finding(Kind.MISSING_INDEX, "")
        except BadContent as error:
            yield self._finding(Kind.BROKEN_INDEX, str(error))
        except _Disorder as error:
            yield self._finding(Kind.STALE_INDEX, f"{error} does not stand where it belongs")
        else:
            if str(serial) != self._serial and not self._is_due:
                yield self._finding(Kind.STALE_INDEX, f"its serial is {serial}, and not {self._serial}")
            elif not (found or self._is_due or self._is_exact(serial)):
                yield self._finding(Kind.STALE_INDEX, "its bytes are not those that were published")

    def _is_exact(self, serial: int | None) -> bool:
        """Whether it is byte for byte what would be published now; another version may have written it differently."""
        if not self._ours:
            return True
        render = listing.render_json if self._in_json else listing.render_html
        expected = hashlib.sha256()
        for chunk in render(self._ground.catalogue.index(), serial):
            expected.update(chunk)
        found = self._reader.sha256(self._key)
        return found is None or found[0] == expected.hexdigest()

    def _read_through(self) -> int | None:
        """The serial of a list that is whole and in order; of any other, no line would say anything."""
        last = ""
        for line in self._lines():
            if line.name <= last:
                raise _Disorder(line.name)
            last = line.name
        return self._head.serial

    def _lines(self) -> Iterator[Listed]:
        parser = JsonListing(self._key) if self._in_json else HtmlListing(self._key)
        for chunk in self._reader.chunks(self._key):
            yield from parser.feed(chunk)
        rest, self._head = parser.finish()
        yield from rest

    def _told(self, differences: Iterator[Finding]) -> Iterator[Finding]:
        yield from islice(differences, MOST)
        if next(differences, None) is not None:
            yield self._finding(Kind.STALE_INDEX, f"more than {MOST:,} differences; the rest is not told")

    def _differences(self, lines: Iterator[Listed]) -> Iterator[Finding]:
        """Both lists are in the order of names, so that neither is ever held."""
        expected = self._ground.catalogue.index()
        ours, theirs = next(lines, None), next(expected, None)
        while ours is not None or theirs is not None:
            if theirs is None or (ours is not None and ours.name < theirs.name):
                assert ours is not None
                yield from self._not_expected(ours)
                ours = next(lines, None)
            elif ours is None or theirs.name < ours.name:
                yield from self._stale(theirs.name, "it does not name the project")
                theirs = next(expected, None)
            else:
                if self._says(ours) != self._says(theirs):
                    yield from self._stale(ours.name, f"it says {self._says(ours)}, and not {self._says(theirs)}")
                ours, theirs = next(lines, None), next(expected, None)

    def _says(self, line: Listed) -> str:
        return f"{line.display} {line.serial}" if self._in_json else line.display

    def _not_expected(self, line: Listed) -> Iterator[Finding]:
        page = layout.page_keys(line.name)["json"][0]
        if self._ground.place.stat(page) is None:
            yield Finding(Kind.LISTED_IN_VAIN, line.name, self._key, f"there is no {page}")
        else:
            yield from self._stale(line.name, "it names the project, which is not to be listed")

    def _stale(self, name: str, what: str) -> Iterator[Finding]:
        if not self._is_due:
            yield Finding(Kind.STALE_INDEX, name, self._key, what)

    def _finding(self, kind: Kind, what: str) -> Finding:
        return Finding(kind, "", self._key, what)


class _Disorder(Exception):
    """A line that is not where it belongs: who wrote this list was not us."""


def date(ground: Ground, reader: Reader) -> Iterator[Finding]:
    """Whether PEP 381's date is there and is one, once a run has written it."""
    if not any(run.outcome in ENDED_WELL for run in ground.catalogue.last_runs(100)):
        return
    try:
        data = reader.content(layout.LAST_MODIFIED)
        datetime.strptime((data or b"").decode(), "%Y%m%dT%H:%M:%S\n")  # noqa: DTZ007  # only whether it is one
    except ValueError:
        yield Finding(Kind.WRONG_DATE, "", layout.LAST_MODIFIED)
    except StorageError as error:
        if error.errno != errno.ENOENT:
            yield Finding(Kind.UNREADABLE, "", layout.LAST_MODIFIED, str(error))
