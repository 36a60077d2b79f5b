"""What both formats of a page say about a file, checked in one place: neither lets through what the other refuses.

The readers take the facts out of their markup and hand them over as strings and numbers; what comes back is a ``File``
that the rest of the mirror can trust, or a ``Rejected`` that says why not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote, urldefrag, urljoin, urlsplit

import msgspec

from bandersnatch import names
from bandersnatch.errors import BadContent
from bandersnatch.model import File, Held, Refusal, Rejected
from bandersnatch.simple import times

API_VERSION = "1.4"
"""The version of the simple repository API that we publish (PEP 629; 1.4 is PEP 792's)."""

MAX_SERIAL = 2**62
"""Serials are below this, so that they and their differences fit the 64 bits of a database."""

MAX_SIZE = 2**40
"""A file of more bytes than this is a mistake or an attack; the largest on PyPI have a few GB."""

MAX_FILES = 100_000
"""Files of one project, and whatever else its page has many of; the largest on PyPI have some 20,000."""

MAX_ENTRY = 1 << 16
"""Bytes of what a page says of one file."""

NAMELESS = 20
"""So many entries without the name of a file are kept of a page; the others are counted."""

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""All that decoding hostile JSON can raise: bad syntax or shape, bad UTF-8, nesting too deep."""

Urls = Callable[[Held], str]
"""Where a held file is, relative to the page or absolute, without a fragment."""
Provenances = Callable[[Held], str | None]
"""The absolute URL of a held file's provenance object, or None where none can be given."""

COMPANION = ".metadata"
"""The ending of what lies beside a file (PEP 658)."""

_VERSION = re.compile(r"(\d{1,9})(?:\.\d{1,9})*\Z", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,19}\Z")
# URLs that need no second look: absolute, and only characters that a URL may hold; the highest ports are looked at.
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[1-5]?[0-9]{1,4})?/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*\Z")
# The same for relative ones: from the root or some steps up, then only parts that are neither "." nor "..".
_SEGMENT = "[A-Za-z0-9_][A-Za-z0-9._~!+%-]*"
_PLAIN_PATH = re.compile(rf"(/|(?:\.\./)*)({_SEGMENT}(?:/{_SEGMENT})*)\Z")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_AROUND = "".join(map(chr, range(0x21)))
_WITHIN = dict.fromkeys(map(ord, "\t\r\n"))


def digest(*values: object) -> str:
    """Stands for *values*, of which dataclasses may be a part: the same for equal ones, and for no others."""
    return hashlib.sha256(msgspec.msgpack.encode(values)).hexdigest()[:32]


def check_api_version(version: str | None, url: str | None) -> None:
    """Raise BadContent for an API version whose major number is above ours (PEP 629); none given means 1.0."""
    match = _VERSION.match("1.0" if version is None else version.strip())
    if match is None:
        raise BadContent(f"{url}: {version!r:.40} is not an API version", url=url)
    if int(match[1]) > 1:
        raise BadContent(f"{url}: API version {version} is newer than this program understands (1.x)", url=url)


def serial_of(value: object) -> int | None:
    """A serial, written as a number or as digits; None for None. Raises ValueError for anything else, or too high."""
    if value is None:
        return None
    if isinstance(value, str) and _DIGITS.match(value):
        value = int(value)
    if type(value) is not int or not 0 <= value < MAX_SERIAL:
        raise ValueError(f"{value!r:.40} is not a serial")
    return value


def page_serial(value: object, url: str) -> int | None:
    """``serial_of`` for a project's page, which must not be believed at all when its serial is absurd: BadContent."""
    try:
        return serial_of(value)
    except ValueError as error:
        raise BadContent(f"{url}: {error}", url=url) from error


def resolve(url: str, base: str) -> str:
    """
    *url* made absolute against *base*, without its fragment, its scheme in small letters, percent-encoded where it
    was not.

    Raises ValueError for anything but http, https or the scheme of *base* (a page on disk may link files on disk).
    """
    if _PLAIN_URL.match(url):
        return url
    plain = _PLAIN_PATH.match(url)
    if plain:
        return _folder(base, plain[1]) + plain[2]
    return _joined(url, base)


@lru_cache(maxsize=8)
def _folder(base: str, steps: str) -> str:
    """The folder that the relative links of a page begin at: the same for all of them, and slow to find out."""
    return _joined(steps or ".", base)


def _joined(url: str, base: str) -> str:
    # What the parser below would leave out in silence (as the URL standard has it) is not to come back behind it.
    joined = urldefrag(urljoin(base, url.strip().strip(_AROUND).translate(_WITHIN))).url
    parts = urlsplit(joined)
    if parts.scheme not in ("https", "http", urlsplit(base).scheme):
        raise ValueError(f"scheme {parts.scheme!r:.40} is not allowed")
    if parts.scheme in ("https", "http") and not parts.hostname:
        raise ValueError("no host")
    _ = parts.port  # raises ValueError for a port that is none
    return quote(parts.scheme + joined[len(parts.scheme) :], safe=_PRINTABLE)


