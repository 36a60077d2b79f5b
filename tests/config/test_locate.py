from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.config.locate import locate

DOCUMENT = '''\
# a comment with [brackets] and key = value
loose = 1
"quoted \\u0022 key" = 2   # behind it
[ select ]   # a header with [another] behind it
projects = [  # ["not this"]
    "six",

    # "commented",
    "idna", "attrs",
    [
      "nested"],
]
'literal key' = """
[mirror]
directory = "a text, no key"
\\""" still text""""
after.dotted.key = \'\'\'
[no] # header\'\'\'\'
[ "mirror" . inner ]
a = {b = "}", c = ["x", "y"]}
d = 1979-05-27T07:32:00.5Z
e = 1.5
[[many]]
f = "#"
[[many]]
g = []
last = [1,2,]'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("loose",), 2),
        (('quoted " key',), 3),
        (("select",), 4),
        (("select", "projects"), 5),
        (("select", "projects", 0), 6),
        (("select", "projects", 1), 9),
        (("select", "projects", 2), 9),
        (("select", "projects", 3), 10),
        (("select", "projects", 4), 5),
        (("select", "literal key"), 13),
        (("select", "after", "dotted", "key"), 17),
        (("mirror", "inner"), 19),
        (("mirror", "inner", "a"), 20),
        (("mirror", "inner", "a", "c"), 20),
        (("mirror", "inner", "d"), 21),
        (("mirror", "inner", "e"), 22),
        (("many",), 23),
        (("many", "f"), 24),
        (("many", "last", 1), 27),
        (("nowhere",), None),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_everything_is_found_on_its_line(path: tuple[str | int, ...], line: int | None, newline: str) -> None:
    """Tables, keys and items are found, whatever text, comments and lists stand between them."""
    text = DOCUMENT.replace("\n", newline)
    tomllib.loads(text)
    assert locate(text).of(*path) == line


VALUES = st.sampled_from(
    [
        "1",
        '"[x]"',
        "'''\n[x]\ny = 1'''",
        '"""\n\\"""\n#"""',
        "[\n1, # ]\n\n2]",
        "{a = '}', b = [1]}",
        "[[], [[\n]]]",
        "2.5",
    ]
)
KEYS = ["plain", '"q.u\\u006fted"', "'lit#eral'", "a.b", "z-9_"]


@given(st.lists(st.tuples(st.sampled_from(["", "# [no]\n", "\n\n", "  \t"]), VALUES), max_size=5))
def test_keys_are_found_behind_any_value(entries: list[tuple[str, str]]) -> None:
    """No value, however it is written, moves the lines of the keys that follow it."""
    text, expected = "[t]\n", {}
    for key, (before, value) in zip(KEYS, entries, strict=False):
        text += before
        [name] = tomllib.loads(f"{key} = 0")
        expected[name] = text.count("\n") + 1
        text += f"{key} = {value}\n"
    lines = locate(text)
    assert {key: lines.of("t", key) for key in tomllib.loads(text)["t"] if key != "a"} == {
        key: line for key, line in expected.items() if key != "a"
    }
    assert lines.of("t", "a", "b") == expected.get("a", 1)
