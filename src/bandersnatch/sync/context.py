"""What the selection is told besides upstream's page: when files were seen first, and their core metadata."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bandersnatch import layout, names
from bandersnatch.catalogue.base import Published
from bandersnatch.errors import BadContent, NotAllowed, NotFound, StorageError
from bandersnatch.model import File, Project
from bandersnatch.selection.base import Context
from bandersnatch.sync.run import Run, ends_the_run

if TYPE_CHECKING:
    from packaging.version import Version

MAX_METADATA = 16 << 20

LONG_AGO = 0.0
"""When a file that is held was seen first, for want of a better moment."""


async def context(project: Project, before: Published, run: Run) -> Context:
    """What the selection needs to judge *project*. Raises UpstreamError."""
    seen = {held.file.sha256: LONG_AGO for held in before.held} | dict(before.seen)
    found: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    if run.mirror.selection.needs_metadata(project.name):
        found = await _metadata(project, run)
    return Context(run.now, seen, found)


def seen(project: Project, known: Context, held: frozenset[str], now: float) -> tuple[tuple[str, float], ...]:
    """When the files of *project* that are not among the *held* SHA-256s were seen first, to be remembered."""
    return tuple(
        (file.identity, known.first_seen.get(file.identity, now)) for file in project.files if file.sha256 not in held
    )


async def _metadata(project: Project, run: Run) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """The core metadata of the releases that are judged by their own, or of the newest one, which stands for all."""
    releases = _by_release(project)
    if run.mirror.rules.metadata_of_each:
        return {release: await _of_release(project.name, release, files, run) for release, files in releases.items()}
    newest = max(releases, key=_rank, default=None)
    if newest is None:
        return {}
    return dict.fromkeys(releases, await _of_release(project.name, newest, releases[newest], run))


def _by_release(project: Project) -> dict[str, list[File]]:
    releases: dict[str, list[File]] = {}
    for file in project.files:
        releases.setdefault(names.version_of(file.filename, project.name) or "", []).append(file)
    return releases


def _rank(release: str) -> tuple[bool, bool, Version]:
    """Final releases before pre-releases before what is no version at all, the newest last."""
    from packaging.version import InvalidVersion, Version

    try:
        version = Version(release)
    except InvalidVersion:
        return False, False, Version("0")
    return True, not version.is_prerelease, version


async def _of_release(name: str, release: str, files: list[File], run: Run) -> Mapping[str, tuple[str, ...]]:
    """From a file's core metadata (PEP 658), else from the older JSON of the release; empty where neither is there."""
    from bandersnatch.simple import fields

    for file in sorted(files, key=lambda one: not one.filename.endswith(".whl")):
        if file.core_metadata:
            try:
                return await asyncio.to_thread(fields.from_metadata, await _read(file, run))
            except (NotFound, NotAllowed, BadContent):
                continue
    try:
        return fields.from_json(await run.mirror.upstream.legacy(name, release, limit=MAX_METADATA))
    except (NotFound, NotAllowed, BadContent):
        return {}


async def _read(file: File, run: Run) -> bytes:
    storage, data = run.mirror.storage, None
    try:
        if layout.has_key(file):
            data = await asyncio.to_thread(storage.read, layout.metadata_key(file), MAX_METADATA)
    except StorageError as error:
        if ends_the_run(error):
            raise
        data = None  # upstream has it as well
    if data is not None:
        return data
    return await run.mirror.upstream.read(file.metadata_url, limit=MAX_METADATA)
