"""How bad an OSV record says something is: from a word, a number, or a vector of CVSS 2, 3 or 4."""

from __future__ import annotations

from collections.abc import Iterable

from bandersnatch.selection.affected import Severity

_WORDS = {
    "none": Severity.NONE,
    "low": Severity.LOW,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "critical": Severity.CRITICAL,
}

_BANDS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
"""The least score of each (CVSS 3.1, section 5; CVSS 4.0, section 6)."""


def worst(said: Iterable[object]) -> Severity | None:
    """The worst of all that is *said*, or None if none of it can be understood."""
    return max((found for one in said if isinstance(one, str) and (found := read(one)) is not None), default=None)


def read(text: str) -> Severity | None:
    """What *text* means; None if it cannot be told."""
    word = _WORDS.get(text.strip().lower())
    if word is not None:
        return word
    score = _score(text.strip())
    if score is None or not 0 <= score <= 10:
        return None
    return next((severity for least, severity in _BANDS if score >= least), Severity.NONE)


def _score(text: str) -> float | None:
    """The number that *text* is, or the score of the vector: the base score, in CVSS 4 with all that is given."""
    if "/" not in text:
        try:
            return float(text)
        except ValueError:
            return None
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    kind = CVSS4 if text.startswith("CVSS:4") else CVSS3 if text.startswith("CVSS:3") else CVSS2
    try:
        return float(kind(text).base_score)
    except CVSSError:
        return None
