"""Trees of other tools, made as those tools make them, out of what an index has."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path

from bandersnatch.testing import Index, UploadedFile

PICKLE = b"\x80\x02cpep381client\nSynchronization\nq\x01)\x81q\x02."
"""How the status of pep381client begins; whoever loads it looks for a module of that name."""

Make = Callable[[Path, Index], Path]

Files = list[UploadedFile]


def projects(index: Index) -> Iterator[tuple[str, str, Files]]:
    """Each project that has files: its normalised name, its name as it is spelled, and its files."""
    for state in index.projects():
        if state.files:
            yield state.name, state.display, list(state.files)


def write(path: Path, content: bytes | str, time: str | None = None) -> Path:
    """Write one file, with the time that it was uploaded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if time:
        seconds = datetime.fromisoformat(time).timestamp()
        os.utime(path, (seconds, seconds))
    return path


def shaped(file: UploadedFile) -> str:
    """Where PyPI has a file since it has the paths that digests make."""
    return file.path.lstrip("/")


def old(file: UploadedFile, display: str) -> str:
    """Where PyPI had a file before: by its Python, the first letter and the project as it is spelled."""
    python = "source" if file.filename.endswith((".tar.gz", ".zip")) else file.python_version
    return f"packages/{python}/{display[0]}/{display}/{file.filename}"


def legacy_json(display: str, files: Files) -> str:
    """PyPI's older JSON, as far as mirrors look at it."""
    releases: dict[str, list[dict[str, object]]] = {}
    for file in files:
        releases.setdefault(file.version, []).append({
            "filename": file.filename,
            "url": f"https://files.example.org/{shaped(file)}",
            "digests": {"md5": file.md5, "sha256": file.sha256, "blake2b_256": file.blake2b},
            "size": len(file.content),
            "upload_time_iso_8601": file.upload_time,
        })  # fmt: skip
    return json.dumps({"info": {"name": display}, "last_serial": 7, "releases": releases}, indent=4)


def html(display: str, files: Files, link: Callable[[UploadedFile], str]) -> str:
    """A page as PyPA bandersnatch and those before it write it."""
    links = "".join(f'    <a href="{escape(link(file))}">{escape(file.filename)}</a><br/>\n' for file in files)
    head = f"<head>\n    <title>Links for {display}</title>\n  </head>"
    return f"<!DOCTYPE html>\n<html>\n  {head}\n  <body>\n    <h1>Links for {display}</h1>\n{links}  </body>\n</html>\n"


def simple_json(name: str, files: Files, link: Callable[[UploadedFile], str]) -> str:
    """PEP 691's page as PyPA bandersnatch writes it since version 6."""
    entries = [
        {
            "filename": file.filename,
            "url": link(file),
            "hashes": {"sha256": file.sha256},
            "size": len(file.content),
            "upload-time": file.upload_time,
            "requires-python": file.requires_python or "",
            "yanked": False,
        }
        for file in files
    ]
    return json.dumps({"files": entries, "meta": {"api-version": "1.1", "_last-serial": "7"}, "name": name})


@dataclass
class PyPA:
    """A tree of one version of PyPA bandersnatch, or of a time in its life."""

    generation: str | None = "5"
    placed: bool = True
    """Whether files are in the places that digests make; before, pages promised an MD5."""
    normalised: bool = True
    """Whether each project has one folder of its normalised name; before version 4 it had up to three."""
    hash_index: bool = False
    versions: int = 0
    """``keep_index_versions``: then the pages are absolute links."""
    json: bool = True
    simple: tuple[str, ...] = ("html", "v1_html", "v1_json")
    status: str | None = "7"
    todo: str | None = None
    made: list[Path] = field(default_factory=list)

    def make(self, home: Path, index: Index) -> Path:
        """Make the tree in *home*."""
        web = home / "web"
        for name, display, files in projects(index):
            for file in files:
                key = shaped(file) if self.placed else old(file, display)
                self.made.append(write(web / key, file.content, file.upload_time))
            for folder in self._folders(name, display):
                self._pages(web / "simple" / folder, name, display, files)
            if self.json:
                write(web / "json" / name, legacy_json(display, files))
                write(web / "pypi" / name / "json", legacy_json(display, files))
        for form in self.simple:
            write(web / f"simple/index.{form}", "the list of projects")
        write(web / "last-modified", "20130409T22:46:24\n")
        (web / "local-stats/days").mkdir(parents=True, exist_ok=True)
        for state, content in (("generation", self.generation), ("status", self.status), ("todo", self.todo)):
            if content is not None:
                write(home / state, content)
        write(home / ".lock", "")
        return home

    def _folders(self, name: str, display: str) -> list[str]:
        plain = {name} if self.normalised else {display, re.sub("[^A-Za-z0-9.]+", "-", display).lower(), name}
        return sorted(f"{one[0]}/{one}" if self.hash_index else one for one in plain)

    def _pages(self, folder: Path, name: str, display: str, files: Files) -> None:
        up = "../../../" if self.hash_index else "../../"

        def link(file: UploadedFile) -> str:
            if self.placed:
                return f"{up}{shaped(file)}#sha256={file.sha256}"
            return f"{up}{old(file, display)}#md5={file.md5}"

        for form in self.simple:
            page = simple_json(name, files, link) if form == "v1_json" else html(display, files, link)
            if self.versions:
                kept = write(folder / f"versions/index_7_2026-11-28T000000Z.{form}", page)
                (folder / f"index.{form}").symlink_to(kept)
            else:
                write(folder / f"index.{form}", page)


