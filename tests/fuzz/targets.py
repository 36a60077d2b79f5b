"""
What is fuzzed, and what must hold for any bytes: each target takes some, and fails by raising anything.

The same targets run under atheris (``make fuzz``), under hypothesis and over the seeds. To add one, write a function
and its seeds (``seeds.py``), and put both under one name.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import html5lib
from packaging.utils import (
    InvalidName,
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from bandersnatch import layout, names, simple
from bandersnatch.accesslog import formats
from bandersnatch.accesslog.targets import target_of
from bandersnatch.config.load import load
from bandersnatch.errors import BadContent, BandersnatchError
from bandersnatch.inputs import files
from bandersnatch.model import File, Held, Project, Slice
from bandersnatch.simple import facts, html, json, metadata
from bandersnatch.simple.lines import ListingHead
from bandersnatch.upstream import changelog
from bandersnatch.upstream.address import Address, mask
from bandersnatch.upstream.decoding import CutOff, Decoder, TooMuch, Unreadable
from bandersnatch.upstream.pacing import retry_after
from tests.faults.hostile.scene import check_html

Target = Callable[[bytes], None]
URL = "https://example.org/simple/bad/"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHA256 = "0" * 64


def text(data: bytes) -> str:
    """Any text, lone surrogates too."""
    return data.decode("utf-8", "surrogatepass" if b"\xed" in data and _is_text(data) else "replace")


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


# --- names ---------------------------------------------------------------------------------------------------------


def name(data: bytes) -> None:
    """A name is one here only if it is one to packaging, and has the same normal form there."""
    said = text(data)
    if not names.is_project_name(said):
        return
    try:
        there = canonicalize_name(said, validate=True)
    except InvalidName as error:
        raise AssertionError(f"{said!r} is no name to packaging") from error
    assert names.normalise(said) == there
    for keys in layout.page_keys(there).values():
        assert all(_is_inside(key) for key in keys)


def filename(data: bytes) -> None:
    """A file name makes a key inside, and its version is the one that packaging reads."""
    said = text(data)
    file = File(said, f"https://example.org/{said}", SHA256)
    if not names.is_filename(said):
        with suppress(ValueError):
            raise AssertionError(f"{said!r} got the key {layout.file_key(file)}")
        return
    assert _is_inside(layout.file_key(file))
    for read, error in ((parse_wheel_filename, InvalidWheelFilename), (parse_sdist_filename, InvalidSdistFilename)):
        try:
            project, version, *_ = read(said)
        except (error, InvalidName, ValueError):
            continue
        if not names.is_normalised(project):
            continue  # packaging takes any text before the version of an sdist for a name
        found = names.version_of(said, project)
        assert found is not None, said
        assert Version(found) == version, said


def _is_inside(key: str) -> bool:
    return not ({"", ".", ".."} & set(key.split("/"))) and "\0" not in key and key.isprintable() and key.isascii()


# --- URLs and headers ----------------------------------------------------------------------------------------------


def url(data: bytes) -> None:
    """An address that is taken is plain ASCII, is read as the same host by others, and reads as itself again."""
    said = text(data)
    assert "\n" not in mask(said).partition("?")[2]
    try:
        address = Address.parse(said)
    except ValueError:
        return
    whole = str(address)
    assert whole.isascii()
    assert whole.isprintable()
    assert " " not in whole
    assert Address.parse(whole) == address
    there = urlsplit(whole)
    assert (there.scheme, there.hostname) == (address.scheme, address.host.strip("[]"))
    assert there.username is None
    with suppress(ValueError):
        assert Address.join(Address.parse(URL), said).scheme in ("http", "https")


def reference(data: bytes) -> None:
    """A link on a page becomes an absolute URL in ASCII, or is refused."""
    try:
        found = facts.resolve(text(data), URL)
    except ValueError:
        return
    assert found.startswith(("https://", "http://"))
    assert found.isascii()
    assert found.isprintable()
    with suppress(ValueError):
        assert Address.parse(found).host


def header(data: bytes) -> None:
    """A Retry-After is a number of seconds that is not negative, or nothing; a body decodes within its limit."""
    first, _, rest = data.partition(b"\n")
    wait = retry_after(first.decode("latin-1"), text(rest), NOW)
    assert wait is None or 0 <= wait < 1e12
    with suppress(BadContent):
        simple.parse_page(first.decode("latin-1"), rest, URL, "bad")
    with suppress(Unreadable, TooMuch, CutOff):
        decoder = Decoder(first.decode("latin-1"), 1 << 16)
        assert sum(map(len, decoder.feed(rest))) <= 1 << 16
        decoder.finish()


# --- pages and lists -----------------------------------------------------------------------------------------------


def page_json(data: bytes) -> None:
    """A page in JSON is a project that we can publish, or is refused."""
    with suppress(BadContent):
        _check_project(json.parse(data, URL, "bad"))


def page_html(data: bytes) -> None:
    """The same in HTML."""
    with suppress(BadContent):
        _check_project(html.parse(data, URL, "bad"))


def _check_project(project: Project) -> None:
    for file in project.files:
        assert names.is_filename(file.filename)
        assert not file.sha256 or names.is_sha256(file.sha256)
        assert not layout.has_key(file) or _is_inside(layout.file_key(file))
        assert file.size is None or 0 <= file.size <= facts.MAX_SIZE
    held = [Held(file, file.size or 0) for file in project.files if layout.has_key(file) and file.sha256]
    arguments = ("bad", project.serial, held, project, lambda one: layout.from_page(layout.file_key(one.file)))
    try:
        ours = json.render(*arguments, lambda one: None)
    except UnicodeEncodeError as error:
        raise AssertionError("half a character got through") from error
    assert {one.filename for one in json.parse(ours, URL, "bad").files} == {one.file.filename for one in held}
    written = html.render(*arguments, lambda one: None).decode()
    check_html(written)
    assert len(html5lib.parse(written).findall(".//{*}a")) == len(held)


def list_json(data: bytes) -> None:
    """A list of projects is the same in whatever pieces it comes, and has valid names only."""
    _check_listing(simple.JSON, data)


def list_html(data: bytes) -> None:
    """The same in HTML."""
    _check_listing(simple.HTML, data)


def _check_listing(kind: str, data: bytes) -> None:
    whole, pieces = _listing(kind, data, len(data) or 1), _listing(kind, data, 7)
    assert whole == pieces
    if whole is not None:
        assert all(names.is_normalised(one) for one in whole[0])


def _listing(kind: str, data: bytes, size: int) -> tuple[list[str], ListingHead] | None:
    parser = simple.listing_parser(kind, URL)
    found: list[str] = []
    try:
        for start in range(0, len(data), size):
            found += _names(parser.feed(data[start : start + size]))
        last, head = parser.finish()
        return [*found, *_names(last)], head
    except BadContent:
        return None


def _names(slices: Sequence[Slice]) -> list[str]:
    return [line.name for one in slices for line in one.lines]


# --- archives, changelogs, files of operators, logs ------------------------------------------------------------------


def wheel(data: bytes) -> None:
    """A wheel has core metadata within the limit, or is refused."""
    with suppress(BadContent):
        assert len(metadata.from_wheel(BytesIO(data), limit=1 << 16)) <= 1 << 16


def changes(data: bytes) -> None:
    """An answer in XML-RPC is rows, or is refused."""
    with suppress(BandersnatchError, ValueError):
        changelog.rows_of(data)


def _file(called: str) -> Target:
    def target(data: bytes) -> None:
        """A file of an operator is read, or is refused with problems that name it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, called)
            path.write_bytes(data)
            try:
                files.read(path) if called != "bandersnatch.conf" else load(path, {})
            except BandersnatchError as error:
                assert str(error)

    return target


def log_line(data: bytes) -> None:
    """A line of an access log is a request, or is refused."""
    try:
        request = formats.reader("auto")(data)
    except (BandersnatchError, ValueError):
        return
    target_of(request.path)


TARGETS: Mapping[str, Target] = {
    "name": name,
    "filename": filename,
    "url": url,
    "reference": reference,
    "header": header,
    "page-json": page_json,
    "page-html": page_html,
    "list-json": list_json,
    "list-html": list_html,
    "wheel": wheel,
    "changelog": changes,
    "requirements": _file("requirements.txt"),
    "pylock": _file("pylock.toml"),
    "uv-lock": _file("uv.lock"),
    "poetry-lock": _file("poetry.lock"),
    "pipfile-lock": _file("Pipfile.lock"),
    "sbom": _file("sbom"),
    "configuration": _file("bandersnatch.conf"),
    "log-line": log_line,
}
