"""What somebody probably meant who wrote a name that we do not know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from bandersnatch.config.find import VARIABLE
from bandersnatch.config.option import PREFIX
from bandersnatch.config.options import OPTIONS, SECTIONS, of_section

_BARE = re.compile(r"[A-Za-z0-9_-]{1,60}\Z")


def printable(name: str) -> str:
    """*name* as it may stand in a message: quoted, escaped and cut short unless it is a plain word."""
    return name if _BARE.match(name) else json.dumps(name[:60])


def about_section(section: str) -> str:
    """What to say about the unknown *section*."""
    near = nearest(section, SECTIONS)
    if near:
        return f"unknown section; did you mean [{near}]?"
    return "unknown section; there are " + ", ".join(f"[{name}]" for name in SECTIONS)


def about_key(section: str, key: str) -> str:
    """What to say about the unknown *key* of the known *section*."""
    here = [option.key for option in of_section(section)]
    if _homes(key):
        return f"unknown key here; it belongs under {_homes(key)}"
    near = nearest(key, here)
    if near:
        return f'unknown key; did you mean "{near}"?'
    near = nearest(key, [option.key for option in OPTIONS])
    if near:
        return f'unknown key; did you mean "{near}", under {_homes(near)}?'
    return f"unknown key; [{section}] has " + ", ".join(here)


def about_loose_key(key: str) -> str:
    """What to say about *key*, which stands outside every section."""
    if _homes(key):
        return f"this key stands outside every section; it belongs under {_homes(key)}"
    return "unknown key, outside every section"


def _homes(key: str) -> str:
    """The sections that have *key*."""
    return " or ".join(f"[{option.section}]" for option in OPTIONS if option.key == key)


def misspelt_variables(env: Mapping[str, str]) -> dict[str, str]:
    """
    Environment variables that are almost one of ours, with that one.

    Others with our prefix are left alone: Kubernetes, for one, makes ``BANDERSNATCH_PORT`` of a service's name.
    """
    ours = {option.variable.removeprefix(PREFIX): option.variable for option in OPTIONS}
    found = {}
    for variable in sorted(env):
        rest = variable.removeprefix(PREFIX)
        if rest == variable or rest in ours or variable == VARIABLE:
            continue
        from difflib import get_close_matches

        near = get_close_matches(rest, ours, n=1, cutoff=0.85)
        if near:
            found[variable] = ours[near[0]]
    return found


def nearest(name: str, known: Iterable[str]) -> str | None:
    """
    The known name that is most like *name*, one whose letters only changed places before all others.

    difflib's time grows with the square of the length, hence the cut.
    """
    from difflib import get_close_matches

    given = name[:60].lower().replace("_", "-")
    return max(get_close_matches(given, list(known)), key=lambda one: sorted(one) == sorted(given), default=None)
