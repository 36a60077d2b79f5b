"""From a configuration to a mirror: the one place that chooses adapters and opens them."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from bandersnatch import publish, transfer
from bandersnatch.assemble.reaching import STATE, reach, upstream_settings
from bandersnatch.assemble.selection import choose
from bandersnatch.catalogue.base import Catalogue
from bandersnatch.catalogue.opening import CatalogueCorrupt, copy_catalogue, set_aside
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.catalogue.vouchers import FileVouchers, forget, open_vouchers
from bandersnatch.config.schema import Config
from bandersnatch.errors import StorageError
from bandersnatch.hooks.changes import QUEUES
from bandersnatch.plan import Brake, Policies, Policy
from bandersnatch.selection import Selection
from bandersnatch.storage import filesystem
from bandersnatch.storage.base import Storage
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.storage.fsops import FileSystem, make_folders
from bandersnatch.storage.journal import FileJournal
from bandersnatch.storage.lock import Lock
from bandersnatch.storage.oserrors import translated
from bandersnatch.sync.mirror import Mirror, Rules
from bandersnatch.upstream.address import conceal
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.index import IndexUpstream
from bandersnatch.upstream.pacing import Clock
from bandersnatch.values import replace

CATALOGUE = "catalogue.sqlite"
JOURNAL = "removals.jsonl"
LEARNED = "file-hosts"
"""The fact that holds the hosts which upstream's files were seen to come from, with the upstream that showed them."""
ROOT = "index-root"
"""The fact that holds where upstream's index was found, with the upstream that it is of."""

VOUCHERS = "adopted.sqlite"

KEEP_VOUCHERS = 30 * 86400.0
"""Seconds for which a run believes what an adoption verified: then nearly all of it is in the catalogue."""

KEEP_PARTIAL = 7 * 86400.0
"""Seconds for which what came of an interrupted download waits to be taken up again."""


@contextmanager
def locked(config: Config) -> Iterator[None]:
    """Hold the mirror's lock. Raises Locked, and StorageError if the directory cannot be used."""
    lock = Lock(state_directory(config) / "lock", datetime.now(UTC), anchor=config.mirror.directory)
    with lock.acquire(config.mirror.wait):
        yield


@asynccontextmanager
async def mirror(
    config: Config,
    environment: Mapping[str, str],
    now: float,
    *,
    chosen: Selection | None = None,
    fs: FileSystem | None = None,
    clock: Clock | None = None,
    anew: bool = False,
) -> AsyncIterator[Mirror]:
    """
    The mirror that *config* describes, open; its lock must be held. *now*: seconds since the epoch.

    *chosen* is the selection of *config* where it was made before. *fs* does everything that changes the disk, the
    catalogue's own file left out: tests make it fail. *clock* is what every wait for upstream goes by: tests make it
    run. *anew*: look once more where upstream's index is.
    """
    chosen = choose(config).selection if chosen is None else chosen
    state = state_directory(config)
    settings = upstream_settings(config, environment)
    helped = fs is None and filesystem.can_be_helped()
    reserve = config.mirror.reserve
    async with AsyncExitStack() as opened:  # whatever fails then, closes what was opened before it
        storage: Storage = FileStorage(web_directory(config), state, fs=fs, helped=helped, reserve=reserve)
        opened.callback(lambda: storage.close())  # noqa: PLW0108  # what it is by then
        storage = _told(storage, config)
        catalogue = open_catalogue(state / CATALOGUE, now)
        opened.callback(catalogue.close)
        vouchers = _vouchers(state / VOUCHERS, now)
        if vouchers is not None:
            opened.callback(vouchers.close)
        upstream = IndexUpstream(settings, Client(settings, clock))
        opened.push_async_callback(upstream.close)
        _remind(upstream, catalogue, settings.url, anew=anew)
        storage.sweep(keep_partial_ns=int((now - KEEP_PARTIAL) * 1e9))
        yield Mirror(
            config.mirror.directory,
            settings.url,
            conceal(config.mirror.upstream),
            upstream,
            storage,
            catalogue,
            FileJournal(state / JOURNAL, fs=fs),
            chosen,
            _believing(rules(config, chosen), vouchers),
        )
        catalogue.set({LEARNED: " ".join([settings.url, *sorted(upstream.learned)])})
        if upstream.root is not None:
            catalogue.set({ROOT: f"{settings.url} {upstream.root}"})


@asynccontextmanager
async def rehearsal(
    config: Config, environment: Mapping[str, str], chosen: Selection, *, copied: bool = True
) -> AsyncIterator[Mirror]:
    """
    The mirror for ``plan`` and ``why``: it looks at the mirror's directory and cannot change it.

    The lock need not be held, and the directory need not be there. Unless the catalogue is *copied* it cannot be
    written to; a copy takes its time and its room, in the system's folder for temporary files.
    """
    import tempfile

    from bandersnatch.storage.glance import Glance
    from bandersnatch.storage.memory import MemoryJournal

    settings = upstream_settings(config, environment)
    place = Path(config.mirror.directory, STATE, CATALOGUE)
    with tempfile.TemporaryDirectory(prefix="bandersnatch-") as folder:
        async with AsyncExitStack() as opened:
            catalogue = _catalogue_to_try(place, Path(folder, CATALOGUE), copied=copied)
            opened.callback(catalogue.close)
            upstream = IndexUpstream(settings, Client(settings))
            opened.push_async_callback(upstream.close)
            _remind(upstream, catalogue, settings.url)
            storage = Glance(config.mirror.directory)
            opened.callback(storage.close)
            yield Mirror(
                config.mirror.directory,
                settings.url,
                conceal(config.mirror.upstream),
                upstream,
                storage,
                catalogue,
                MemoryJournal(),
                chosen,
                rules(config, chosen),
            )


