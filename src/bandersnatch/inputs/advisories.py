"""Security advisories from disk: records in the OSV format, in a file, a directory or a zip file.

Only what judges versions is kept, so that tens of thousands of records fit into little memory.
"""

from __future__ import annotations

import io
import itertools
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

from bandersnatch.errors import Problem, UsageError
from bandersnatch.inputs import osv
from bandersnatch.selection.affected import Advisory, Severity
from bandersnatch.values import Struct, replace

SUFFIXES = (".json", ".jsonl", ".ndjson")
"""What is read of a directory or a zip file; the latter two have a record in each line."""

MAX_MEMBER = 1 << 26
"""Bytes of one member of a zip file, unpacked: far more than any record has."""

MAX_PROBLEMS = 20
"""How many problems are listed one by one."""

# All that zipfile raises for a member that cannot be read.
_UNREADABLE = (EOFError, NotImplementedError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)


class Advisories(Struct, frozen=True):
    """What was read."""

    by_name: Mapping[str, tuple[Advisory, ...]]
    """By normalised name of the project, in the order of the files."""
    problems: tuple[Problem, ...] = ()
    """The records and files that could not be read: nobody knows what they would have blocked."""
    warnings: tuple[Problem, ...] = ()

    def checked(self) -> Advisories:
        """The same, if all of it could be read. Raises UsageError with the first of the problems, and their number."""
        if self.problems:
            raise UsageError(*_shortened(self.problems))
        return self


def read(place: str) -> Advisories:
    """
    All advisories at *place*: a file (a record, a JSON list of them, or one in each line), a directory with such
    files in and below it, or a zip file of them.

    What a record says is never lost quietly: see ``Advisories.problems``. An advisory that does not say how bad it is
    takes that from those that share an id with it. Raises UsageError if *place* is not there or cannot be opened.
    """
    reading = _Reading()
    try:
        reading.place(Path(place))
    except (OSError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise UsageError(Problem(f"the advisories cannot be read: {reason or error}", place)) from error
    return reading.result(place)


class _Reading:
    """What has come together so far."""

    def __init__(self) -> None:
        self._found: dict[str, list[Advisory]] = {}
        self._severities: dict[str, Severity] = {}
        """The worst that any advisory gives, by each of its ids."""
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._files = 0

    def place(self, place: Path) -> None:
        if place.is_dir():
            self._folder(place)
        elif zipfile.is_zipfile(place):
            with zipfile.ZipFile(place) as archive:
                self._archive(str(place), archive)
        else:
            with place.open("rb") as stream:
                self._file(str(place), stream)

    def result(self, place: str) -> Advisories:
        by_name = {name: tuple(map(self._graded, each)) for name, each in self._found.items()}
        warnings = list(_shortened(self._warnings))
        if not self._files:
            warnings.append(Problem(f"has no file that ends with {' or '.join(SUFFIXES)}: no advisory is known", place))
        elif not by_name and not self._problems:
            warnings.append(Problem("has no advisory about a project on PyPI", place))
        return Advisories(by_name, tuple(self._problems), tuple(warnings))

    def _graded(self, advisory: Advisory) -> Advisory:
        """*advisory* with a severity, if it has none and another record for the same thing has one."""
        if advisory.severity is not None:
            return advisory
        known = [self._severities[name] for name in advisory.known_as if name in self._severities]
        return replace(advisory, severity=max(known)) if known else advisory

    def _folder(self, place: Path) -> None:
        for path in self._paths(place):
            try:
                with path.open("rb") as stream:
                    self._file(str(path), stream)
            except OSError as error:
                self._problem(f"cannot be read: {error.strerror or error}", str(path))

    def _paths(self, place: Path) -> Iterator[Path]:
        waiting = [str(place)]  # os.walk calls itself for each folder in a folder before Python 3.12
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except OSError as error:
                self._problem(f"the directory cannot be read: {error.strerror}", folder)
                continue
            inner = [one for one in entries if one.is_dir(follow_symlinks=False) and not one.name.startswith(".")]
            waiting += [one.path for one in reversed(inner)]
            yield from (Path(one.path) for one in entries if one.name.endswith(SUFFIXES) and not one.is_dir())

    def _archive(self, place: str, archive: zipfile.ZipFile) -> None:
        for member in archive.infolist():
            if not member.filename.endswith(SUFFIXES):
                continue
            file = f"{place}/{member.filename}"
            try:
                if member.file_size > MAX_MEMBER:
                    raise ValueError(f"has {member.file_size} bytes, more than {MAX_MEMBER}")
                self._file(file, io.BytesIO(archive.read(member)))
            except _UNREADABLE as error:
                self._problem(f"cannot be read: {error}", file)

    def _file(self, file: str, stream: IO[bytes]) -> None:
        self._files += 1
        for line, document in _documents(stream, by_line=file.endswith((".jsonl", ".ndjson"))):
            try:
                for record in _records(document):
                    self._record(record, file, line)
            except ValueError as error:
                self._problem(str(error), file, line)

    def _record(self, record: bytes | msgspec.Raw, file: str, line: int | None) -> None:
        try:
            parsed = osv.parse(record, file=file, line=line)
        except ValueError as error:
            self._problem(str(error), file, line)
            return
        self._warnings += [Problem(warning, file, line) for warning in parsed.warnings]
        for name, advisory in parsed.advisories:
            self._found.setdefault(name, []).append(advisory)
            if advisory.severity is not None:
                for known_as in advisory.known_as:
                    self._severities[known_as] = max(advisory.severity, self._severities.get(known_as, Severity.NONE))

    def _problem(self, message: str, file: str, line: int | None = None) -> None:
        self._problems.append(Problem(message, file, line))


_raw = msgspec.json.Decoder(msgspec.Raw)
_list = msgspec.json.Decoder(list[msgspec.Raw])


def _documents(stream: IO[bytes], *, by_line: bool) -> Iterator[tuple[int | None, bytes]]:
    """The JSON documents of a file with their lines: one in each line if the first line is one, else a single one."""
    first = stream.readline().removeprefix(b"\xef\xbb\xbf")
    if not by_line and not _is_document(first):
        yield None, first + stream.read()
        return
    for number, line in enumerate(itertools.chain((first,), stream), 1):
        if line.strip():
            yield number, line


def _is_document(data: bytes) -> bool:
    try:
        _raw.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _records(document: bytes) -> Iterable[bytes | msgspec.Raw]:
    """The records of a document, which is one or a list of them. Raises ValueError for a list that ends too early."""
    if not document.lstrip().startswith(b"["):
        return (document,)
    try:
        return _list.decode(document)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"not a list in JSON: {error}") from error


def _shortened(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The first of *problems*, and how many there are besides."""
    more = len(problems) - MAX_PROBLEMS
    return (*problems[:MAX_PROBLEMS], *((Problem(f"and {more} more like these"),) if more > 0 else ()))
