"""The state of an index and its history, editable at any time and from any thread; no HTTP."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from threading import RLock
from typing import Any

from bandersnatch.names import normalise
from bandersnatch.testing import distributions
from bandersnatch.testing.distributions import KINDS, Build
from bandersnatch.testing.state import ProjectState, Release, Row, UploadedFile, moment, timestamp


class Index:
    """
    An index like PyPI, to be changed as its users would change it.

    Every change writes rows of the journal, and so moves the serial of the project and of the index, unless its
    method says otherwise. Projects can be named in any spelling. Naming a project, version or file that is not
    there raises KeyError.
    """

    def __init__(self, *, serial: int = 0) -> None:
        """Begin empty, with *serial* as the last one used."""
        self._lock = RLock()
        self._serial = serial
        self._journal: list[Row] = []
        self._history: dict[str, list[tuple[int, ProjectState | None]]] = {}
        self._files: dict[str, UploadedFile] = {}
        self._listed: dict[str, UploadedFile] = {}

    # --- reading ---------------------------------------------------------------------------------------------------

    @property
    def serial(self) -> int:
        """The serial of the last row of the journal."""
        with self._lock:
            return self._serial

    def journal(self, since: int = 0) -> tuple[Row, ...]:
        """The rows of the journal after serial *since*."""
        with self._lock:
            return tuple(self._journal[bisect_right(self._journal, since, key=lambda row: row.serial) :])

    def project(self, name: str, at: int | None = None) -> ProjectState | None:
        """The project *name*, as it was at serial *at* or is now; None where it is not, or is removed."""
        with self._lock:
            return self._state(normalise(name), at)

    def projects(self, at: int | None = None) -> tuple[ProjectState, ...]:
        """All projects, those in quarantine too, as they were at serial *at* or are now, in the order of names."""
        with self._lock:
            states = (self._state(name, at) for name in sorted(self._history))
            return tuple(state for state in states if state is not None)

    def file(self, path: str) -> UploadedFile | None:
        """The file at *path*, whether any page still lists it or not: PyPI never deletes one."""
        with self._lock:
            return self._files.get(path)

    # --- projects and files ----------------------------------------------------------------------------------------

    def create(self, name: str) -> None:
        """Make a project without files. Nothing happens when it is there."""
        with self._lock:
            if self.project(name) is None:
                self._create(name)

    def upload(
        self,
        project: str,
        version: str,
        kind: str | None = None,
        *,
        filename: str | None = None,
        content: bytes | None = None,
        requires_python: str | None = None,
        requires_dist: Iterable[str] = (),
        summary: str = "A project of the tests",
        upload_time: datetime | str | None = None,
        core_metadata: bool = True,
        provenance: bool = False,
        python: str = "py3",
        abi: str = "none",
        platform: str = "any",
        padding: int = 0,
    ) -> UploadedFile:
        """
        Add a file, and the project and the release where they are new: up to three rows of the journal.

        *kind* is one of ``distributions.KINDS``; without it the ending of *filename* decides, without that the file
        is a wheel. *content* replaces the bytes that would be made, *padding* adds bytes to them. *upload_time* is
        taken to the letter when it is a string; by default it comes from the serial. Core metadata is offered for
        wheels only, as on PyPI. Raises ValueError when a file of this name is listed: remove it first.
        """
        requires = tuple(requires_dist)
        build = Build(project, version, python, abi, platform, requires_python, requires, summary, padding)
        kind = kind or (distributions.kind_of(filename) if filename else "wheel")
        file = _made(build, kind, filename, content)
        metadata = file.metadata if core_metadata else None
        return self._add(replace(file, metadata=metadata, provenance=provenance), project, upload_time)

    def remove_file(self, filename: str) -> None:
        """Take a file off its page; it stays reachable by its URL, as on PyPI."""
        with self._lock:
            file = self._listed.pop(filename)
            state = self._known(file.project)
            files = tuple(kept for kept in state.files if kept.filename != filename)
            self._write(state, f"remove file {filename}", file.version, files=files)

    def remove_release(self, project: str, version: str) -> None:
        """Remove a release with its files."""
        with self._lock:
            state, release = self._release(project, version)
            self._unlist(file for file in state.files if file.version == version)
            self._write(
                state,
                "remove release",
                version,
                releases=tuple(kept for kept in state.releases if kept is not release),
                files=tuple(kept for kept in state.files if kept.version != version),
            )

    def remove_project(self, name: str) -> None:
        """Remove a project with all that it has."""
        with self._lock:
            state = self._known(name)
            self._unlist(state.files)
            self._write(state, "remove project")
            self._history[state.name][-1] = (self._serial, None)

    def yank(self, project: str, version: str, reason: str = "") -> None:
        """Yank a release, which yanks all its files (PEP 592)."""
        self._change_release(project, version, "yank release", yanked=reason)

    def unyank(self, project: str, version: str) -> None:
        """Take a yank back."""
        self._change_release(project, version, "unyank release", yanked=None)

    def change_role(self, name: str) -> None:
        """Change what no page shows: a new serial, nothing else."""
        with self._lock:
            self._write(self._known(name), "add Maintainer someone")

    # --- statuses --------------------------------------------------------------------------------------------------

    def quarantine(self, name: str, version: str | None = None) -> None:
        """Quarantine a project (PEP 792), or only one of its releases."""
        if version is not None:
            self._change_release(name, version, "release quarantined", quarantined=True)
            return
        with self._lock:
            self._write(self._known(name), "project quarantined", status="quarantined")

    def clear_quarantine(self, name: str, version: str | None = None) -> None:
        """Let a project, or one of its releases, out of quarantine."""
        if version is not None:
            self._change_release(name, version, "release quarantine cleared", quarantined=False)
            return
        with self._lock:
            self._write(self._known(name), "project quarantine cleared", status="active")

    def archive(self, name: str) -> None:
        """Archive a project (PEP 792). As on PyPI this writes no row, so that no serial tells of it."""
        self._silently(name, status="archived")

    def unarchive(self, name: str) -> None:
        """Make an archived project active again, as silently."""
        self._silently(name, status="active")

    # --- how a change is made --------------------------------------------------------------------------------------

    def _state(self, name: str, at: int | None = None) -> ProjectState | None:
        history = self._history.get(name, [])
        place = len(history) if at is None else bisect_right(history, at, key=lambda entry: entry[0])
        return history[place - 1][1] if place else None

    def _known(self, name: str) -> ProjectState:
        state = self.project(name)
        if state is None:
            raise KeyError(f"the index has no project {name}")
        return state

    def _release(self, project: str, version: str) -> tuple[ProjectState, Release]:
        state = self._known(project)
        release = state.release(version)
        if release is None:
            raise KeyError(f"{project} has no release {version}")
        return state, release

    def _create(self, name: str) -> ProjectState:
        return self._write(ProjectState(normalise(name), name, 0), "create")

    def _add(self, file: UploadedFile, display: str, upload_time: datetime | str | None) -> UploadedFile:
        with self._lock:
            if file.filename in self._listed:
                raise ValueError(f"{file.filename} is listed already; remove it first")
            state = self._state(file.project) or self._create(display)
            if state.release(file.version) is None:
                releases = (*state.releases, Release(file.version))
                state = self._write(state, "new release", file.version, display=display, releases=releases)
            when = moment(self._serial + 1) if upload_time is None else upload_time
            file = replace(file, upload_time=when if isinstance(when, str) else timestamp(when))
            action = f"add {file.python_version} file {file.filename}"
            self._write(state, action, file.version, display=display, files=(*state.files, file))
            self._files[file.path] = self._files[f"/files/{file.filename}"] = self._listed[file.filename] = file
            return file

    def _unlist(self, files: Iterable[UploadedFile]) -> None:
        for file in files:
            del self._listed[file.filename]

    def _change_release(self, project: str, version: str, action: str, **changes: Any) -> None:
        with self._lock:
            state, release = self._release(project, version)
            changed = tuple(replace(r, **changes) if r is release else r for r in state.releases)
            self._write(state, action, version, releases=changed)

    def _write(self, state: ProjectState, action: str, version: str | None = None, **changes: Any) -> ProjectState:
        """Write a row of the journal, and the state that it leads to."""
        self._serial += 1
        changed = replace(state, serial=self._serial, **changes)
        self._journal.append(Row(changed.display, version, int(moment(self._serial).timestamp()), action, self._serial))
        self._history.setdefault(changed.name, []).append((self._serial, changed))
        return changed

    def _silently(self, name: str, **changes: Any) -> None:
        with self._lock:
            state = self._known(name)
            changed = replace(state, revision=state.revision + 1, **changes)
            self._history[state.name].append((state.serial, changed))


def _made(build: Build, kind: str, filename: str | None, content: bytes | None) -> UploadedFile:
    """The file that *build* describes, under its own name and with its own bytes unless others are given."""
    return UploadedFile(
        project=normalise(build.name),
        version=build.version,
        filename=filename or KINDS[kind].filename(build),
        kind=kind,
        content=KINDS[kind].make(build) if content is None else content,
        python_version="source" if KINDS[kind].packagetype == "sdist" else build.python,
        summary=build.summary,
        requires_python=build.requires_python,
        requires_dist=build.requires_dist,
        metadata=build.metadata if kind == "wheel" else None,
    )
