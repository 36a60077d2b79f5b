"""The rule ``metadata``: what a release's core metadata has to say, and what it must not say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

from bandersnatch.errors import Problem, UsageError
from bandersnatch.selection import licences
from bandersnatch.selection.base import Origin, Subject, Verdict
from bandersnatch.selection.digests import digest_of
from bandersnatch.selection.patterns import between_slashes, glob, regular
from bandersnatch.values import Struct

FIELDS = frozenset((
    "author", "author-email", "classifier", "description", "description-content-type", "download-url", "dynamic",
    "home-page", "import-name", "import-namespace", "keywords", "license", "license-expression", "license-file",
    "maintainer", "maintainer-email", "metadata-version", "name", "obsoletes", "obsoletes-dist", "platform",
    "project-url", "provides", "provides-dist", "provides-extra", "requires", "requires-dist", "requires-external",
    "requires-python", "summary", "supported-platform", "version",
))  # fmt: skip
"""Every field of core metadata 1.0 to 2.6, in lower case."""

MAX_SHOWN = 80
"""Letters of a value that a reason quotes."""

_LICENCE = "license-expression"


class Pattern(Struct, frozen=True):
    """
    One thing that a value of a field is compared with.

    Between slashes it is a regular expression that is searched for anywhere in the value, case and all. Everything
    else is compared with the whole value without case, ``*`` and ``?`` standing for any text and any letter; a
    classifier also matches by what it stands under (``License :: OSI Approved``), and of a licence expression it is
    each licence that is compared.
    """

    text: str
    expression: re.Pattern[str]
    by_licence: bool = False

    @classmethod
    def of(cls, field: str, text: str) -> Pattern:
        """Read *text* as a pattern for *field*. Raises ValueError with a reason that a person understands."""
        source = between_slashes(text)
        if source is not None:
            return cls(text, regular(source))
        if not text.strip():
            raise ValueError("an empty pattern matches nothing")
        if field == _LICENCE and not ("*" in text or "?" in text or licences.is_licence(text)):
            raise ValueError(
                "not one licence of SPDX's list: write one for each item, such as MIT or Apache-2.0; "
                "one that is newer than the list can be written between slashes"
            )
        below = "( ::.*)?" if field == "classifier" else ""
        return cls(text, re.compile(rf"\A\s*{glob(text.strip())}{below}\s*\Z", re.I | re.S), field == _LICENCE)

    def matches(self, value: str) -> bool:
        """Whether it matches *value*; for a licence expression, whether it matches any licence that is named."""
        if self.by_licence:
            return any(self.matches_licence(licence) for licence in licences.named(value))
        return self.expression.search(value) is not None

    def matches_licence(self, licence: str) -> bool:
        """Whether it is *licence*, or what that is a form of."""
        return any(self.expression.search(form) for form in licences.forms(licence))


Patterns = Mapping[str, tuple[Pattern, ...]]
"""By field, in lower case."""


class MetadataRule(Struct, frozen=True):
    """
    The rule ``metadata``. Made by ``of``.

    Of each field in ``wanted`` a value has to match one of the patterns, of each field in ``all_of`` every pattern has
    to match a value, and of those in ``unwanted`` no value may match any. What a release does not say, or what is not
    known of it, is judged by ``missing``; it is never unwanted.

    A licence expression is wanted if it can be satisfied with wanted licences alone, and unwanted if it cannot be
    satisfied without an unwanted one. One that cannot be read is never wanted, and unwanted if it has the word.
    """

    name: ClassVar[str] = "metadata"
    scope: ClassVar[str] = "release"
    needs_metadata: ClassVar[bool] = True

    wanted: Patterns
    all_of: Patterns
    unwanted: Patterns
    missing: Literal["keep", "drop"] = "keep"

    @classmethod
    def of(
        cls,
        wanted: Mapping[str, Iterable[str]] | None = None,
        all_of: Mapping[str, Iterable[str]] | None = None,
        unwanted: Mapping[str, Iterable[str]] | None = None,
        missing: str = "keep",
    ) -> MetadataRule:
        """The rule for patterns by field, in any spelling of the field. Raises UsageError with every problem."""
        problems: list[Problem] = []
        tables = {"wanted": wanted, "all": all_of, "unwanted": unwanted}
        read = {kind: _read(kind, given or {}, problems) for kind, given in tables.items()}
        if missing not in ("keep", "drop"):
            problems.append(Problem(f"{missing!r} is neither keep nor drop", key="metadata.missing"))
        if problems:
            raise UsageError(*problems)
        return cls(read["wanted"], read["all"], read["unwanted"], "keep" if missing == "keep" else "drop")

    @property
    def digest(self) -> str:
        parts = [
            sorted((field, sorted({one.text for one in patterns})) for field, patterns in group.items())
            for group in (self.wanted, self.all_of, self.unwanted)
        ]
        return digest_of(parts, self.missing)

    def judge(self, subject: Subject) -> Verdict:
        facts = subject.context.metadata.get(subject.release, {})
        for refusal in (self._unwanted(facts), self._missing(facts), self._unmet(facts)):
            if refusal is not None:
                return refusal
        return Verdict(self.name, True, "its metadata does not speak against it")

    def _unwanted(self, facts: Mapping[str, tuple[str, ...]]) -> Verdict | None:
        for field, patterns in self.unwanted.items():
            for value in facts.get(field, ()):
                guilty = _guilty(patterns, value)
                if guilty is not None:
                    origin = Origin(f"metadata.unwanted.{field}", guilty.text)
                    return Verdict(self.name, False, f"its {field} is {_shown(value)}", origin)
        return None

    def _missing(self, facts: Mapping[str, tuple[str, ...]]) -> Verdict | None:
        unsaid = [field for field in (*self.wanted, *self.all_of) if not facts.get(field)]
        if self.missing == "keep" or not unsaid:
            return None
        reason = f"its metadata has no {unsaid[0]}" if facts else "its metadata is not known"
        return Verdict(self.name, False, reason, Origin("metadata.missing", self.missing))

    def _unmet(self, facts: Mapping[str, tuple[str, ...]]) -> Verdict | None:
        for field, patterns in self.wanted.items():
            values = facts.get(field)
            if values and not any(_meets(patterns, value) for value in values):
                return self._refused("wanted", field, patterns, values)
        for field, patterns in self.all_of.items():
            values = facts.get(field)
            unmet = tuple(one for one in patterns if values and not any(map(one.matches, values)))
            if values and unmet:
                return self._refused("all", field, unmet, values)
        return None

    def _refused(self, kind: str, field: str, unmet: Iterable[Pattern], values: tuple[str, ...]) -> Verdict:
        more = f" and {len(values) - 1} more" if len(values) > 1 else ""
        origin = Origin(f"metadata.{kind}.{field}", ", ".join(one.text for one in unmet))
        return Verdict(self.name, False, f"its {field} is {_shown(values[0])}{more}", origin)


def _read(kind: str, given: Mapping[str, Iterable[str]], problems: list[Problem]) -> Patterns:
    """The patterns of one table; what cannot be used goes to *problems*."""
    read: dict[str, tuple[Pattern, ...]] = {}
    for written, texts in given.items():
        field, key = written.lower().replace("_", "-"), f"metadata.{kind}.{written}"
        if field not in FIELDS:
            near = difflib.get_close_matches(field, sorted(FIELDS), 1)
            hint = f"; do you mean {near[0]}?" if near else ""
            problems.append(Problem(f"core metadata has no such field{hint}", key=key))
            continue
        items = tuple(texts)
        if not items:
            problems.append(Problem("has no pattern; leave it out if anything will do", key=key))
        patterns = []
        for text in items:
            try:
                patterns.append(Pattern.of(field, text))
            except ValueError as error:
                problems.append(Problem(f"{text!r}: {error}", key=key))
        read[field] = (*read.get(field, ()), *patterns)
    return read


def _meets(patterns: tuple[Pattern, ...], value: str) -> bool:
    """Whether *value* is one of those that *patterns* describe."""
    if any(one.matches(value) for one in patterns if not one.by_licence):
        return True
    accepted = [one for one in patterns if one.by_licence]
    return bool(accepted) and bool(licences.satisfied(value, lambda licence: _any_is(accepted, licence)))


def _guilty(patterns: tuple[Pattern, ...], value: str) -> Pattern | None:
    """The first of *patterns* that makes *value* unwanted."""
    refused = [one for one in patterns if one.by_licence]
    avoidable = bool(refused) and licences.satisfied(value, lambda licence: not _any_is(refused, licence))
    return next((one for one in patterns if one.matches(value) and not (one.by_licence and avoidable)), None)


def _any_is(patterns: Iterable[Pattern], licence: str) -> bool:
    return any(one.matches_licence(licence) for one in patterns)


def _shown(value: str) -> str:
    """*value* as a message can quote it: one line, printable, not too long."""
    line = " ".join(value.split())
    return ascii(line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…")