def _catalogue_to_try(place: Path, spare: Path, *, copied: bool) -> Catalogue:
    """The catalogue at *place*, or its copy at *spare*; an empty one there if nothing was ever mirrored."""
    if not place.exists():
        return SqliteCatalogue(spare)
    if not copied:
        return SqliteCatalogue(place, read_only=True)
    copy_catalogue(place, spare)
    return SqliteCatalogue(spare)


def open_catalogue(path: Path, now: float) -> Catalogue:
    """The catalogue at *path*; one that cannot be read is set aside, and everything is checked against upstream."""
    try:
        return SqliteCatalogue(path)
    except CatalogueCorrupt:
        set_aside(path, str(int(now)))
        return SqliteCatalogue(path)


def catalogue_to_read(config: Config) -> Catalogue | None:
    """The catalogue, for looking only; None if nothing was ever mirrored here."""
    path = Path(config.mirror.directory, STATE, CATALOGUE)
    return SqliteCatalogue(path, read_only=True) if path.exists() else None


def _told(storage: Storage, config: Config) -> Storage:
    """*storage*, with its changes written down if a hook or a file wants to hear of them. Raises StorageError."""
    if not (config.mirror.diff_file or config.hooks):
        return storage
    from bandersnatch.assemble.notifying import change_log
    from bandersnatch.storage.recorded import recorded

    with translated(None, str(state_directory(config))):
        log = change_log(config)
    return storage if log is None else recorded(storage, log)


def web_directory(config: Config) -> Path:
    """The web server's root."""
    return Path(config.mirror.directory, "web")


def state_directory(config: Config) -> Path:
    """What the mirror remembers; made if it is not there. Raises StorageError."""
    state = Path(config.mirror.directory, STATE)
    try:
        for folder in (state, web_directory(config)):
            make_folders(FileSystem(), str(folder.absolute()))
    except OSError as error:
        raise StorageError(
            f"{error.filename}: {error.strerror}; choose another [mirror] directory, or make this one yours to write",
            errno=error.errno,
        ) from error
    _refuse_links(state)
    return state


def _refuse_links(state: Path) -> None:
    """Raises StorageError for a symbolic link in the state: what is behind it would be written to, or deleted."""
    for folder in (state, state / QUEUES):
        with translated(None, str(folder)), suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise StorageError(
                        f"{entry.path} is a symbolic link, and nothing in state/ may be one: what is behind it would "
                        "be written to, or deleted; nothing was done; put what it leads to in its place, or remove it",
                        errno=errno.ELOOP,
                    )


def rules(config: Config, chosen: Selection) -> Rules:
    """How a run goes about it."""
    return Rules(
        changes=config.upstream.changes,
        projects_at_once=config.mirror.workers,
        files_at_once=config.upstream.streams,
        grace=config.mirror.grace,
        file_hosts=config.upstream.file_hosts,
        page_hosts=config.upstream.page_hosts,
        trash=config.removal.trash,
        hidden_for=config.removal.hidden_for,
        policies=Policies(
            Policy(config.removal.deleted),
            Policy(config.removal.quarantined),
            Policy(config.removal.yanked),
            Policy(config.removal.deselected),
        ),
        brake=brake(config),
        reach=reach(config),
        first_seen=chosen.needs_first_seen,
        metadata_of_each=config.metadata.of == "each",
        without_digest=config.files.without_digest == "take",
        http=config.upstream.allow_http,
        transfer=transfer.Rules(
            metadata=config.files.metadata, provenance=config.files.provenance, reserve=config.mirror.reserve
        ),
        publish=publish.Settings(
            base_url=config.publish.base_url or "", html=config.publish.html, legacy_json=config.publish.legacy_json
        ),
    )


def brake(config: Config) -> Brake:
    """From when on so much leaves that an operator has to agree."""
    removal = config.removal
    return Brake(removal.max_projects, removal.max_ratio, removal.max_files, removal.max_files_ratio)


def _vouchers(path: Path, now: float) -> FileVouchers | None:
    """What an adoption verified not long ago; None if there was none."""
    if not path.exists():
        return None
    if path.stat().st_mtime < now - KEEP_VOUCHERS:
        forget(path)
        return None
    return open_vouchers(path)


def _believing(rules: Rules, vouchers: FileVouchers | None) -> Rules:
    if vouchers is None:
        return rules
    return replace(rules, transfer=replace(rules.transfer, vouched=vouchers.vouched))


def _remind(upstream: IndexUpstream, catalogue: Catalogue, url: str, *, anew: bool = False) -> None:
    """Tell *upstream* what earlier runs found out about the same one: file hosts and, unless *anew*, where it is."""
    upstream.learned.update(_recall(catalogue, LEARNED, url))
    if catalogue.totals().files:
        upstream.settle()
    for root in () if anew else _recall(catalogue, ROOT, url):
        upstream.remember(root)


def _recall(catalogue: Catalogue, fact: str, url: str) -> list[str]:
    of, *found = (catalogue.get(fact) or "").split(" ")
    return found if of == url else []
