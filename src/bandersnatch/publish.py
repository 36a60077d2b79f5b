"""One page out: what a project's files make visible, rendered from one value, staged only where bytes changed.

Everything here blocks. The files themselves must be visible already; ``Storage.settle`` makes the pages so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Protocol

from bandersnatch import layout, names
from bandersnatch.model import File, Held, Listed, Project
from bandersnatch.simple import facts, json, releases
from bandersnatch.storage.base import Stat, Storage
from bandersnatch.values import Struct

FORMAT = 2
"""Counts the changes of what the renderers of project pages write, so that pages of an older form are made anew."""

LEGACY_FORMAT = 1
"""The same for the older JSON, of which there are many more."""

MAX_METADATA = 16 << 20

_Render = Callable[[str, int | None, tuple[Held, ...], Project, facts.Urls, facts.Provenances], bytes]

Pages = tuple[tuple[str, str], ...]
"""For each page of a project, its key and a digest of what it is made from."""


class Settings(Struct, frozen=True):
    """Which pages there are, and which address they speak of."""

    base_url: str = ""
    """The mirror's own address with a trailing slash, or empty: pages then hold relative links only."""
    html: bool = True
    legacy_json: str = "project"
    """Of what there is older JSON: project (of projects alone), releases (of each release as well), or none."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same files would make other pages."""
        return hashlib.sha256(repr((FORMAT, LEGACY_FORMAT, self)).encode()).hexdigest()[:16]

    def makes(self, key: str) -> bool:
        """Whether there are pages of the kind of *key* at all."""
        if key.startswith("pypi/"):
            return self.legacy_json == "releases" or (self.legacy_json == "project" and key.count("/") == 2)
        return self.html or not key.startswith("simple/") or key.endswith("_json")


def project(
    shown: Project,
    display: str,
    held: tuple[Held, ...],
    before: Pages,
    out: Output,
    *,
    trust: bool = True,
    upstream_files: bool = False,
) -> Pages:
    """
    Stage the pages of *shown* with the files *held*, and return what the pages are now.

    *before* says which pages there are already; without *trust*, storage itself is asked. Pages that no longer exist
    are deleted, unless their whole kind is not made any more: that is for after the commit. With *upstream_files*, the
    pages link upstream's own files (see ``linked``), and there is no older JSON, which would have to be made from what
    is not here.
    """
    writer = _Writer(out.storage, dict(before), trust=trust)
    _simple(shown, held, out.settings, writer, upstream_files=upstream_files)
    if out.settings.legacy_json != "none" and held and not upstream_files:
        _legacy(shown, display, held, out, writer)
    writer.delete_others(out.settings)
    return tuple(writer.pages.items())


def keys(
    shown: Project, held: tuple[Held, ...], settings: Settings, *, upstream_files: bool = False
) -> tuple[str, ...]:
    """The keys of the pages that ``project`` makes of the same."""
    simple = layout.page_keys(shown.name)
    found = [*simple["json"], *(simple["html"] if settings.html else ())]
    if settings.legacy_json != "none" and held and not upstream_files:
        versions = releases.group(shown.name, held, shown.versions)
        found += [layout.legacy_key(shown.name, version) for version in versions if _has_own_json(version, settings)]
        found += [layout.legacy_key(shown.name)] if versions else []
    return tuple(found)


def page_digest(data: bytes) -> str:
    """What ``Pages`` has of a page of the simple API that is *data*."""
    return hashlib.sha256(data).hexdigest()[:32]


def page_in_json(shown: Project, held: tuple[Held, ...], settings: Settings, *, upstream_files: bool = False) -> bytes:
    """The page in JSON that ``project`` makes of the same."""
    return _rendered(json.render, shown, held, settings, upstream_files=upstream_files)


def linked(files: Iterable[File]) -> tuple[Held, ...]:
    """*files* as a page needs them that links upstream's own: with what upstream promises beside them."""
    return tuple(
        Held(file, file.size or 0, file.core_metadata if isinstance(file.core_metadata, str) else None)
        for file in files
    )


def remove(pages: Pages, storage: Storage) -> None:
    """Delete the *pages* of a project that the list of projects no longer names."""
    for key, _ in pages:
        storage.delete(key)


def index(projects: Callable[[], Iterable[Listed]], serial: int | None, out: Output) -> None:
    """Stage the list of projects, streaming; *projects* is called once for each form of the list."""
    from bandersnatch.simple import listing

    keys = layout.index_keys()
    out.storage.put(keys["json"], listing.render_json(projects(), serial))
    if out.settings.html:
        out.storage.put(keys["html"], listing.render_html(projects(), serial))
        return
    for key in keys["html"]:
        out.storage.delete(key)