def pep381client(home: Path, index: Index) -> Path:
    """The tree of pep381client 1.5: no serials, a pickle for its status, etags in a database, signatures."""
    PyPA(None, placed=False, normalised=False, json=False, simple=("html",), status=None).make(home, index)
    (home / ".lock").unlink()
    (home / "status").write_bytes(PICKLE)
    with closing(sqlite3.connect(home / "files")) as database:
        database.execute("CREATE TABLE files (project, filename, etag)")
        database.commit()
    for name, _, _ in projects(index):
        write(home / "web/serversig" / name, b"\x30\x2c")
    return home


def shadowmire(home: Path, index: Index) -> Path:
    """The tree of shadowmire: the web server's root is the folder itself."""
    for name, display, files in projects(index):
        for file in files:
            write(home / shaped(file), file.content)
        write(home / "json" / name, legacy_json(display, files))
        pages = {
            "html": html(display, files, lambda file: f"../../{shaped(file)}#sha256={file.sha256}"),
            "v1_json": simple_json(name, files, lambda file: f"../../{shaped(file)}"),
        }
        for form, page in pages.items():
            write(home / f"simple/{name}/index.{form}", page)
    for name in ("local.db", "local.json", "remote.json"):
        write(home / name, "{}")
    return home


def morgan(home: Path, index: Index) -> Path:
    """The tree of morgan: a folder for each project, a digest beside each file."""
    for name, _, files in projects(index):
        for file in files:
            path = write(home / name / file.filename, file.content)
            write(path.with_name(f"{file.filename}.hash"), f"sha256={file.sha256}")
            write(path.with_name(f"{file.filename}.metadata"), "Metadata-Version: 2.1\n")
    write(home / "morgan.ini", "[env.x]\npython_version = 3.11\n\n[requirements]\nalpha = >=1.0\nGamma.Dots =\n")
    write(home / "server.py", "raise SystemExit\n")
    return home


def devpi(home: Path, index: Index) -> Path:
    """The mirror files of devpi-server: the first digits of their SHA-256 are their folders."""
    for _, _, files in projects(index):
        for file in files:
            write(
                home.joinpath("+files", "root", "pypi", "+f", file.sha256[:3], file.sha256[3:16], file.filename),
                file.content,
            )
    write(home / ".sqlite", "not ours")
    return home


def folder(home: Path, index: Index) -> Path:
    """What ``pip download`` leaves."""
    for _, _, files in projects(index):
        for file in files:
            write(home / file.filename, file.content)
    return home


IN_PLACE: dict[str, Make] = {
    "pypa 8": lambda home, index: PyPA().make(home, index),
    "pypa 8 with index versions": lambda home, index: PyPA(versions=3).make(home, index),
    "pypa 8 html only": lambda home, index: PyPA(simple=("html",), json=False).make(home, index),
    "pypa 6 in the middle": lambda home, index: PyPA(todo="9\nalpha 9\nbeta 8\n").make(home, index),
    "pypa 5 with a hash index": lambda home, index: PyPA(hash_index=True, simple=("html",)).make(home, index),
    "pypa 3": lambda home, index: PyPA("4", normalised=False, simple=("html",)).make(home, index),
    "bandersnatch 1.10": lambda home, index: PyPA("4", False, False, simple=("html",)).make(home, index),
    "bandersnatch 1.5": lambda home, index: PyPA("3", False, False, json=False, simple=("html",)).make(home, index),
    "bandersnatch 1.1": lambda home, index: PyPA(
        "2", False, False, json=False, simple=("html",), todo="7\nalpha\n"
    ).make(home, index),
    "bandersnatch 1.0": lambda home, index: PyPA(None, False, False, json=False, simple=("html",)).make(home, index),
    "a broken generation": lambda home, index: PyPA("", status="").make(home, index),
    "pep381client": pep381client,
}
"""Trees that are the folder of a mirror."""

ELSEWHERE: dict[str, Make] = {
    "shadowmire": shadowmire,
    "morgan": morgan,
    "devpi": devpi,
    "a folder": folder,
}
"""Trees whose files are taken into a mirror."""
