"""How bad an OSV record says something is: from a word, a number, or a vector of CVSS 3."""

from __future__ import annotations

import math
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
"""The least score of each (CVSS 3.1, section 5)."""

_WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
"""CVSS 3.1, section 7.4; the weight of PR depends on the scope."""

_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def worst(said: Iterable[object]) -> Severity | None:
    """The worst of all that is *said*, or None if none of it can be understood."""
    return max((found for one in said if isinstance(one, str) and (found := read(one)) is not None), default=None)


def read(text: str) -> Severity | None:
    """
    What *text* means; None if it cannot be told.

    Vectors of CVSS 2 and 4 cannot: nobody gives the first any more, and whoever gives the second adds a word.
    """
    word = _WORDS.get(text.strip().lower())
    if word is not None:
        return word
    try:
        score = _base_score(text) if text.startswith("CVSS:3") else float(text)
    except (KeyError, ValueError):
        return None
    if not 0 <= score <= 10:
        return None
    return next((severity for least, severity in _BANDS if score >= least), Severity.NONE)


def _base_score(vector: str) -> float:
    """The base score of CVSS 3.0 and 3.1 (section 7.1). Raises KeyError or ValueError for what is no such vector."""
    metrics = dict(part.split(":", 1) for part in vector.strip().split("/")[1:])
    weight = {name: values[metrics[name]] for name, values in _WEIGHTS.items()}
    changed = metrics["S"] == "C"
    exploitability = (
        8.22 * math.prod(weight[name] for name in ("AV", "AC", "UI")) * _PRIVILEGES[metrics["S"]][metrics["PR"]]
    )
    base = 1 - math.prod(1 - weight[name] for name in ("C", "I", "A"))
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if changed else 6.42 * base
    if impact <= 0:
        return 0.0
    total = (1.08 if changed else 1.0) * (impact + exploitability)
    return math.ceil(round(min(total, 10.0) * 10, 4)) / 10
