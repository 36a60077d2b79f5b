"""The files that a configuration names to be written, beside the mirror or for others in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bandersnatch.config.load import Loaded
from bandersnatch.config.schema import Config
from bandersnatch.errors import Problem, UsageError
from bandersnatch.hooks import files
from bandersnatch.storage import outputs
from bandersnatch.storage.oserrors import translated
from bandersnatch.storage.outputs import Kind

_LOG = re.compile(rb'\{"event":|\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z ')
"""How a line begins, as JSON and for people."""

DIFF = Kind("list of what a run brought", files.is_diff)
FRESHNESS = Kind("freshness file", files.is_freshness, is_public=True)
LOG = Kind("log of ours", lambda begin: _LOG.match(begin) is not None)


def problems(loaded: Loaded) -> list[Problem]:
    """What the configuration names that is something else than what would be written there."""
    found = []
    for name, path, kind in _named(loaded.config):
        try:
            outputs.check(path, kind, loaded.config.mirror.directory)
        except UsageError as error:
            found.append(loaded.origins[name].problem(name, str(error), loaded.line_of(name)))
    return found


def _named(config: Config) -> Iterator[tuple[str, Path, Kind]]:
    if config.mirror.diff_file:
        epoch = 0 if config.mirror.diff_append_epoch else None
        yield "mirror.diff-file", files.diff_file(config.mirror.diff_file, epoch), DIFF
    if config.publish.freshness_file:
        yield "publish.freshness-file", Path(config.mirror.directory, "web", config.publish.freshness_file), FRESHNESS
    if config.log.file:
        yield "log.file", Path(config.log.file), LOG


def write_diff(config: Config, lines: Iterable[str], epoch: int | None) -> None:
    """Put *lines* in the place of the list that the last run wrote. Raises UsageError, StorageError and OSError."""
    assert config.mirror.diff_file is not None
    place = files.diff_file(config.mirror.diff_file, epoch)
    with translated(None, str(place)):
        place.parent.mkdir(parents=True, exist_ok=True)
    with (
        outputs.replacing(place, DIFF, config.mirror.directory) as new,
        new.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file,
    ):
        file.writelines(f"{line}\n" for line in lines)
