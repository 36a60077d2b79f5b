"""INI as PyPA bandersnatch reads it."""

from __future__ import annotations

from configparser import ConfigParser, Error

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.config.pypa.ini import parse
from bandersnatch.errors import UsageError

TEXT = """\
; about everything

# about the mirror
[mirror]
; where it is
directory = /srv/pypi

diff-file = %(directory)s/new
[plugins]
enabled =
    one
    ; between the two
    two = 2   ; no comment

; at the end
"""

LINES = st.sampled_from((
    "", " ", "[mirror]", "[plugins]", "  [mirror]", "[a] b]", "key = value", "other=1", "tag:a.b = x = y", "  more",
    "    deeper # no", "; comment", "  # comment", "name", "empty =", "= x", "colon: y", "Key = 100%%",
    "p = %(key)s", "p2 = 50%", "[DEFAULT]", "\tkey2 = 1", "rem = ;",
))  # fmt: skip


def test_everything_has_its_line() -> None:
    """Keys, lines of values and sections are found where they stand, and values are as the library reads them."""
    ini = parse(TEXT, "b.conf")
    assert dict(ini.sections) == {"mirror": 4, "plugins": 9}
    assert [(entry.name, entry.line, entry.value) for entry in ini.entries] == [
        ("[mirror] directory", 6, "/srv/pypi"),
        ("[mirror] diff-file", 8, "/srv/pypi/new"),
        ("[plugins] enabled", 10, "one\ntwo = 2   ; no comment"),
    ]
    assert [line.number for line in ini.entries[-1].lines] == [11, 13]


def test_comments_go_with_what_follows_them() -> None:
    """Comments before a key and within its value are the key's; the last ones are the file's."""
    ini = parse(TEXT, "b.conf")
    assert ini.comments == {
        6: ("about everything", "", "about the mirror", "where it is"),
        10: ("between the two",),
        0: ("at the end",),
    }


@given(st.lists(LINES, max_size=14))
def test_values_are_those_of_the_library(lines: list[str]) -> None:
    """Whatever a file says, its values are those that PyPA bandersnatch would get, or both find it broken."""
    text = "\n".join(lines)
    theirs = ConfigParser(delimiters="=")
    theirs.optionxform = str  # type: ignore[assignment,method-assign] # documented: keys keep their case
    try:
        theirs.read_string(text)
        expected = {
            (section, key): [line.strip() for line in theirs.get(section, key).split("\n") if line.strip()]
            for section in theirs.sections()
            for key in theirs[section]
            if key not in theirs.defaults()
        }
    except Error:
        expected = None
    try:
        found = {(one.section, one.key): [line.text for line in one.lines] for one in parse(text, "b.conf").entries}
    except UsageError:
        found = None
    if "[DEFAULT]" in lines or "colon: y" in lines:
        return  # read without an error, so that they can be reported, and as in old versions
    assert found == expected


BROKEN = {
    "no section": ("a = 1", "b.conf:1: this line stands before the first [section]"),
    "section twice": ("[a]\n[b]\n[a]", "b.conf:3: this section is there twice; put the two together"),
    "option twice": ("[a]\nb = 1\nb = 2", "b.conf:3: this option is there twice; keep one of the two"),
    "no delimiter": (
        "[a]\nb\n",
        'b.conf:2: this line is neither "key = value" nor a further line of a value, which would be indented',
    ),
    "percent": (
        "[a]\n\nb = 5%\n",
        'b.conf:3: [a] b: a "%" stands for another option, as in %(directory)s; write %% for the sign itself',
    ),
    "NUL": ("[a]\nb = \0", "b.conf:2: there is a NUL in this file"),
}


@pytest.mark.parametrize(("text", "problem"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_named_with_its_line(text: str, problem: str) -> None:
    """A broken file is a problem with a line, and none of its values is quoted."""
    with pytest.raises(UsageError) as raised:
        parse(text, "b.conf")
    assert str(raised.value) == problem


def test_the_colon_of_old_versions() -> None:
    """Up to 3.x a colon could stand for the equals sign; where equals signs are read, it belongs to the key."""
    assert parse("[mirror]\ndirectory: /srv\n", "b.conf").entries[0].key == "directory"
    assert parse("[x]\nnot-null:info.a = b\n", "b.conf").entries[0].key == "not-null:info.a"


def test_windows_line_ends() -> None:
    """A file from an editor on Windows says the same."""
    ini = parse(TEXT.replace("\n", "\r\n"), "b.conf")
    assert ini == parse(TEXT, "b.conf")
