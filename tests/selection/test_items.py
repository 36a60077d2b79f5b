"""Items: what admits and excludes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from bandersnatch.errors import UsageError
from bandersnatch.selection import Items, Origin
from bandersnatch.selection.items import parse
from tests.selection.samples import items

LINUX = {"sys_platform": "linux", "python_version": "3.11", "python_full_version": "3.11.4"}
WINDOWS = {"sys_platform": "win32", "python_version": "3.9", "python_full_version": "3.9.1"}


@pytest.mark.parametrize(
    ("text", "matching", "other"),
    [
        ("Zope.Interface", ["zope-interface"], ["zope", "zope-interface-x"]),
        ("apache_*", ["apache-airflow", "apache-"], ["apache", "my-apache-x"]),
        ("py?test*", ["py-test", "pyxtest-cov"], ["pytest"]),
        ("*", ["anything"], []),
        ("*-nightly>=2", ["tf-nightly"], ["nightly"]),
        ("/django-.*/", ["django-rest"], ["my-django-rest", "django"]),
        ("/(a|b)(?:c)/ >=1,<2", ["ac", "bc"], ["a", "c"]),
        (r"/(.)\1.*/", ["aab"], ["aba"]),
        ("/(?i)DEMO/", ["demo"], ["demos"]),
        ("/a|b/", ["a", "b"], ["ab"]),
    ],
)
def test_names(text: str, matching: list[str], other: list[str]) -> None:
    """A name, a glob or a regular expression is about exactly the normalised names that it matches as a whole."""
    item = parse(Origin("select.projects", text))
    together = items(text, "unrelated", "/unrelated(x).*/", "un*related")
    for name in matching:
        assert item.matches_name(name)
        assert together.of_name(name) == (item,)
    for name in other:
        assert not item.matches_name(name)
        assert together.of_name(name) == ()


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("demo", ["1", "2004d"], []),
        ("demo[extra]>=2", ["2.0", "3.0a1"], ["1.9", "2004d"]),
        ("demo (<2)", ["1.0"], ["2.0"]),
        ("demo==1.*", ["1.0", "1.5rc1"], ["2"]),
        ("demo===2004D", ["2004d"], ["2004"]),
        ("demo*!=1.0", ["2"], ["1.0.0"]),
        ("/d.*/~=1.4", ["1.5"], ["2"]),
    ],
)
def test_versions(text: str, wanted: list[str], unwanted: list[str]) -> None:
    """A specifier holds the versions of PEP 440, pre-releases too; what nobody can read only without, or by ===."""
    item = parse(Origin("select.projects", text))
    readable = {one: None if one == "2004d" else Version(one) for one in wanted + unwanted}
    assert [one for one, version in readable.items() if item.matches_version(version, one)] == wanted


@pytest.mark.parametrize(
    ("text", "environments", "counts"),
    [
        ("demo; sys_platform == 'win32'", [], True),
        ("demo; sys_platform == 'win32'", [LINUX], False),
        ("demo; sys_platform == 'win32'", [LINUX, WINDOWS], True),
        ("demo*>=1; python_version < '3'", [LINUX, WINDOWS], False),
        ("demo; extra == 'test'", [LINUX], True),
        ("demo; platform_machine == 'x86_64'", [LINUX], False),
        ("demo; platform_release >= '5'", [LINUX], False),
        ("demo", [LINUX], True),
    ],
)
def test_markers(text: str, environments: list[dict[str, str]], counts: bool) -> None:
    """A marker narrows only by the environments that are configured, and never by the machine that this runs on."""
    assert len(items(text).counting(environments)) == counts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a requirement"),
        ("###", "not a requirement"),
        ("demo @ https://example.org/demo.zip", "by URL"),
        ("a" * 201, "not a project name"),
        ("/django", "between slashes"),
        ("//", "is empty"),
        ("/(/", "not a regular expression"),
        ("/a/b", "behind a pattern"),
        ("/a/ @ https://example.org/", "by URL"),
        ("demo*>=x", "not a requirement"),
        ("demo;" + "(" * 5000 + "os_name == 'x'" + ")" * 5000, "nested"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    """What cannot be used is refused in words."""
    with pytest.raises(ValueError, match=message):
        parse(Origin("select.projects", text))


def test_all_problems_at_once() -> None:
    """One error names every item that cannot be used, with its place."""
    written = [Origin("exclude.projects", text, "my.toml", line) for line, text in enumerate(["six", "###", "six>=2"])]
    with pytest.raises(UsageError) as caught:
        Items.read(written, ranges=False)
    assert [(one.file, one.line, one.key) for one in caught.value.problems] == [
        ("my.toml", 1, "exclude.projects"),
        ("my.toml", 2, "exclude.projects"),
    ]


def test_names_of_all() -> None:
    """The names are known as long as no pattern stands for more."""
    assert items("B", "a>=1").names == frozenset({"a", "b"})
    assert items("a", "b*").names is None


TEXTS = ["demo", "demo*", "/d.*o/", "?emo", r"/(d)e.*\1?/", "other", "/x|demo/", "/(?P<a>de)mo/", "/(?P<a>x)/", "*"]


@given(st.lists(st.sampled_from(TEXTS), max_size=6), st.sampled_from(["demo", "other", "x", "demo-o", "a"]))
def test_lookup(texts: list[str], name: str) -> None:
    """Looking a name up finds exactly the items that match it."""
    found = items(*texts)
    assert sorted(one.origin.text for one in found.of_name(name)) == sorted(
        one.origin.text for one in found if one.matches_name(name)
    )


@pytest.mark.parametrize(
    ("text", "is_pin"),
    [
        ("demo==1.0", True),
        ("d*===2004d", True),
        ("demo>=1,==1.5", True),
        ("demo==1.*", False),
        ("demo>=1,<=1", False),
        ("demo", False),
    ],
)
def test_pins(text: str, is_pin: bool) -> None:
    """An item pins a version if it compares with exactly one."""
    assert parse(Origin("select.projects", text)).is_pin == is_pin