def web_url(value: object) -> str | None:
    """*value* if it is an absolute http or https URL, else None."""
    if not isinstance(value, str) or len(value) > MAX_ENTRY or not value.startswith(("https://", "http://")):
        return None
    try:
        return resolve(value, value)
    except ValueError:
        return None


def web_urls(values: Iterable[object]) -> tuple[str, ...]:
    """Those of *values* that are absolute http or https URLs."""
    return tuple(url for url in map(web_url, values) if url is not None)


def make_file(
    filename: str,
    url: str,
    base: str,
    digests: Mapping[str, object],
    *,
    size: int | None,
    upload_time: object,
    requires_python: str | None,
    yanked: str | None,
    core_metadata: str | bool | None,
    provenance: object,
) -> File | Rejected:
    """
    One file out of what a page says; *base* is what a relative *url* is relative to.

    *digests* has what the page states under names that may be algorithms. Of several, one that is malformed says
    nothing; one alone must be right.
    """
    if not names.is_filename(filename):
        return rejected(filename, "not a usable file name")
    if filename.endswith(COMPANION):
        return rejected(filename, "it lies beside a file, and is none itself", Refusal.SPARE)
    stated = {name.lower(): digest for name, digest in digests.items() if names.digits_of(name.lower())}
    sound = {name: str(digest).lower() for name, digest in stated.items() if names.is_digest(name, digest)}
    if stated and not sound:
        return rejected(filename, f"malformed {names.spelt(next(iter(stated)))}")
    if size is not None and not 0 <= size <= MAX_SIZE:
        return rejected(filename, f"a size of {size!r:.40} bytes is not possible")
    try:
        address = resolve(url, base)
    except ValueError as error:
        return rejected(filename, f"unusable URL: {error}")
    return File(
        filename=filename,
        url=address,
        sha256=sound.pop("sha256", ""),
        size=size,
        upload_time=times.upload_time(upload_time),
        requires_python=requires_python or None,
        yanked=yanked,
        core_metadata=core_metadata,
        provenance=web_url(provenance),
        digests=tuple(sorted(sound.items(), key=lambda one: names.strength(one[0]), reverse=True)),
    )


def hashes(file: File) -> dict[str, str]:
    """The digests that our pages state: SHA-256 of all that is held; of what is only linked, what upstream states."""
    return {"sha256": file.sha256} if file.sha256 else dict(file.digests)


def rejected(filename: str, reason: str, refusal: Refusal = Refusal.UNUSABLE) -> Rejected:
    """
    A rejection whose name can be shown on any terminal: escaped, cut and in quotes where it is not a file name.

    No file name has such quotes, so that what has no usable name is never taken for a file.
    """
    return Rejected(filename if names.is_filename(filename) else f'"{ascii(filename[:80])[1:-1]}"', reason, refusal)


def one_per_name(entries: Iterable[File | Rejected]) -> tuple[tuple[File, ...], tuple[Rejected, ...], tuple[File, ...]]:
    """
    The files and the rejected of a page, of those without a usable name only some, and the twins of its files.

    Of two files with one name the first is kept. One that states the digest of other bytes is its twin: only the
    bytes will tell which of them is true.
    """
    files: dict[str, File] = {}
    refused: dict[Rejected, None] = {}
    twins: list[File] = []
    nameless, named = 0, 0
    for entry in entries:
        if isinstance(entry, Rejected):
            if not names.is_filename(entry.filename):
                nameless += 1
                if entry in refused or named == NAMELESS:
                    continue
                named += 1
            refused[entry] = None
            continue
        first = files.setdefault(entry.filename, entry)
        if first is entry or (first.url == entry.url and first.agrees(entry) is not False):
            continue  # the same, once more
        if first.agrees(entry):
            refused[Rejected(entry.filename, "listed twice; the first is kept", Refusal.SPARE)] = None
        else:
            twins.append(entry)
            refused[Rejected(entry.filename, "listed twice, as two different files", Refusal.SPARE)] = None
    if nameless > named:
        refused[Rejected("...", f"and {nameless - named:,} more entries without the name of a file")] = None
    left_out = (one for one in refused if one.refusal is not Refusal.SPARE or _base(one.filename) not in files)
    return tuple(files.values()), tuple(left_out), tuple(twins)


def _base(filename: str) -> str:
    """The file that *filename* lies beside, if it is the name of a companion."""
    return filename.removesuffix(COMPANION) if filename.endswith(COMPANION) else ""


def first_said(*answers: str | bool | None) -> str | bool | None:
    """The first of *answers* that is one; an attribute goes before its older alias (PEP 714)."""
    return next((answer for answer in answers if answer is not None), None)
