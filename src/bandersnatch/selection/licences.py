"""Licence expressions (PEP 639, SPDX): whether one can be satisfied with the licences that somebody accepts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

MAX_EXPRESSION = 2000
"""Letters of an expression that is read: the longest on PyPI have some hundred."""

_TOKEN = re.compile(r"[()]|[^\s()]+")
_OPERATORS = frozenset(("AND", "OR", "WITH", "(", ")"))


def satisfied(expression: str, accepts: Callable[[str], bool]) -> bool | None:
    """
    Whether *expression* can be satisfied with licences that *accepts* takes; None if it cannot be read.

    Of ``A OR B`` one is needed, of ``A AND B`` both. *accepts* is asked once for each licence that is named, in
    SPDX's spelling, with its exception (``A WITH x``).
    """
    canonical = _canonical(expression)
    return None if canonical is None else _Reader(canonical, accepts).either()


def named(expression: str) -> tuple[str, ...]:
    """The licences that *expression* names, with their exceptions; of one that cannot be read, its words."""
    found: list[str] = []

    def note(licence: str) -> bool:
        found.append(licence)
        return True

    if satisfied(expression, note) is None:
        found = [word for word in _TOKEN.findall(expression) if word.upper() not in _OPERATORS]
    return tuple(found)


def forms(licence: str) -> tuple[str, ...]:
    """*licence* and what it is a form of: ``A+`` and ``A WITH x`` are forms of ``A``."""
    plain = licence.partition(" WITH ")[0].removesuffix("+")
    return (licence,) if plain == licence else (licence, plain)


def is_licence(text: str) -> bool:
    """Whether *text* is one licence that SPDX lists, or a ``LicenseRef-``; with or without an exception."""
    canonical = _canonical(text)
    return canonical is not None and _OPERATORS.isdisjoint(_TOKEN.findall(canonical.replace(" WITH ", " ")))


class _Reader:
    """Reads an expression from left to right; that it has the grammar has been checked before."""

    def __init__(self, canonical: str, accepts: Callable[[str], bool]) -> None:
        self._tokens: Iterator[str] = iter(_TOKEN.findall(canonical))
        self._next = next(self._tokens)
        self._accepts = accepts

    def either(self) -> bool:
        answer = self._both()
        while self._take("OR"):
            answer = self._both() or answer
        return answer

    def _both(self) -> bool:
        answer = self._one()
        while self._take("AND"):
            answer = self._one() and answer
        return answer

    def _one(self) -> bool:
        if self._take("("):
            answer = self.either()
            self._take(")")
            return answer
        licence = self._advance()
        if self._take("WITH"):
            licence = f"{licence} WITH {self._advance()}"
        return self._accepts(licence)

    def _take(self, token: str) -> bool:
        if self._next != token:
            return False
        self._advance()
        return True

    def _advance(self) -> str:
        token, self._next = self._next, next(self._tokens, "")
        return token


@lru_cache(maxsize=1024)
def _canonical(expression: str) -> str | None:
    if len(expression) > MAX_EXPRESSION:
        return None
    try:
        return canonicalize_license_expression(expression)
    except InvalidLicenseExpression:
        return None
