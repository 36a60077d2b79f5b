"""The JSON form of a project's page: read (PEP 691, 700, 714, 740, 792; API 1.x) and written (API 1.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from bandersnatch import names
from bandersnatch.errors import BadContent
from bandersnatch.model import File, Held, Project, Rejected
from bandersnatch.simple import facts, releases


class _Meta(msgspec.Struct, rename="kebab"):
    api_version: str | None = None
    serial: Any = msgspec.field(default=None, name="_last-serial")
    tracks: list[str] | None = None


class _Status(msgspec.Struct):
    status: str | None = None
    state: str | None = None
    """PEP 792's prose says ``state``; its example, the specification and PyPI say ``status``."""
    reason: str | None = None


class _Page(msgspec.Struct, rename="kebab"):
    name: str
    files: list[msgspec.Raw]
    meta: _Meta = msgspec.field(default_factory=_Meta)
    versions: list[str] | None = None
    project_status: _Status | None = None
    alternate_locations: list[str] | None = None


class _Named(msgspec.Struct):
    filename: str


class _Entry(_Named, rename="kebab"):
    """What is not typed says nothing where it has another type than its PEP says."""

    url: str
    hashes: dict[str, Any] | None = None
    size: Any = None
    upload_time: Any = None
    requires_python: Any = None
    yanked: Any = None
    core_metadata: Any = None
    dist_info_metadata: Any = None
    data_dist_info_metadata: Any = None
    """PyPI's own misspelling of the alias."""
    provenance: Any = None


_MOST_COMMAS = 25 * facts.MAX_FILES
"""A file has some fifteen, and more within what it says."""

_page = msgspec.json.Decoder(_Page)
_entry = msgspec.json.Decoder(_Entry)
_named = msgspec.json.Decoder(_Named)


def parse(body: bytes, url: str, name: str) -> Project:
    """
    The project with the normalised *name*, from the page that finally came from *url*.

    A file that cannot be taken is ``Rejected`` and spoils nothing else. Where a key stands twice, the last counts.
    Raises BadContent for anything that is not a page of this project in API 1.x.
    """
    # Each of what there can be many of has a comma behind it: counted before anything is made of it.
    if body.count(b",") > _MOST_COMMAS:
        raise _too_many(url)
    try:
        page = _page.decode(body)
    except facts.UNREADABLE as error:
        raise BadContent(f"{url} is not a project page in JSON: {error}", url=url) from error
    for many in (page.files, page.versions, page.alternate_locations, page.meta.tracks):
        if len(many or ()) > facts.MAX_FILES:
            raise _too_many(url)
    facts.check_api_version(page.meta.api_version, url)
    if not names.is_project_name(page.name) or names.normalise(page.name) != name:
        raise BadContent(f"{url} is the page of {page.name!r:.80}, not of {name}", url=url)
    files, rejected, twins = facts.one_per_name(_files(page.files, url))
    status = page.project_status or _Status()
    return Project(
        name=name,
        files=files,
        versions=tuple(version for version in page.versions or () if len(version) <= names.MAX_FILENAME),
        serial=facts.page_serial(page.meta.serial, url),
        status=(status.status or status.state or "")[: facts.MAX_ENTRY] or None,
        status_reason=(status.reason or "")[: facts.MAX_ENTRY] or None,
        tracks=facts.web_urls(page.meta.tracks or ()),
        alternate_locations=facts.web_urls(page.alternate_locations or ()),
        rejected=rejected,
        twins=twins,
    )


def _too_many(url: str) -> BadContent:
    return BadContent(f"{url} lists more than {facts.MAX_FILES:,} files or versions, the most that are taken", url=url)


def _files(entries: Sequence[msgspec.Raw], base: str) -> Iterator[File | Rejected]:
    for raw in entries:
        if len(memoryview(raw)) > facts.MAX_ENTRY:
            yield facts.rejected(_filename(raw), f"an entry of more than {facts.MAX_ENTRY:,} bytes")
            continue
        try:
            entry = _entry.decode(raw)
        except facts.UNREADABLE as error:
            yield facts.rejected(_filename(raw), f"malformed entry: {error}")
        else:
            yield _file(entry, base)


def _filename(raw: msgspec.Raw) -> str:
    try:
        return _named.decode(raw).filename
    except facts.UNREADABLE:
        return "?"


def _file(entry: _Entry, base: str) -> File | Rejected:
    return facts.make_file(
        entry.filename,
        entry.url,
        base,
        entry.hashes or {},
        size=entry.size if type(entry.size) is int else None,
        upload_time=entry.upload_time,
        requires_python=entry.requires_python if isinstance(entry.requires_python, str) else None,
        yanked=_yanked(entry.yanked),
        core_metadata=facts.first_said(
            _core_metadata(entry.core_metadata),
            _core_metadata(entry.dist_info_metadata),
            _core_metadata(entry.data_dist_info_metadata),
        ),
        provenance=entry.provenance,
    )


def _yanked(value: object) -> str | None:
    """What is neither false nor nothing yanks, whatever it is: a yanked file must not pass for another."""
    return (value if isinstance(value, str) else "") if value else None


def _core_metadata(value: object) -> str | bool | None:
    if not isinstance(value, dict):
        return value if isinstance(value, bool) else None
    digest = value.get("sha256")
    return digest if isinstance(digest, str) and names.is_sha256(digest) else True


def render(
    name: str,
    serial: int | None,
    held: Sequence[Held],
    project: Project,
    urls: facts.Urls,
    provenance: facts.Provenances,
) -> bytes:
    """
    The page that we publish of *held*; same values, same bytes.

    *project* gives the status and the spelling of versions. *serial* is what the page may be believed to show.
    """
    page: dict[str, object] = {"meta": _meta(serial, project), "name": name}
    if project.status:
        page["project-status"] = _present(status=project.status, reason=project.status_reason)
    if alternates := facts.web_urls(project.alternate_locations):
        page["alternate-locations"] = alternates
    page["versions"] = list(releases.group(name, held, project.versions))
    page["files"] = [_published(one, urls(one), provenance(one)) for one in releases.order(name, held)]
    return msgspec.json.encode(page)


def _meta(serial: int | None, project: Project) -> dict[str, object]:
    return _present(**{
        "api-version": facts.API_VERSION,
        "_last-serial": serial,
        "tracks": facts.web_urls(project.tracks) or None,
    })  # fmt: skip


def _published(one: Held, url: str, provenance: str | None) -> dict[str, object]:
    """One entry. ``dist-info-metadata`` is left out on purpose: old versions of pip misread it (PEP 714)."""
    file = one.file
    return _present(**{
        "filename": file.filename,
        "url": url,
        "hashes": facts.hashes(file),
        "size": one.size,
        "upload-time": file.upload_time,
        "requires-python": file.requires_python,
        "yanked": False if file.yanked is None else file.yanked or True,
        "core-metadata": {"sha256": one.metadata} if one.metadata else False,
        "provenance": provenance,
    })  # fmt: skip


def _present(**facts_known: object) -> dict[str, object]:
    """The facts that are known, in their order."""
    return {key: value for key, value in facts_known.items() if value is not None}
