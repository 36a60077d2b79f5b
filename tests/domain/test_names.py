"""Names and digests: nothing that upstream can send becomes a place that it must not be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from bandersnatch import names

HOSTILE = [
    "",
    "..",
    ".",
    "/abs",
    "../up",
    "a/b",
    "a\\b",
    "a\nb",
    "name\n",
    "-lead",
    "trail-",
    "_lead",
    ".hidden",
    "nul\0",
    "ünïcode",
    "a" * 201,
    "a b",
    "%2e%2e",
    "<script>",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_project_name(name: str) -> None:
    """What is not a name by PEP 508, or is absurdly long, is refused and never normalised into one."""
    assert not names.is_project_name(name)
    with pytest.raises(ValueError, match="not a project name"):
        names.normalise(name)


@pytest.mark.parametrize(
    ("name", "normal"),
    [("Foo.Bar", "foo-bar"), ("a", "a"), ("A__b--c..D", "a-b-c-d"), ("zc.buildout", "zc-buildout"), ("0x", "0x")],
)
def test_normalise(name: str, normal: str) -> None:
    """PEP 503: lower case, and every run of dashes, underscores and dots one dash."""
    assert names.normalise(name) == normal
    assert names.is_normalised(normal)


def test_normal_form() -> None:
    """A name in another spelling is not in its normal form, and what is no name has none."""
    assert not names.is_normalised("Foo")
    assert not names.is_normalised("a b")


def test_longest() -> None:
    """The longest name and the longest file name that are taken are taken."""
    assert names.is_project_name("a" * 200)
    assert names.is_filename("x" * 255)


@pytest.mark.parametrize(
    ("digest", "good"),
    [
        ("0a" * 32, True),
        ("0a" * 31, False),
        ("0A" * 32, False),
        ("0a" * 32 + "\n", False),
        ("0a" * 33, False),
        ("", False),
    ],
)
def test_sha256(digest: str, good: bool) -> None:
    """A digest is 64 hexadecimal digits in lower case, and nothing before or after."""
    assert names.is_sha256(digest) is good


@given(st.text(max_size=30) | st.text("aB-_.", max_size=12))
def test_canonical_as_packaging_says(name: str) -> None:
    """Our three lines and the library's say the same of every text."""
    assert names.canonical(name) == canonicalize_name(name)


@given(st.text(max_size=30))
def test_normalised_names_are_safe(name: str) -> None:
    """Whatever passes has only letters, digits and inner dashes; normalising again changes nothing."""
    if names.is_project_name(name):
        normal = names.normalise(name)
        assert set(normal) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert normal.strip("-") == normal == canonicalize_name(name) == names.normalise(normal)


@pytest.mark.parametrize(
    "filename",
    ["six-1.0.tar.gz", "foo-2004d.zip", "a_b-1!2.0+local-py3-none-any.whl", "Odd Name-1.0.exe", "x", "x!"],
)
def test_usable_filename(filename: str) -> None:
    """Old and odd file names that indexes hold are usable."""
    assert names.is_filename(filename)


@pytest.mark.parametrize(
    "filename",
    [
        "",
        ".",
        "..",
        ".hidden",
        "-rf",
        "a/b",
        "a\\b",
        "a\0",
        "a\n",
        "x" * 256,
        "dot.",
        "space ",
        "a:b",
        "a<b",
        'a"b',
        "é",
    ],
)
def test_unusable_filename(filename: str) -> None:
    """What could leave its folder, hide, be an option, or be another name on some file system is refused."""
    assert not names.is_filename(filename)


@pytest.mark.parametrize(
    ("filename", "project", "version"),
    [
        ("six-1.17.0-py2.py3-none-any.whl", "six", "1.17.0"),
        ("foo-1.0-1.tar.gz", "foo", "1.0-1"),
        ("dummy_project-0.0.1-variants.json", "dummy-project", "0.0.1"),
        ("foo-1.0-variants.json.asc", "foo", None),
        ("foo-1.0.json", "foo", None),
        ("foo-1.0.tar.gz.asc", "foo", None),
        ("foo-1.0-py3-none-any.whl.sha256", "foo", None),
        ("foo-1.0", "foo", None),
        ("foo-readme.txt", "foo", None),
        ("foo-1.0-1.tar.gz", "foo-1-0", "1"),
        ("zc.buildout-1.0.tar.gz", "zc-buildout", "1.0"),
        ("zope_interface-5.0-2-cp39-cp39-linux_x86_64.whl", "zope-interface", "5.0"),
        ("toml-0.9.0-py2.7.egg", "toml", "0.9.0"),
        ("foo-2004d.zip", "foo", "2004d"),
        ("other-1.0.tar.gz", "six", None),
        ("six.tar.gz", "six", None),
        ("six-.tar.gz", "six", None),
        *(
            (f"six-1.0{ending}", "six", "1.0")
            for ending in (
                ".whl",
                ".zip",
                ".egg",
                ".tar.bz2",
                ".tgz",
                ".exe",
                ".msi",
                ".rpm",
                ".tar.xz",
                ".tar.Z",
                ".tar",
                ".tbz",
                ".txz",
                ".tlz",
                ".tar.lz",
                ".tar.lzma",
                ".deb",
                ".dmg",
            )
        ),
    ],
)
def test_version_of(filename: str, project: str, version: str | None) -> None:
    """The version begins after the dash before which the text is the project."""
    assert names.version_of(filename, project) == version
