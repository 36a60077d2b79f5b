"""The configuration in force, with the origin of every value and no secret."""

from __future__ import annotations

from typing import Any

from bandersnatch.config.load import Loaded
from bandersnatch.config.option import Option, Written
from bandersnatch.config.options import OPTIONS, SECTIONS, of_section
from bandersnatch.config.schema import value_of
from bandersnatch.config.write import literal, shown


def as_toml(loaded: Loaded) -> str:
    """Every key in TOML, its origin behind it as a comment."""
    width = max(len(_assignment(loaded, option)) for option in OPTIONS if len(_assignment(loaded, option)) <= 60)
    return "\n".join(
        f"[{section}]\n"
        + "".join(
            f"{_assignment(loaded, option):<{width}}  # {loaded.origins[option.name]}\n"
            for option in of_section(section)
        )
        for section in SECTIONS
    )


def as_data(loaded: Loaded) -> dict[str, Any]:
    """``{"file": …, "values": {section: {key: {"value": …, "origin": …}}}}``, values as in the file."""
    values = {
        section: {
            option.key: {"value": _shown(loaded, option), "origin": str(loaded.origins[option.name])}
            for option in of_section(section)
        }
        for section in SECTIONS
    }
    return {"file": str(loaded.file) if loaded.file else None, "values": values}


def _assignment(loaded: Loaded, option: Option) -> str:
    return f"{option.key} = {literal(_shown(loaded, option))}"


def _shown(loaded: Loaded, option: Option) -> Written:
    return shown(option, value_of(loaded.config, option.name))
