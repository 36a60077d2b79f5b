"""Pages that are served though the catalogue knows nothing of them: state was deleted, or another tool made the tree.

Without this, a project that upstream removed (or that the rules do not want) would be served for ever once nobody
remembers it. Taken note of, it is asked about like any other, and leaves by the removal policy, under the brake.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from bandersnatch import layout, names
from bandersnatch.catalogue.base import Commit, Entry, Published
from bandersnatch.errors import BadContent
from bandersnatch.model import Held, Project
from bandersnatch.storage.base import Storage
from bandersnatch.sync.mirror import Mirror

KNOWN = "pages-known"
"""The fact that is set once the catalogue knows of every page that is served."""

AT_ONCE = 200

MAX_PAGE = 64 << 20

NOWHERE = "https://mirror.invalid/"
"""What the relative links of a found page are read against: their keys are all that is wanted of them."""


def find_pages(mirror: Mirror) -> None:
    """
    Take note of the pages that a catalogue without any memory does not know. Nothing on the disk is changed.

    What a page links counts as held, and is suspect: all of it is looked at before the project's next page is
    published.
    Cut off, it begins anew. Blocks. Raises StorageError and CatalogueError.
    """
    if mirror.catalogue.get(KNOWN) is not None:
        return
    found = _names(mirror.storage)
    while part := list(islice(found, AT_ONCE)):
        unknown = [name for name in part if mirror.catalogue.entry(name) is None]
        mirror.catalogue.commit([_commit(name, mirror.storage) for name in unknown])
    mirror.catalogue.set({KNOWN: "1"})


def _names(storage: Storage) -> Iterator[str]:
    """Every project that has a page, once; names that are not normalised are another tool's, and are left alone."""
    for key, _ in storage.keys("simple"):
        _, _, rest = key.partition("/")
        name, _, _ = rest.partition("/")
        if not names.is_normalised(name):
            continue
        [first], (second, *_) = layout.page_keys(name).values()
        if key == first or (key == second and storage.stat(first) is None):
            yield name


def _commit(name: str, storage: Storage) -> Commit:
    keys = [key for keys in layout.page_keys(name).values() for key in keys if storage.stat(key) is not None]
    keys += [key for key, _ in storage.keys(f"pypi/{name}")]
    held = tuple(
        Held(file, file.size or 0, _metadata(file.core_metadata)) for file in _page(name, storage).files if file.sha256
    )
    entry = Entry(name, name, published=True, indexed=True, suspect=True)
    return Commit(entry, Published(held, tuple((key, "") for key in keys)))


def _page(name: str, storage: Storage) -> Project:
    """What the page says, as far as it can be read."""
    from bandersnatch.simple import html, json

    (plain, *_), (markup, *_) = layout.page_keys(name).values()
    for key, parse in ((plain, json.parse), (markup, html.parse)):
        body = storage.read(key, MAX_PAGE) if storage.stat(key) is not None else None
        try:
            if body is not None:
                return parse(body, NOWHERE + key, name)
        except BadContent:
            continue
    return Project(name)


def _metadata(stated: str | bool | None) -> str | None:
    return stated if isinstance(stated, str) else None
