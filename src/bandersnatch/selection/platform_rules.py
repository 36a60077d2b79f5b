"""Rules about what files were built for, which is told by their names alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Self

from bandersnatch.errors import Problem, UsageError
from bandersnatch.selection import patterns, platforms
from bandersnatch.selection.base import Origin, Subject, Verdict
from bandersnatch.selection.configured import Configured
from bandersnatch.selection.digests import digest_of
from bandersnatch.selection.environments import Environment, version_of
from bandersnatch.selection.file_tags import Built, WheelTags, built_for, is_wheel, wheel_tags
from bandersnatch.selection.requires_python import admits
from bandersnatch.values import Struct, replace

_REMEMBERED = 1 << 12
"""So many different sets of tags are judged once only; the files of most projects share a few hundred."""


# --- what is wanted ------------------------------------------------------------------------------------------------


class Place(Struct, frozen=True):
    """One Python of one environment."""

    environment: str
    python: str

    def __str__(self) -> str:
        return f"Python {self.python} of environment {self.environment}"


@dataclass(frozen=True, slots=True)
class Environments(Configured):
    """
    ``files.environments``: a wheel has to suit one of them, by any of its tags (PEP 425).

    ``requires-python`` has to admit the same Python of the same environment. What is not a wheel can be built
    anywhere, so nothing but ``requires-python`` decides about it.
    """

    name: ClassVar[str] = "files.environments"
    environments: tuple[Environment, ...]
    _accepted: Mapping[Place, frozenset[str]] = field(init=False, repr=False, compare=False)
    _suited_by: Callable[[WheelTags], tuple[Place, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        accepted = {Place(one.name, python): one.tags(python) for one in self.environments for python in one.pythons}
        object.__setattr__(self, "_accepted", accepted)
        object.__setattr__(self, "_suited_by", lru_cache(_REMEMBERED)(self._find))

    @property
    def digest(self) -> str:
        """Of the tags themselves: a newer ``packaging`` may know more of them."""
        return digest_of(self.name, [(place, sorted(tags)) for place, tags in self._accepted.items()])

    def judge(self, subject: Subject) -> Verdict:
        if not is_wheel(subject.file.filename):
            return self._judge_requirement(subject, tuple(self._accepted), "it is not a wheel and can be built on")
        tags = wheel_tags(subject.file.filename)
        if tags is None:
            return self.refuses("no tags can be read from its name, which is not that of a wheel")
        suited = self._suited_by(tags)
        if not suited:
            names = ", ".join(one.name for one in self.environments)
            return self.refuses(f"{tags} suits no environment of {names}")
        return self._judge_requirement(subject, suited, f"{tags} suits")

    def _judge_requirement(self, subject: Subject, suited: tuple[Place, ...], clause: str) -> Verdict:
        """Whether ``requires-python`` admits any of the places that the file suits otherwise."""
        required = subject.file.requires_python
        for place in suited:
            if admits(required, version_of(place.python)):
                return self.passes(f"{clause} {place}")
        pythons = ", ".join(dict.fromkeys(place.python for place in suited))
        return self.refuses(f"it requires Python {required}, and what it suits otherwise has Python {pythons}")

    def _find(self, tags: WheelTags) -> tuple[Place, ...]:
        each = tags.each()
        return tuple(place for place, accepted in self._accepted.items() if not accepted.isdisjoint(each))


# --- what is excluded ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Excluding(Configured):
    """A file is refused if everything that it was built for is excluded."""

    items: tuple[str, ...]
    _patterns: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False)
    _decided: Callable[[Built], Verdict] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_patterns", tuple(map(self.pattern, self.items)))
        object.__setattr__(self, "_decided", lru_cache(_REMEMBERED)(self._decide))

    @classmethod
    def of(cls, items: Iterable[str], origin: Origin | None = None) -> Self:
        """The rule for the *items* of its key. Raises UsageError with every one that cannot be used."""
        texts = tuple(items)
        problems = []
        for text in texts:
            try:
                cls.pattern(text)
            except ValueError as error:
                problems.append(Problem(str(error), key=cls.name))
        if problems:
            raise UsageError(*problems)
        return cls(texts, origin=origin)

    @staticmethod
    def pattern(text: str) -> re.Pattern[str]:
        """What one item stands for. Raises ValueError with what to write instead."""
        raise NotImplementedError

    def judge(self, subject: Subject) -> Verdict:
        built = built_for(subject.file.filename)
        if built is None:
            return self.passes("its name does not say what it was built for")
        return self._decided(built)

    def _decide(self, built: Built) -> Verdict:
        raise NotImplementedError

    def _verdict(self, targets: Sequence[tuple[str, ...]], what: str) -> Verdict:
        """The verdict about a file that was built for all of *targets* and nothing else; each has its tags."""
        deciding = [self._excluded_by(tags) for tags in targets]
        left = next((tags for tags, item in zip(targets, deciding, strict=True) if item is None), None)
        if left is not None:
            return self.passes(f"it was built for {left[0]}, which is not excluded")
        if not deciding:
            return self.passes(f"its name does not say which {what} it was built for")
        items = list(dict.fromkeys(item for item in deciding if item))
        verdict = self.refuses(f"every {what} that it was built for is excluded: {', '.join(items)}")
        return replace(verdict, origin=self.origin and replace(self.origin, text=items[0]))

    def _excluded_by(self, tags: tuple[str, ...]) -> str | None:
        """The first item that one of *tags*, which are of one target, is excluded by."""
        pairs = zip(self.items, self._patterns, strict=True)
        return next((item for item, one in pairs if any(map(one.fullmatch, tags))), None)


@dataclass(frozen=True, slots=True)
class ExcludedPlatforms(_Excluding):
    """
    ``files.exclude-platforms``: no wheels, eggs, installers and packages that are for these platforms only.

    An item is a family of systems (``windows``, ``linux``, …), a platform tag (``win32``), or a glob over them
    (``*_i686``). All spellings of a platform are one: ``manylinux2014_x86_64`` is ``manylinux_2_17_x86_64``. What
    suits any platform, or one that is not excluded, stays; so do sdists.
    """

    name: ClassVar[str] = "files.exclude-platforms"

    @staticmethod
    def pattern(text: str) -> re.Pattern[str]:
        item = text.strip().lower()
        words = [word for word, family in platforms.FAMILIES.items() if family == item]
        if words:
            return re.compile(rf"(?:{'|'.join(words)})(?![a-z]).*")
        is_glob = "*" in item or "?" in item
        if re.fullmatch(r"[a-z0-9_*?]+", item) and (is_glob or platforms.family_of(item)):
            return re.compile(rf"(?!any\Z){patterns.glob(item)}")
        families = ", ".join(dict.fromkeys(platforms.FAMILIES.values()))
        raise ValueError(f"{text!r} is no platform: write one of {families}, or a tag such as win32, or *_i686")

    def _decide(self, built: Built) -> Verdict:
        return self._verdict([platforms.spellings(tag) for tag in built.platforms], "platform")


@dataclass(frozen=True, slots=True)
class ExcludedPythons(_Excluding):
    """
    ``files.exclude-pythons``: no wheels, eggs and installers that are for these Pythons only.

    ``py2`` is every Python 2 of every implementation, ``py2.7`` one line of them, ``3.14t`` its free-threaded build;
    ``cp27`` is one tag of a Python or an ABI (PEP 425), such as ``cp314t``, and ``pp*`` a glob over them. A wheel for
    the stable ABI from 3.6 on suits newer Pythons as well, and so does one for ``py36``: to exclude ``py3.6`` leaves
    it.
    """

    name: ClassVar[str] = "files.exclude-pythons"

    @staticmethod
    def pattern(text: str) -> re.Pattern[str]:
        item = text.strip().lower()
        if found := re.fullmatch(r"(?:py)?([23])(?:\.?(\d{1,2})(t?))?", item):
            return re.compile(rf"[a-z]+{found[1]}{found[2] or '[0-9]*'}{found[3] or ''}")
        is_glob = "*" in item or "?" in item
        if re.fullmatch(r"[a-z0-9_*?]+", item) and (is_glob or re.match(r"[a-z]+\d", item)):
            return re.compile(patterns.glob(item))
        raise ValueError(f"{text!r} is no Python: write py2, py2.7, a tag such as cp27, or a glob such as pp*")

    def _decide(self, built: Built) -> Verdict:
        targets = [
            (tag,) if abi == "none" else (tag, abi) for python, abi in built.pythons for tag in _suited(python, abi)
        ]
        return self._verdict(targets, "Python")


_LAST = {"2": 7, "3": 40}
"""Later Pythons than these are not thought of."""


def _suited(python: str, abi: str) -> tuple[str, ...]:
    """The tags of all Pythons that a wheel with these two tags suits: those for a stable ABI suit newer ones too."""
    found = re.fullmatch(r"([a-z]+)([23])(\d+)", python)
    if not found or not (found[1] == "py" or abi.startswith("abi3")):
        return (python,)
    first = int(found[3])
    return tuple(f"{found[1]}{found[2]}{minor}" for minor in range(first, max(first, _LAST[found[2]]) + 1))
