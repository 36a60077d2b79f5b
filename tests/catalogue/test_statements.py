"""The SQL files and what reads them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bandersnatch.catalogue import arriving, keys, slices, sqlite, statements
from bandersnatch.catalogue.statements import SCHEMA, SQL


def test_parse() -> None:
    """A statement is what stands between its description and the next name; what stands above the first is a remark."""
    text = (
        "-- Remark.\n\n-- name: one\n-- The first.\nSELECT 1\nFROM fact;\n\n-- name: two\n-- The second.\nSELECT 2;\n"
    )
    assert statements.parse(text) == {"one": "SELECT 1\nFROM fact;", "two": "SELECT 2;"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-- name: one\nSELECT 1;\n", "no description"),
        ("-- name: one\n-- A.\nSELECT 1;\n-- name: one\n-- B.\nSELECT 2;\n", "two statements are named one"),
    ],
)
def test_bad_file(text: str, problem: str) -> None:
    """A statement without a description, or with another's name, is refused."""
    with pytest.raises(ValueError, match=problem):
        statements.parse(text)


@pytest.mark.parametrize("name", SQL)
def test_statement_fits_the_schema(name: str) -> None:
    """Every statement is one statement, and what it names is in the schema."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        for staging in {"stage", "stage_slices"} - {name}:
            connection.execute(SQL[staging])
        values = dict.fromkeys(re.findall(r":(\w+)", SQL[name]))
        connection.execute(f"EXPLAIN {SQL[name]}", values or (None,) * SQL[name].count("?"))


def test_every_statement_is_used() -> None:
    """No statement is left over from what the catalogue once did."""
    source = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (sqlite, keys, arriving, slices))
    assert [name for name in SQL if f'"{name}"' not in source] == []


def test_no_statement_reads_all_projects() -> None:
    """But for those that are meant to: what a run costs follows what changed, and not what is held."""
    reads_all = set()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        connection.execute(SQL["stage"])
        connection.execute(SQL["stage_slices"])
        for name in SQL.keys() - {"stage", "stage_slices"}:
            values = dict.fromkeys(re.findall(r":(\w+)", SQL[name])) or (None,) * SQL[name].count("?")
            plan = connection.execute(f"EXPLAIN QUERY PLAN {SQL[name]}", values).fetchall()
            if any(re.search(r"SCAN project(?! USING)|INDEX \S*_project_\S+ FOR IN-OPERATOR", row[3]) for row in plan):
                reads_all.add(name)
    assert reads_all == {"count_projects", "doubt_empty", "make_all_due"}  # the second of them once
