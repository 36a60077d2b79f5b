"""The items of a requirements file, as a selection takes them."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from bandersnatch.inputs.findings import Read, Wanted
from bandersnatch.values import replace


def whole(read: Read) -> Iterator[Wanted]:
    """The projects that a requirements file names, each once and without versions, extras and markers."""
    named: dict[str, Wanted] = {}
    for wanted in read.items:
        name = Requirement(wanted.text).name
        named.setdefault(canonicalize_name(name), replace(wanted, text=name))
    yield from named.values()


def constrained(read: Read) -> Iterator[Wanted]:
    """
    The items of a requirements file, narrowed by the constraints (``-c``) for the same project.

    A constraint that has a marker does not narrow: elsewhere the whole range is needed.
    """
    limits: dict[str, SpecifierSet] = {}
    for one in read.constraints:
        requirement = _requirement(one.text)
        if requirement is not None and requirement.marker is None:
            name = canonicalize_name(requirement.name)
            limits[name] = limits.get(name, SpecifierSet()) & requirement.specifier
    for wanted in read.items:
        requirement = _requirement(wanted.text)
        limit = None if requirement is None else limits.get(canonicalize_name(requirement.name))
        if requirement is None or limit is None:
            yield wanted
        else:
            requirement.specifier &= limit
            yield replace(wanted, text=str(requirement))


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None  # a pattern: no constraint is about it
