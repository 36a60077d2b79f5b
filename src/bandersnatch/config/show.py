"""The configuration in force, with the origin of every value and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from math import isfinite
from typing import Any

from bandersnatch.config import hooks
from bandersnatch.config.load import Loaded
from bandersnatch.config.option import Option, Written
from bandersnatch.config.options import OPTIONS, SECTIONS, of_section
from bandersnatch.config.schema import value_of
from bandersnatch.config.write import key, literal, shown


def as_toml(loaded: Loaded) -> str:
    """Every key in TOML, its origin behind it as a comment."""
    assignments = {option.name: f"{option.key} = {literal(_shown(loaded, option))}" for option in OPTIONS}
    width = max(length for length in map(len, assignments.values()) if length <= 60)
    return "\n".join(
        f"[{section}]\n"
        + "".join(
            f"{assignments[option.name]:<{width}}  # {loaded.origins[option.name]}\n" for option in of_section(section)
        )
        + "".join(_table(loaded, section, name, table) for name, table in _named(loaded, section).items())
        for section in SECTIONS
    )


def as_data(loaded: Loaded) -> dict[str, Any]:
    """
    ``{"file": …, "values": {section: {key: {"value": …, "origin": …}}}}``, values as in the file.

    A named table is the value of its name. Times, which JSON does not have, are text.
    """
    values = {
        section: {
            option.key: {"value": _shown(loaded, option), "origin": str(loaded.origins[option.name])}
            for option in of_section(section)
        }
        | {
            name: {"value": table, "origin": str(loaded.origins[f"{section}.{name}"])}
            for name, table in _named(loaded, section).items()
        }
        for section in SECTIONS
    }
    return {"file": str(loaded.file) if loaded.file else None, "values": _in_json(values)}


def _table(loaded: Loaded, section: str, name: str, table: Mapping[str, object]) -> str:
    """One named table, with one line for all of it: its keys are its own affair."""
    lines = [f"\n[{section}.{key(name)}]  # {loaded.origins[f'{section}.{name}']}\n"]
    lines += [f"{key(one)} = {literal(value)}\n" for one, value in table.items()]
    return "".join(lines)


def _named(loaded: Loaded, section: str) -> Mapping[str, Mapping[str, object]]:
    """The named tables of *section* as the file would have them."""
    match section:
        case "environments":
            return {name: environment.table for name, environment in loaded.config.environments.items()}
        case "hooks":
            return {name: hooks.shown(hook) for name, hook in loaded.config.hooks.items()}
        case "rules":
            return loaded.config.rules
        case _:
            return {}


def _in_json(value: object) -> Any:
    match value:
        case Mapping():
            return {str(name): _in_json(one) for name, one in value.items()}
        case list() | tuple():
            return [_in_json(one) for one in value]
        case date() | time():
            return value.isoformat()
        case float() if not isfinite(value):
            return str(value)
        case _:
            return value


def _shown(loaded: Loaded, option: Option) -> Written:
    return shown(option, value_of(loaded.config, option.name))
