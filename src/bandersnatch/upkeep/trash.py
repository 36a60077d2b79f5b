"""The trash by hand: what is in it, back from it, and away for good."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import BinaryIO
from urllib.parse import urlsplit

from bandersnatch import layout, names
from bandersnatch.catalogue.base import Buried, Commit, Entry, Failure, Leaving, Published
from bandersnatch.errors import Refused
from bandersnatch.model import File, Held, Validators
from bandersnatch.plan import Cause, Policies, Policy
from bandersnatch.simple import fields
from bandersnatch.simple.metadata import from_wheel
from bandersnatch.simple.provenance import is_of
from bandersnatch.sync.finish import publish_index
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.run import Ready
from bandersnatch.sync.sweep import purge_expired
from bandersnatch.transfer.companions import MAX_COMPANION, take_metadata
from bandersnatch.upkeep.deleting import is_version, wants
from bandersnatch.upkeep.served import page_with, settle_now
from bandersnatch.values import Struct, replace
from bandersnatch.verify.base import Ground, Record
from bandersnatch.verify.strangers import owners

CHUNK = 1 << 20

RESTORED = "restored by hand"
"""Why a key that is on its way back would leave again: its restoration was cut off."""

AT_ONCE = 1000


class Item(Struct, frozen=True):
    """One object of the trash."""

    buried: Buried
    size: int | None
    """Bytes; None if it is not there."""

    @property
    def filename(self) -> str:
        return self.buried.key.rpartition("/")[2]

    @property
    def is_file(self) -> bool:
        """Whether it is a distribution file, and not what lies beside one."""
        return self.buried.key.startswith("packages/") and not self.buried.key.endswith(".metadata")


def listed(ground: Ground, written: Sequence[str] = ()) -> Iterator[Item]:
    """
    What is in the trash, in the order of keys: all of it, or what *written* names.

    A name is that of a project (with a version or not), of a file, or a key. Raises CatalogueError and StorageError.
    """
    for buried in ground.catalogue.buried():
        if not written or any(_is_meant(buried, text) for text in written):
            stat = ground.place.buried(buried.key)
            yield Item(buried, stat.size if stat else None)


def _is_meant(buried: Buried, text: str) -> bool:
    parts, filename = buried.key.split("/"), buried.key.rpartition("/")[2]
    is_provenance = parts[0] == "integrity" and len(parts) == 5
    if is_provenance:
        filename = parts[3]  # that it is about
    if text in (buried.key, filename, filename.removesuffix(".metadata")):
        return True
    name, _, version = (part.strip() for part in text.partition("=="))
    if not names.is_project_name(name) or names.normalise(name) != owner_of(buried):
        return False
    if not version:
        return True
    of = parts[2] if is_provenance else names.version_of(filename.removesuffix(".metadata"), owner_of(buried))
    return is_version(of, version)


def owner_of(buried: Buried) -> str:
    """The project that it belonged to; the first that its name can belong to where nobody knows."""
    return buried.project or next(owners(buried.key), "")


# --- back ----------------------------------------------------------------------------------------------------------


class Return(Struct, frozen=True):
    """A file that can come back, and what the next run will think of it."""

    item: Item
    project: str
    sha256: str
    """Of the bytes that were read, as its name promises them."""
    warning: str
    """Why the next run would take it away again, and what would keep it; empty if nothing is known against it."""


def plan_return(ground: Ground, items: Sequence[Item], now: float) -> list[Return]:
    """
    Read each file among *items*, and say what becomes of it.

    Raises Refused for one that is damaged, whose project nobody knows or is in quarantine; StorageError.
    """
    return [_return(ground, item, now) for item in items if item.is_file]


def _return(ground: Ground, item: Item, now: float) -> Return:
    project = owner_of(item.buried)
    if not project:
        raise Refused(f"{item.buried.key}: which project it belongs to is not known")
    if item.size is None:
        raise Refused(f"{item.buried.key}: the trash has lost it")
    sha256 = _verified(ground, item.buried.key)
    if sha256 is None:
        raise Refused(f"{item.buried.key}: its bytes are not those that its name promises: it stays in the trash")
    entry = ground.catalogue.entry(project)
    if entry is not None and entry.published and not entry.indexed and not entry.departing:
        raise Refused(f"{project}: upstream has quarantined it, so nothing of it may be offered")
    return Return(item, project, sha256, _warning(ground, item, project, now))


def _verified(ground: Ground, key: str) -> str | None:
    """The file's SHA-256, if the digest in *key*, which is the file's BLAKE2b or its SHA-256, is that of the bytes."""
    digits = layout.path_digest("/" + key)
    sha256, blake2 = hashlib.sha256(), hashlib.blake2b(digest_size=32)
    with ground.place.open_buried(key) as stream:
        while data := stream.read(CHUNK):
            sha256.update(data)
            blake2.update(data)
    return sha256.hexdigest() if digits in (sha256.hexdigest(), blake2.hexdigest()) else None


def _warning(ground: Ground, item: Item, project: str, now: float) -> str:
    file = File(item.filename, "https://mirror.invalid/" + item.buried.key, "0" * 64, item.size)
    held = Held(file, item.size or 0)
    record = Record(Entry(project, project), Published((held,)))
    if ground.selection is not None and not wants(ground.selection, record, (held,), now):
        return "the rules do not want it: see bandersnatch why"
    cause = item.buried.reason.partition(":")[0]
    if cause in (Cause.DELETED, Cause.QUARANTINED) and _policy(ground.policies, cause) is not Policy.KEEP:
        return f'upstream had it no longer ({cause}), unless it has it again: removal.{cause} = "keep"'
    if cause == Cause.DESELECTED and ground.policies.deselected is not Policy.KEEP and ground.selection is None:
        return f"the rules did not want it: {item.buried.reason}"
    return ""


def _policy(policies: Policies, cause: str) -> Policy:
    return policies.of(Cause(cause))


def restore(mirror: Mirror, returns: Sequence[Return], now: float) -> None:
    """
    Put files whose bytes were verified back in their place, then on their page. The lock must be held. Blocks.

    The next run looks at their projects. Cut off, what no page links yet goes back to the trash after the grace time.
    Raises StorageError and CatalogueError.
    """
    by_project: defaultdict[str, list[Return]] = defaultdict(list)
    for one in returns:
        by_project[one.project].append(one)
    for project, group in sorted(by_project.items()):
        _restore(mirror, _record(mirror, project), group, now)
    publish_index(mirror)


def _restore(mirror: Mirror, record: Record, returns: Sequence[Return], now: float) -> None:
    known = {one.file.filename for one in record.published.held}
    fresh = [one for one in returns if one.item.filename not in known]
    entry = replace(
        record.entry, published=True, indexed=True, departing=False, validators=Validators(), digest="", selection="",
        missing_since=_missing_since(record.entry, returns, now),
    )  # fmt: skip
    if record.entry.published:
        mirror.catalogue.suspect([record.name], now, files=False)
    else:
        _announce(mirror, entry, fresh, now)
    back = [_take_back(mirror, record.name, one) for one in fresh]
    mirror.storage.settle()
    held = (*record.published.held, *back)
    commit = Commit(entry, replace(record.published, held=held))
    settle_now(mirror, [Ready(commit, page_with(mirror, record, held), trusted=False)], now)
    mirror.catalogue.suspect([record.name], now, files=False)


def _announce(mirror: Mirror, entry: Entry, returns: Sequence[Return], now: float) -> None:
    """
    Let the catalogue know the pages that are about to be there: cut off, the next run takes them down.

    Until it has, nothing of the project is swept: what its page may link stays.
    """
    versions = {names.version_of(one.item.filename, entry.name) for one in returns}
    keys = [key for keys in layout.page_keys(entry.name).values() for key in keys]
    keys += [layout.legacy_key(entry.name, version) for version in (None, *sorted(filter(None, versions)))]
    leaving = replace(entry, indexed=False, departing=True)
    failure = Failure(entry.name, f"it was {RESTORED}, and that was cut off", now)
    mirror.catalogue.commit([Commit(leaving, Published(pages=tuple((key, "") for key in keys)), failure=failure)])


def _missing_since(entry: Entry, returns: Sequence[Return], now: float) -> float | None:
    """Since when upstream is without the project, as far as is known: a list that has not changed does not say so."""
    deleted = any(one.item.buried.reason.startswith(Cause.DELETED) for one in returns)
    return now if deleted and not entry.published else entry.missing_since


def _record(mirror: Mirror, project: str) -> Record:
    entry = mirror.catalogue.entry(project)
    return Record(entry or Entry(project, project), mirror.catalogue.published(project))


def _take_back(mirror: Mirror, project: str, one: Return) -> Held:
    """The file in its place again, with what of its companions can be had."""
    key = one.item.buried.key
    provenance = _provenance_key(project, one.item.filename)
    keys = [key, key + ".metadata", *([provenance] if provenance else [])]
    hidden = one.item.buried.until - one.item.buried.since > mirror.rules.trash
    there = [each for each in keys if mirror.storage.buried(each) is not None]
    mirror.catalogue.leave([Leaving(each, project, RESTORED, hidden) for each in there])
    root = urlsplit(mirror.address)
    file = File(one.item.filename, f"{root.scheme}://{root.netloc}/{layout.url_of(key)}", one.sha256, one.item.size)
    with mirror.storage.open_buried(key) as stream:
        rules = mirror.rules.transfer.on_page_of(project, file.filename)
        metadata, _ = take_metadata(file, stream, mirror.storage, rules)
        file = replace(file, core_metadata=metadata or False, requires_python=_requires_python(stream, metadata))
    mirror.storage.unbury(key)
    has_provenance = (
        provenance is not None
        and mirror.rules.transfer.provenance
        and _unbury_provenance(mirror, provenance, one.sha256)
    )
    return Held(file, one.item.size or 0, metadata, has_provenance)


def _provenance_key(project: str, filename: str) -> str | None:
    version = names.version_of(filename, project)
    return None if version is None else layout.provenance_key(project, version, filename)


def _unbury_provenance(mirror: Mirror, key: str, sha256: str) -> bool:
    """Whether the provenance of the file with this SHA-256 is back: only what is about that file comes."""
    if mirror.storage.buried(key) is None:
        return False
    with mirror.storage.open_buried(key) as stream:
        sound = is_of(stream.read(MAX_COMPANION), sha256)
    return sound and mirror.storage.unbury(key)


def _requires_python(wheel: BinaryIO, metadata: str | None) -> str | None:
    """What the wheel itself says, if its *metadata* could be read: nobody knows any more what upstream's page said."""
    if metadata is None:
        return None
    wheel.seek(0)
    return next(iter(fields.from_metadata(from_wheel(wheel, limit=MAX_COMPANION)).get("requires-python", ())), None)


# --- away ----------------------------------------------------------------------------------------------------------


def empty(mirror: Mirror, items: Iterator[Item], now: float) -> int:
    """
    Delete *items* for good; returns how many there were. The lock must be held. Blocks.

    Their time is over first, so that the next run finishes what is cut off. Raises StorageError and CatalogueError.
    """
    count = 0
    part: list[Buried] = []
    for item in items:
        part.append(replace(item.buried, until=min(item.buried.until, now - 1)))
        count += 1
        if len(part) == AT_ONCE:
            mirror.catalogue.bury(part)
            part = []
    mirror.catalogue.bury(part)
    purge_expired(mirror, now)
    return count
