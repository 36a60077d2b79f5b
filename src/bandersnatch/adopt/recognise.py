"""Whose tree it is: told by a few names at its top, and by nothing that has to be executed to be read."""

from __future__ import annotations

from bandersnatch.adopt.base import Layout, Source

PICKLE = b"\x80"
"""What a pickle of protocol 2 begins with: the status of pep381client, which is looked at no further."""

_SQLITE = b"SQLite format 3\x00"
_SMALL = 64
_TODO = 1 << 26
"""Bytes of the largest list of unfinished projects that is counted."""


def recognise(source: Source) -> Layout:
    """The layout of the tree; one without any mark is a folder of files."""
    top = set(source.names())
    if top & {"web"} and set(source.names("web")) & {"packages", "simple"}:
        return _mirror(source, top)
    if "+files" in top:
        return Layout("devpi", start="+files")
    if {"packages", "simple"} <= top:
        return _published(top)
    if top & {"morgan.ini", "morgan.toml"}:
        return Layout("morgan", known=("morgan.ini", "morgan.toml", "server.py"))
    return Layout("a folder of files")


def _published(top: set[str]) -> Layout:
    """Without ``web/``: the web server's root itself."""
    if top & {"local.db", "local.json"}:
        known = ("local.db", "local.db-wal", "local.db-shm", "local.json", "remote.json")
        return Layout("shadowmire", known=known)
    return Layout("a published tree")


def _mirror(source: Source, top: set[str]) -> Layout:
    status = _begin(source, "status")
    if status.startswith(PICKLE) or _begin(source, "files").startswith(_SQLITE):
        return Layout("pep381client", "web/", is_mirror=True, state=("status", "files"))
    if not top & {"generation", "status", "todo", ".lock"}:
        tool = "bandersnatch" if "state" in top else "a mirror with web/ in it"
        return Layout(tool, "web/", is_mirror=True)
    return Layout(
        "PyPA bandersnatch",
        "web/",
        is_mirror=True,
        state=("generation", "status", "todo"),
        known=(".lock",),
        facts=tuple(_facts(source, status)),
    )


def _facts(source: Source, status: bytes) -> list[str]:
    """What its memory says; each of these files may be anything."""
    generation = _begin(source, "generation").strip()
    facts = [f"generation {int(generation)}" if _is_number(generation) else "without a generation"]
    if _is_number(status.strip()):
        facts.append(f"serial {int(status)}")
    todo = source.read("todo", _TODO)
    if todo:
        count = max(0, todo.count(b"\n") + (not todo.endswith(b"\n")) - 1)
        facts.append(f"{count:,} project{'' if count == 1 else 's'} unfinished")
    return facts


def _is_number(data: bytes) -> bool:
    return data.isdigit() and len(data) < 20


def _begin(source: Source, path: str) -> bytes:
    """The first bytes of an object; none if there is none."""
    if source.stat(path) is None:
        return b""
    with source.open(path) as stream:
        return stream.read(_SMALL)
