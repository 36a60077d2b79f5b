"""The held files that the tests of pages share: one list runs the writers and both readers."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import strategies as st

from bandersnatch import layout
from bandersnatch.model import File, Held, Project
from bandersnatch.values import replace

URL = "https://example.org/simple/foo/"
"""Where the pages of the tests come from."""

A = "a" * 64
B = "b" * 64
BLAKE = "0123456789abcdef" * 4
UPLOADED = "2024-02-29T12:34:56.789012Z"


def held(filename: str, **facts: object) -> Held:
    """A held file called *filename*; *facts* are fields of ``File`` or of ``Held``."""
    stored = {key: facts.pop(key) for key in ("metadata", "provenance_held") if key in facts}
    file = File(filename, f"https://files.example.org/{filename}", A, size=7)
    return Held(
        replace(file, **facts),
        size=7,
        metadata=stored.get("metadata"),  # type: ignore[arg-type]  # the tests name fields that exist
        provenance=bool(stored.get("provenance_held")),
    )


def urls(one: Held) -> str:
    """The address of a held file, as the pages give it."""
    return layout.from_page(layout.file_key(one.file))


def provenance(one: Held) -> str | None:
    """The address of the provenance object of a file that has one."""
    return f"https://example.org/integrity/foo/1/{quote(one.file.filename)}/provenance" if one.provenance else None


def nowhere(one: Held) -> None:
    """No file has provenance."""


def as_read(one: Held) -> File:
    """What a reader of our page must see of a held file."""
    return replace(
        one.file,
        url=f"https://example.org/{layout.url_of(layout.file_key(one.file))}",
        size=one.size,
        core_metadata=one.metadata or False,
        provenance=provenance(one),
    )


CASES = {
    "an sdist": held("foo-1.0.tar.gz"),
    "a wheel with metadata": held("foo-1.0-py3-none-any.whl", metadata=B),
    "upload time": held("foo-1.0.tar.gz", upload_time=UPLOADED),
    "requires python, to be escaped": held("foo-1.0.tar.gz", requires_python=">=3.8,<4 & \"x\" 'y'"),
    "yanked without a reason": held("foo-1.0.tar.gz", yanked=""),
    "yanked, to be escaped": held("foo-1.0.tar.gz", yanked='</a><script>alert("1")</script>--><!--SERIAL 9-->'),
    "yanked in several lines": held("foo-1.0.tar.gz", yanked=" one\r\ntwo\tthree\n "),
    "yanked in Greek": held("foo-1.0.tar.gz", yanked="σφάλμα \N{SNAKE}"),
    "provenance": held("foo-1.0.tar.gz", provenance_held=True),
    "a path with the digest": held("foo-1.0.tar.gz", url=f"https://x.example.org/packages/01/23/{BLAKE[4:]}/f.gz"),
    "a local version": held("foo-1.0+ubuntu.1.tar.gz"),
    "a name to be quoted": held("foo-1.0 (copy) 100%#1&'x'.zip"),
    "no PEP 440 version": held("foo-2004d.zip"),
    "an underscore in the version": held("foo-1.0_1.tar.gz"),
    "an egg": held("foo-0.3-py2.4.egg"),
    "a .tgz": held("foo-0.1.tgz"),
    "an installer for Windows": held("foo-1.2.win32-py2.7.exe"),
    "an rpm": held("foo-1.2-1.noarch.rpm"),
    "another project's name": held("bar-1.0.tar.gz"),
}

PROJECTS = {
    "plain": Project("foo"),
    "archived": Project("foo", status="archived"),
    "quarantined, with a reason": Project("foo", status="quarantined", status_reason='"evil" <b>'),
    "PEP 708": Project("foo", tracks=("https://a.example.org/x/",), alternate_locations=("https://b.example.org/y/",)),
}

names = st.from_regex(r"[A-Za-z0-9_!+~@=,()\[\]{}'#%&^$;`][A-Za-z0-9 ._!+~@=,()\[\]{}'#%&^$;`-]{0,30}z", fullmatch=True)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
helds = st.builds(
    Held,
    st.builds(
        File,
        filename=st.one_of(names, st.sampled_from(sorted({one.file.filename for one in CASES.values()}))),
        url=st.sampled_from(["https://x.example.org/f", f"https://x.example.org/packages/01/23/{BLAKE[4:]}/f"]),
        sha256=digests,
        upload_time=st.none() | st.just(UPLOADED),
        requires_python=st.none() | st.text(min_size=1),
        yanked=st.none() | st.text(),
    ),
    size=st.integers(0, 2**40),
    metadata=st.none() | digests,
    provenance=st.booleans(),
)
pages = st.lists(helds, max_size=6, unique_by=lambda one: one.file.filename)
"""What may stand on one page."""
