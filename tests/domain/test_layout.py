"""Keys: made from validated names and digests alone, in PyPI's shape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch import layout
from bandersnatch.model import File, Held
from bandersnatch.values import replace

BLAKE2 = "ab" * 32
SHA256 = "cd" * 32
FILE = File("six-1.0.tar.gz", f"https://files.example.org/packages/ab/ab/{'ab' * 30}/six-1.0.tar.gz", SHA256)


def test_pypi_shape_is_kept() -> None:
    """The digits of PyPI's path shape stay, so that lock files stay portable; what they claim is known."""
    assert layout.file_key(FILE) == f"packages/ab/ab/{'ab' * 30}/six-1.0.tar.gz"
    assert layout.claimed_blake2(FILE) == BLAKE2
    assert layout.metadata_key(FILE) == layout.file_key(FILE) + ".metadata"


def test_other_shapes_get_the_sha256() -> None:
    """Where the address has no digits, those of the SHA-256 make the key; it claims nothing, here or further down."""
    other = replace(FILE, url="https://example.org/files/six-1.0.tar.gz")
    assert layout.file_key(other) == f"packages/cd/cd/{'cd' * 30}/six-1.0.tar.gz"
    assert layout.claimed_blake2(other) is None
    chained = replace(other, url=f"https://mirror.example.org/{layout.file_key(other)}")
    assert layout.file_key(chained) == layout.file_key(other)
    assert layout.claimed_blake2(chained) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/packages/..%2f..%2fetc/six-1.0.tar.gz",
        "https://example.org/packages/../../six-1.0.tar.gz",
        f"https://example.org/packages/AB/AB/{'AB' * 30}/six-1.0.tar.gz",
        f"https://example.org/packages/ab/ab/{'ab' * 29}/six-1.0.tar.gz",
        "https://example.org/packages/ab/ab/" + "ab" * 30,
        f"https://example.org/x#/packages/ab/ab/{'ab' * 30}/six-1.0.tar.gz",
        f"https://example.org/x?/packages/ab/ab/{'ab' * 30}/six-1.0.tar.gz",
    ],
)
def test_paths_are_never_taken(url: str) -> None:
    """No other part of an address has any influence on the key."""
    assert layout.file_key(replace(FILE, url=url)) == f"packages/cd/cd/{'cd' * 30}/six-1.0.tar.gz"


@given(st.text(max_size=40), st.text(max_size=40))
def test_keys_stay_inside(filename: str, url: str) -> None:
    """Whatever upstream sends, a key has five parts below packages/, none of them special, or there is none."""
    try:
        key = layout.file_key(File(filename, url, SHA256))
    except ValueError:
        return
    parts = key.split("/")
    assert len(parts) == 5
    assert parts[0] == "packages"
    assert not {"", ".", ".."} & set(parts)


@pytest.mark.parametrize("name", ["..", "/etc", "Foo", "a/b", ""])
def test_pages_want_normalised_names(name: str) -> None:
    """A page, a provenance object or older JSON of what is not a normalised name has no key."""
    for make in (layout.page_keys, layout.legacy_key, lambda it: layout.provenance_key(it, "1.0", "f")):
        with pytest.raises(ValueError, match="not a normalised project name"):
            make(name)


@pytest.mark.parametrize("tail", ["#sha256=x/y", "?a=/b", "?a#/b"])
def test_digits_before_a_query(tail: str) -> None:
    """What follows the path of an address changes nothing."""
    assert layout.file_key(replace(FILE, url=FILE.url + tail)) == layout.file_key(FILE)


def test_where_pages_are() -> None:
    """The keys of pages, of the list and of the rest are those that every mirror has."""
    html = ("simple/six/index.html", "simple/six/index.v1_html")
    assert layout.page_keys("six") == {"json": ("simple/six/index.v1_json",), "html": html}
    assert layout.index_keys()["json"] == ("simple/index.v1_json",)
    assert layout.index_keys()["html"] == ("simple/index.html", "simple/index.v1_html")
    assert layout.legacy_key("six") == "pypi/six/json"
    assert layout.legacy_key("six", "1.0") == "pypi/six/1.0/json"
    assert layout.LAST_MODIFIED == "last-modified"


@pytest.mark.parametrize("version", ["..", "1/../..", ""])
def test_versions_stay_inside(version: str) -> None:
    """A version that could lead elsewhere has no key."""
    with pytest.raises(ValueError, match="not a usable version"):
        layout.legacy_key("six", version)
    with pytest.raises(ValueError, match="not a usable version"):
        layout.provenance_key("six", version, "f")


def test_keys_of_a_held_file() -> None:
    """A file's companions are counted with it only where they are held."""
    bare = Held(FILE, 1)
    assert layout.keys_of("six", bare) == (layout.file_key(FILE),)
    full = Held(FILE, 1, metadata="0" * 64, provenance=True)
    assert layout.keys_of("six", full)[2] == "integrity/six/1.0/six-1.0.tar.gz/provenance"


def test_urls_are_encoded() -> None:
    """A key with odd characters is a valid relative URL."""
    assert layout.from_page("packages/a b%?#.zip") == "../../packages/a%20b%25%3F%23.zip"


@pytest.mark.parametrize("name", ["simple", "packages", "pypi", "integrity", "local-stats", "last-modified"])
def test_names_that_are_taken(name: str) -> None:
    """What stands in the web server's root is ours."""
    assert layout.is_taken(name) is True
    assert layout.is_taken(f"{name}-2") is False
