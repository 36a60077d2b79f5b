"""Pages against the catalogue: what each links and promises, and whether it is byte for byte what was published."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from bandersnatch import layout, publish
from bandersnatch.errors import BadContent, StorageError
from bandersnatch.model import Project
from bandersnatch.simple import html, json
from bandersnatch.storage.base import Stat
from bandersnatch.verify.base import Finding, Ground, Kind, Record
from bandersnatch.verify.legacy import LegacyPage
from bandersnatch.verify.links import ROOT, Links
from bandersnatch.verify.objects import guarded
from bandersnatch.verify.reading import Reader

Drafted = dict[str, tuple[str, bytes]]
"""By key: the digest of a page that the catalogue would keep, and its bytes."""


def pages(ground: Ground, reader: Reader, record: Record) -> Iterator[Finding]:
    """
    Whether every page of a project links exactly what is held, and says of it what the catalogue says.

    A page that is missing is for ``objects.present`` to say.
    """
    if record.entry.departing:
        return  # its pages are on their way out, before the catalogue knows
    drafted: Drafted | None = None
    for key, digest in record.published.pages:
        if drafted is None:
            drafted = _drafted(ground, reader, record)
        yield from guarded(record.name, key, _page(ground, reader, record, key, digest, drafted))


def _page(ground: Ground, reader: Reader, record: Record, key: str, digest: str, drafted: Drafted) -> Iterator[Finding]:
    data = reader.content(key)
    if data is None:
        return
    if key.startswith("simple/"):
        found = list(_simple(ground, record, key, data))
        if found and _waits(ground, record) and publish.page_digest(data) == digest:
            found = [one for one in found if one.kind is not Kind.STALE_PAGE]  # as it was published, in an older form
    else:
        found = list(LegacyPage(record, key).findings(data))
    yield from found
    if found:
        return
    if not _is_exact(key, digest, data, drafted):
        yield Finding(Kind.STALE_PAGE, record.name, key, "its bytes are not those that were published")


def _is_exact(key: str, digest: str, data: bytes, drafted: Drafted) -> bool:
    expected, draft = drafted.get(key, ("", b""))
    if expected == digest:
        return data == draft  # made from the same facts
    # Made by another version, or from what cannot be known now: of older JSON nothing more can be said.
    return not key.startswith("simple/") or publish.page_digest(data) == digest


def _waits(ground: Ground, record: Record) -> bool:
    """Whether a run has yet to make the project's pages anew, since their form is another now."""
    form = record.entry.selection
    return form != "" and not form.endswith(f"-{ground.publish.fingerprint}")


def _simple(ground: Ground, record: Record, key: str, data: bytes) -> Iterator[Finding]:
    try:
        project = _parse(record.name, key, data)
    except BadContent as error:
        yield Finding(Kind.BROKEN_PAGE, record.name, key, str(error).replace(ROOT, ""))
    else:
        yield from Links(ground.place, record, key, project).findings()


def _parse(name: str, key: str, data: bytes) -> Project:
    parse = json.parse if key.endswith("_json") else html.parse
    return parse(data, ROOT + key, name)


# --- what would be published now -----------------------------------------------------------------------------------


class _Draft:
    """A ``publish.Shelf`` that keeps what is put on it, and reads core metadata where it is what it should be."""

    def __init__(self, reader: Reader, record: Record) -> None:
        self._reader = reader
        self._digests = {
            layout.metadata_key(held.file): held.metadata for held in record.published.held if held.metadata
        }
        self.pages: dict[str, bytes] = {}
        self.is_sound = True
        """Whether all that older JSON is made from was there, as it was when that was published."""

    def stat(self, key: str) -> Stat | None:
        return None

    def read(self, key: str, limit: int) -> bytes | None:
        data = self._reader.content(key)
        if data is None or hashlib.sha256(data).hexdigest() != self._digests.get(key):
            self.is_sound = False
        return data

    def put(self, keys: tuple[str, ...], data: bytes | Iterator[bytes]) -> None:
        whole = data if isinstance(data, bytes) else b"".join(data)
        self.pages.update(dict.fromkeys(keys, whole))

    def delete(self, key: str) -> None:
        pass


def _drafted(ground: Ground, reader: Reader, record: Record) -> Drafted:
    """
    The pages that publishing what is held would make.

    What the catalogue does not keep (the project's status, the spelling of versions) is taken from the page in JSON:
    if that was tampered with, no digest fits, and the page is compared with the digest of its bytes alone.
    """
    key = layout.page_keys(record.name)["json"][0]
    try:
        data = reader.content(key)
        shown = _parse(record.name, key, data) if data is not None else None
    except (BadContent, StorageError):
        shown = None
    if shown is None:
        return {}
    draft = _Draft(reader, record)
    linked = bool(shown.files) and not record.published.held
    held = publish.linked(shown.files) if linked else record.published.held
    output = publish.Output(draft, ground.publish)
    try:
        digests = publish.project(shown, record.entry.display, held, (), output, upstream_files=linked)
    except (StorageError, ValueError):
        return {}  # what cannot be read is told where it is looked for
    known = {key: (digest, draft.pages[key]) for key, digest in digests}
    return {key: one for key, one in known.items() if draft.is_sound or key.startswith("simple/")}
