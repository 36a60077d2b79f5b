"""What admits, excludes or exempts projects: names, requirements, globs and regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

from bandersnatch import names
from bandersnatch.errors import Problem, UsageError
from bandersnatch.selection import patterns
from bandersnatch.selection.base import Origin
from bandersnatch.values import Struct, field

# Most of what starting takes is the library that reads requirements; who mirrors everything needs none of it.
if TYPE_CHECKING:
    from packaging.markers import Marker
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

# A pattern, and behind it what a requirement may have behind its name. Names hold no slash, so the first one ends.
_PATTERN = re.compile(
    r"(?:/(?P<regular>[^/]*)/|(?P<glob>[A-Za-z0-9._-]*[*?][A-Za-z0-9._*?-]*))(?P<rest>.*)\Z", re.DOTALL
)
_SEPARATORS = re.compile(r"[-_.]+")
_EXTRA = re.compile(r"\b(?:extras?|dependency_groups)\b")
_VARIABLES = (
    "implementation_name", "implementation_version", "os_name", "platform_machine", "platform_python_implementation",
    "platform_release", "platform_system", "platform_version", "python_full_version", "python_version", "sys_platform",
)  # fmt: skip


@cache
def _all_versions() -> SpecifierSet:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet()


class Item(Struct, frozen=True):
    """One line of the operator's: which projects it is about, and which of their versions."""

    origin: Origin
    """Its ``text`` is the item as it was written."""
    name: str
    """Normalised; empty for a pattern."""
    pattern: re.Pattern[str] | None = None
    """For whole normalised names; None for a plain name."""
    specifier: SpecifierSet = field(default_factory=_all_versions)
    """PEP 440; an empty one means every version, also those that nobody can read."""
    marker: Marker | None = None
    """PEP 508."""

    @property
    def is_whole(self) -> bool:
        """Whether it is about every version."""
        return not len(self.specifier)

    @property
    def is_pin(self) -> bool:
        """Whether it is about exactly one version (PEP 440: ``===``, or ``==`` without a wildcard) and its builds."""
        return any(
            one.operator == "===" or (one.operator == "==" and not one.version.endswith(".*")) for one in self.specifier
        )

    @property
    def identity(self) -> str:
        """The same for two items that are about the same files (their markers left out)."""
        return f"{self.name or f'/{self.pattern and self.pattern.pattern}/'} {self.specifier}"

    def matches_name(self, name: str) -> bool:
        """Whether it is about the project with the normalised *name*."""
        return self.name == name if self.pattern is None else self.pattern.fullmatch(name) is not None

    def matches_version(self, version: Version | None, release: str) -> bool:
        """
        Whether it is about this version of its projects; pre-releases inside a range are.

        *release* is the version as it is spelled, and *version* None where PEP 440 does not know it: no range holds
        such a one, but ``===`` compares the spelling (PEP 440, arbitrary equality).
        """
        if self.is_whole:
            return True
        if version is None:
            return all(one.operator == "===" and one.version.lower() == release.lower() for one in self.specifier)
        return self.specifier.contains(version, prereleases=True)

    def counts_in(self, environments: Sequence[Mapping[str, str]]) -> bool:
        """
        Whether its marker is true in any of *environments*; without environments every item counts.

        Variables that an environment does not give are empty, and never those of the machine that this runs on.
        A marker that asks for an extra always counts: extras do not narrow.
        """
        if self.marker is None or not environments or _EXTRA.search(str(self.marker)):
            return True
        return any(_is_true(self.marker, environment) for environment in environments)


def _is_true(marker: Marker, environment: Mapping[str, str]) -> bool:
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName

    try:
        return marker.evaluate({**dict.fromkeys(_VARIABLES, ""), **environment})
    except (UndefinedComparison, UndefinedEnvironmentName):
        # What cannot be compared cannot tell that the item is not needed.
        return True


