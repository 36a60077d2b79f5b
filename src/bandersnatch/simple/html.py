"""The HTML form of a project's page: read (PEP 503, 592, 629, 658, 714, 740, 792), written (1.4 for ever, PEP 833)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from html import escape
from urllib.parse import unquote, urljoin

from bandersnatch import names
from bandersnatch.errors import BadContent
from bandersnatch.model import File, Held, Project, Rejected
from bandersnatch.simple import facts, releases
from bandersnatch.simple.anchors import Anchor, Anchors, Head
from bandersnatch.simple.lines import SLICE

# What HTML cannot say at all, not even escaped: control characters other than white space, and U+0000 (HTML 13.2.3.5).
_UNSAYABLE = dict.fromkeys((*range(0x09), 0x0B, *range(0x0E, 0x20), *range(0x7F, 0xA0)), "\N{REPLACEMENT CHARACTER}")
_INTEGER = re.compile(r"-?[0-9]{1,19}\Z")
# What stands for itself: most of what there is to escape, and this finds it out in a tenth of the time.
_PLAIN = re.compile(r"[A-Za-z0-9 ,._/:;=#~+@(){}|-]*\Z")

_REPOSITORY = re.compile(r"(?:git|hg|svn|bzr)\+", re.IGNORECASE)


def parse(body: bytes, url: str, name: str, *, whole: bool = False) -> Project:
    """
    The project with the normalised *name*, from the page that finally came from *url*.

    A link that cannot be taken is ``Rejected`` and spoils nothing else; one that leads to no file is none of ours.
    Raises BadContent for a page that is cut off, has a newer API or an absurd serial, or is no index page at all (such
    as a login page in its place). *whole*: all of it came, for certain, so that it need not show its end.
    """
    page = Anchors(url, most=facts.MAX_FILES)
    for text in codecs.iterdecode(_slices(body), "utf-8-sig", "replace"):
        page.read(text)
    page.finish(whole=whole)
    head = page.head
    facts.check_api_version(head.meta("pypi:repository-version"), url)
    files, rejected, twins = facts.one_per_name(_files(page.found, _base(head, url)))
    if not files and not _is_index(head):
        raise BadContent(f"{url} is HTML, but not a project page", url=url)
    return Project(
        name=name,
        files=files,
        serial=facts.page_serial(head.serial, url),
        status=head.meta("pypi:project-status") or None,
        status_reason=head.meta("pypi:project-status-reason") or None,
        tracks=facts.web_urls(head.all("pypi:tracks")),
        alternate_locations=facts.web_urls(head.all("pypi:alternate-locations")),
        rejected=rejected,
        twins=twins,
    )


def _slices(body: bytes) -> Iterator[bytes]:
    """*body* in pieces, since as text it can take four times as much memory."""
    return (body[start : start + SLICE] for start in range(0, len(body), SLICE))


def _base(head: Head, url: str) -> str:
    try:
        return urljoin(url, head.base or "")
    except ValueError as error:
        raise BadContent(f"{url}: unusable <base>: {error}", url=url) from error


def _is_index(head: Head) -> bool:
    """Whether a page without files says that it is one of an index."""
    marked = head.meta("pypi:repository-version") is not None or head.serial is not None
    return marked or "links for" in head.title.lower()


def _files(anchors: Sequence[Anchor], base: str) -> Iterator[File | Rejected]:
    for anchor in anchors:
        href = anchor.attributes.get("href")
        found = None if href is None else _file(href, anchor.attributes, base)
        if found is not None:
            yield found


def _file(href: str, attributes: dict[str, str], base: str) -> File | Rejected | None:
    address, _, fragment = href.strip().partition("#")
    filename = unquote(address.partition("?")[0].rpartition("/")[2])
    digests = dict(part.partition("=")[::2] for part in fragment.split("&"))
    has_look = names.stem(filename) != filename or filename.endswith(names.VARIANTS)
    if not has_look and not any(names.digits_of(name.lower()) for name in digests):
        # Without the look of a file it is one only by its digest; so the links to other pages are none.
        is_source = "egg" in digests or _REPOSITORY.match(address)
        return facts.rejected(filename, "it leads to source code, not to a file") if is_source else None
    size = attributes.get("data-size") or ""
    return facts.make_file(
        filename,
        address,
        base,
        digests,
        size=int(size) if _INTEGER.match(size) else None,
        upload_time=attributes.get("data-upload-time"),
        requires_python=attributes.get("data-requires-python"),
        yanked=attributes.get("data-yanked"),
        core_metadata=facts.first_said(
            _core_metadata(attributes.get("data-core-metadata")),
            _core_metadata(attributes.get("data-dist-info-metadata")),
        ),
        provenance=attributes.get("data-provenance"),
    )


def _core_metadata(value: str | None) -> str | bool | None:
    """``true``, ``false`` or ``<algorithm>=<digest>``; anything else says nothing."""
    algorithm, equals, digest = (value or "").partition("=")
    if algorithm == "sha256" and names.is_sha256(digest):
        return digest
    if equals or algorithm == "true":
        return True
    return False if algorithm == "false" else None


def render(
    name: str,
    serial: int | None,
    held: Sequence[Held],
    project: Project,
    urls: facts.Urls,
    provenance: facts.Provenances,
) -> bytes:
    """The page that we publish of *held*: the arguments, the files and the order of ``simple.json.render``."""
    links = [_link(one, urls(one), provenance(one)) for one in releases.order(name, held)]
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "  <head>",
        '    <meta charset="utf-8">',
        *(f'    <meta name="pypi:{key}" content="{_escape(value)}">' for key, value in _metas(project)),
        f"    <title>Links for {_escape(name)}</title>",
        "  </head>",
        "  <body>",
        f"    <h1>Links for {_escape(name)}</h1>",
        *links,
        "  </body>",
        "</html>",
    ]
    if serial is not None:
        lines.append(f"<!--SERIAL {serial}-->")
    return ("\n".join(lines) + "\n").encode()


def _metas(project: Project) -> Iterator[tuple[str, str]]:
    yield "repository-version", facts.API_VERSION
    if project.status:
        yield "project-status", project.status
        if project.status_reason:
            yield "project-status-reason", project.status_reason
    for url in facts.web_urls(project.tracks):
        yield "tracks", url
    for url in facts.web_urls(project.alternate_locations):
        yield "alternate-locations", url


def _link(one: Held, url: str, provenance: str | None) -> str:
    """One link. ``data-dist-info-metadata`` is left out on purpose: pip 22.3 to 23.1.2 misread it (PEP 714)."""
    file = one.file
    fragment = next((f"#{algorithm}={digest}" for algorithm, digest in facts.hashes(file).items()), "")
    attributes = {
        "href": url + fragment,
        "data-size": str(one.size) if one.size else None,
        "data-upload-time": file.upload_time,
        "data-requires-python": file.requires_python,
        "data-core-metadata": f"sha256={one.metadata}" if one.metadata else None,
        "data-yanked": file.yanked,
        "data-provenance": provenance,
    }
    written = " ".join(f'{key}="{_escape(value)}"' for key, value in attributes.items() if value is not None)
    return f"    <a {written}>{_escape(file.filename)}</a><br>"


def _escape(text: str) -> str:
    """*text* as it stands in an attribute or between tags. A bare CR would be read as LF, so it is a reference."""
    if _PLAIN.match(text):
        return text
    return escape(text.translate(_UNSAYABLE), quote=True).replace("\r", "&#13;")
