"""The SQL of the catalogue, read from the files beside this module, so that it can be read and tried as SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Final


def _read(filename: str) -> str:
    return Path(__file__).with_name(filename).read_text("utf-8")


def parse(text: str) -> dict[str, str]:
    """
    The statements of *text* by name: each begins with a line ``-- name: …`` and a comment line that describes it.

    Raises ValueError for a name that occurs twice or a statement that is not described.
    """
    statements: dict[str, str] = {}
    for block in text.split("-- name: ")[1:]:
        name, description, *sql = block.strip().splitlines()
        if name in statements:
            raise ValueError(f"two statements are named {name}")
        if not description.startswith("-- "):
            raise ValueError(f"the statement {name} has no description")
        statements[name] = "\n".join(sql)
    return statements


TOTALS: Final = _read("totals.sql")
SLICES: Final = _read("slices.sql")
SCHEMA: Final = _read("schema.sql") + TOTALS + SLICES
SQL: Final = parse(_read("queries.sql"))