def parse(origin: Origin) -> Item:
    """The item that ``origin.text`` writes. Raises ValueError with a reason that a person understands."""
    text = origin.text
    if names.is_project_name(text):
        return Item(origin, names.normalise(text))
    match = _PATTERN.match(text)
    if match:
        return _pattern(origin, match)
    if text.startswith("/"):
        raise ValueError("a regular expression stands between slashes, such as /django-.*/")
    requirement = _requirement(text)
    if not names.is_project_name(requirement.name):
        raise ValueError("not a project name")
    return Item(origin, names.normalise(requirement.name), None, requirement.specifier, requirement.marker)


def _pattern(origin: Origin, match: re.Match[str]) -> Item:
    if match["glob"]:
        pattern = patterns.regular(patterns.glob(_SEPARATORS.sub("-", match["glob"]).lower()))
    else:
        pattern = patterns.regular(match["regular"])
    rest = _requirement(f"x{match['rest']}")
    if rest.name != "x":
        raise ValueError("behind a pattern only versions and a marker can stand, as in /django-.*/>=2")
    return Item(origin, "", pattern, rest.specifier, rest.marker)


def _requirement(text: str) -> Requirement:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"not a requirement (PEP 508): {str(error).splitlines()[0]}") from error
    except RecursionError:
        raise ValueError("its marker is nested too deeply") from None
    if requirement.url:
        raise ValueError("a mirror cannot select by URL; name the project")
    return requirement


class Items(Struct, frozen=True, dict=True):
    """Items, found by a project's name in constant time, however many there are."""

    all: tuple[Item, ...] = ()
    """As they were written."""

    @classmethod
    def read(cls, written: Iterable[Origin], *, ranges: bool = True) -> Items:
        """
        Read what is *written*. Without *ranges*, items are about whole projects only.

        Raises UsageError with every item that cannot be used.
        """
        items: list[Item] = []
        problems: list[Problem] = []
        for origin in written:
            try:
                item = parse(origin)
                if not ranges and not item.is_whole:
                    raise ValueError("versions cannot be told apart here; name the project alone")
                items.append(item)
            except ValueError as error:
                problems.append(Problem(f"{origin.text!r}: {error}", origin.file, origin.line, origin.key))
        if problems:
            raise UsageError(*problems)
        return cls(tuple(items))

    def __iter__(self) -> Iterator[Item]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    @property
    def names(self) -> frozenset[str] | None:
        """The normalised names, or None where a pattern stands for more."""
        return None if self._patterns else frozenset(self._named)

    def of_name(self, name: str) -> tuple[Item, ...]:
        """The items that are about the project with the normalised *name*."""
        named = self._named.get(name, ())
        if self._is_about is None or not self._is_about(name):
            return named
        return (*named, *(item for item in self._patterns if item.matches_name(name)))

    def counting(self, environments: Sequence[Mapping[str, str]]) -> Items:
        """Those whose marker is true in any of *environments*."""
        counting = tuple(item for item in self.all if item.counts_in(environments))
        return self if len(counting) == len(self.all) else Items(counting)

    @cached_property
    def _named(self) -> Mapping[str, tuple[Item, ...]]:
        named: dict[str, list[Item]] = {}
        for item in self.all:
            if item.pattern is None:
                named.setdefault(item.name, []).append(item)
        return {name: tuple(items) for name, items in named.items()}

    @cached_property
    def _patterns(self) -> tuple[Item, ...]:
        return tuple(item for item in self.all if item.pattern is not None)

    @cached_property
    def _is_about(self) -> Callable[[str], object] | None:
        """Whether any pattern is about a name: asked for every name of an index, so as few patterns as can say it."""
        compiled = {item.pattern for item in self._patterns if item.pattern is not None}
        together = sorted(one.pattern for one in compiled if patterns.is_combinable(one))
        tests = [one.fullmatch for one in compiled if not patterns.is_combinable(one)]
        if together:
            tests.append(re.compile("|".join(f"(?:{one})" for one in together)).fullmatch)
        if len(tests) > 1:
            return lambda name: any(test(name) for test in tests)
        return tests[0] if tests else None
