"""What an upstream of the bench looks like, drawn from a seed: names, serials, numbers and sizes of files.

The distributions are stand-ins, chosen so that their means meet what PyPI is as a whole (about 930,000 projects, more
than 10 million files, tens of terabytes, 48 bytes for each line of the list) and so that their tails are as heavy:

========================  ==========================================================================================
names                     8 to 20 letters, 13 in the mean; most have a separator, nearly half are not normalised
serials                   uniform from 1 to 30 million
files of a project        log-normal, median 4, sigma 1.5 (mean 12, one in a thousand above 400), at most 5,000
bytes of a file           log-normal, median 20 kB, sigma 3.1 (mean 2.4 MB), at least 1 kB, at most 1 GB
bytes of a page           follow: about 450 for each file
========================  ==========================================================================================

Every draw is a function of the seed and of the project's number alone, so a tree of a thousand projects is the
beginning of one of a million, and no names are kept to see that they differ.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from random import Random

from bandersnatch.names import normalise

_CONSONANTS, _VOWELS = "bdfgklmnprstvwxz", "aeiou"
_SYLLABLES = [first + second for first in _CONSONANTS for second in _VOWELS]
_WORDS = len(_SYLLABLES) ** 2
"""Words of two syllables, four letters each: the last eight letters of a name say which pair of words it is."""

_PREFIXES = ("", "", "", "py", "lib", "django-", "python-", "mkdocs-", "pytest-", "airflow-", "types-", "odoo-addon-")
_SEPARATORS = ("", "", "-", "_", ".")
_STEP = 27_644_437
"""A prime, so that steps of this length reach every pair of words before they come back."""

NEWEST = 30_000_000
"""The newest serial of the upstream."""

MAX_FILES = 5_000
MAX_BYTES = 1_000_000_000
MIN_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """One project, before it has files."""

    number: int
    display: str
    """The name as its author spells it."""
    serial: int

    @property
    def name(self) -> str:
        """Normalised (PEP 503)."""
        return normalise(self.display)


def project(seed: int, number: int) -> Drawn:
    """The project of that *number*, below about 40 million: each has another name."""
    bits = int.from_bytes(_digest(seed, number, "name"))
    words = [_word(pair) for pair in divmod((seed * 7919 + number * _STEP) % (_WORDS * _WORDS), _WORDS)]
    if bits % 10 == 0:
        words = [word.title() for word in words]
    separator = _SEPARATORS[bits // 10 % len(_SEPARATORS)]
    prefix = _PREFIXES[bits // 100 % len(_PREFIXES)]
    return Drawn(number, prefix + separator.join(words), 1 + bits // 10_000 % NEWEST)


def file_count(seed: int, number: int) -> int:
    """How many files a project has."""
    return max(1, min(MAX_FILES, round(_dice(seed, number, "files").lognormvariate(math.log(4), 1.5))))


def file_size(seed: int, number: int, index: int) -> int:
    """How many bytes a project's file of that *index* has, about."""
    drawn = _dice(seed, number, f"size {index}").lognormvariate(math.log(20_000), 3.1)
    return max(MIN_BYTES, min(MAX_BYTES, round(drawn)))


def _word(number: int) -> str:
    first, second = divmod(number, len(_SYLLABLES))
    return _SYLLABLES[first] + _SYLLABLES[second]


def _dice(seed: int, number: int, about: str) -> Random:
    return Random(_digest(seed, number, about))


def _digest(seed: int, number: int, about: str) -> bytes:
    # Not hash(): it differs from process to process.
    return hashlib.blake2b(f"{seed} {number} {about}".encode(), digest_size=8).digest()