class Shelf(Protocol):
    """The part of ``Storage`` that a page needs to be made and put in its place."""

    def stat(self, key: str) -> Stat | None: ...
    def read(self, key: str, limit: int) -> bytes | None: ...
    def put(self, keys: tuple[str, ...], data: bytes | Iterator[bytes]) -> None: ...
    def delete(self, key: str) -> None: ...


class Output(Struct, frozen=True):
    """Where pages go, and how they are made."""

    storage: Shelf
    settings: Settings


class _Writer:
    """Stages pages whose bytes changed, and remembers all of them."""

    def __init__(self, storage: Shelf, before: Mapping[str, str], *, trust: bool) -> None:
        self._storage = storage
        self._before = before
        self._trust = trust
        self._is_new: bool | None = None
        """Without trust: whether storage lacks the first page; then it is not asked for the others."""
        self.pages: dict[str, str] = {}

    def write(self, keys: tuple[str, ...], render: Callable[[], bytes], digest: str | None = None) -> None:
        """Stage what *render* makes under *keys*; *digest* spares the rendering where it stands for the bytes."""
        data = None
        if digest is None:
            data = render()
            digest = page_digest(data)
        self.pages.update(dict.fromkeys(keys, digest))
        if self._trust and all(self._before.get(key) == digest for key in keys):
            return
        data = render() if data is None else data
        if not self._trust and self._are_there(keys, data):
            return
        self._storage.put(keys, data)

    def _are_there(self, keys: tuple[str, ...], data: bytes) -> bool:
        if self._is_new is None:
            self._is_new = self._storage.stat(keys[0]) is None
        return not self._is_new and all(_is_there(self._storage, key, data) for key in keys)

    def delete_others(self, settings: Settings) -> None:
        for key in self._before.keys() - self.pages.keys():
            if settings.makes(key):
                self._storage.delete(key)


def _is_there(storage: Shelf, key: str, data: bytes) -> bool:
    stat = storage.stat(key)
    return stat is not None and stat.size == len(data) and storage.read(key, len(data)) == data


def _simple(
    shown: Project, held: tuple[Held, ...], settings: Settings, writer: _Writer, *, upstream_files: bool
) -> None:
    keys = layout.page_keys(shown.name)
    writer.write(keys["json"], lambda: page_in_json(shown, held, settings, upstream_files=upstream_files))
    if settings.html:
        from bandersnatch.simple import html

        writer.write(keys["html"], lambda: _rendered(html.render, shown, held, settings, upstream_files=upstream_files))


def _rendered(
    render: _Render, shown: Project, held: tuple[Held, ...], settings: Settings, *, upstream_files: bool
) -> bytes:
    def url(one: Held) -> str:
        return one.file.url if upstream_files else layout.from_page(layout.file_key(one.file))

    def provenance(one: Held) -> str | None:
        return _provenance_url(shown.name, one, settings)

    return render(shown.name, shown.serial, held, shown, url, provenance)


def _provenance_url(name: str, one: Held, settings: Settings) -> str | None:
    """PEP 740 wants an absolute https URL: our own where we know our address, else the one that upstream gave."""
    if one.provenance and settings.base_url.startswith("https://"):
        version = names.version_of(one.file.filename, name)
        if version is not None:
            return settings.base_url + layout.url_of(layout.provenance_key(name, version, one.file.filename))
    return one.file.provenance


# --- PyPI's older JSON ---------------------------------------------------------------------------------------------


def _legacy(shown: Project, display: str, held: tuple[Held, ...], out: Output, writer: _Writer) -> None:
    from bandersnatch.simple import legacy

    name, root = shown.name, out.settings.base_url or "/"
    by_version = releases.group(name, held, shown.versions)
    if not by_version:
        return  # PyPI answers 404 for a project without a release

    def url(one: Held) -> str:
        return root + layout.url_of(layout.file_key(one.file))

    @lru_cache(maxsize=1)  # of the latest release it is asked twice, one after the other
    def metadata(one: Held) -> bytes | None:
        return out.storage.read(layout.metadata_key(one.file), MAX_METADATA) if one.metadata else None

    def project_json() -> bytes:
        return legacy.render_project(name, display, shown.serial, held, metadata, url, shown.versions)

    def version_json(version: str) -> bytes:
        files = by_version[version]
        return legacy.render_version(name, display, version, files, legacy.first_metadata(files, metadata), url)

    for version, files in by_version.items():
        if _has_own_json(version, out.settings):
            writer.write(
                (layout.legacy_key(name, version),), partial(version_json, version), _digest(display, root, files)
            )
    writer.write((layout.legacy_key(name),), project_json, _digest(display, root, shown.serial, shown.versions, held))


def _has_own_json(version: str, settings: Settings) -> bool:
    if settings.legacy_json != "releases":
        return False
    return names.is_filename(version) and version != "json"  # there stands the project's own


def _digest(*made_from: object) -> str:
    """Stands for the bytes of a page that is made from these and from objects named by their digests in them."""
    return facts.digest(LEGACY_FORMAT, *made_from)
