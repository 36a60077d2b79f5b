"""Regular expressions that are tried at the beginning of a text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.config.pypa.patterns import anchored, anywhere, whole

PATTERNS = [
    "a",
    "a$",
    "^a",
    r"a\$",
    ".*",
    r"a\.*",
    "a|b$",
    "^a|b",
    "(?i)A|b",
    "(?i)^A$",
    r"(a)\1",
    "[|]",
    "a.*",
    r"\$$",
    "",
    "^$",
]
TEXTS = st.text("abA$|.*-", max_size=5)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=TEXTS)
def test_the_same_texts_match(pattern: str, text: str) -> None:
    """Said for whole texts or for a search, an expression matches what it matched at the beginning."""
    expected = re.match(pattern, text) is not None
    assert (re.fullmatch(whole(pattern), text) is not None) == expected
    assert (re.search(anchored(pattern), text) is not None) == expected
    assert (re.search(anywhere(pattern), text) is not None) == (re.search(pattern, text) is not None)


@pytest.mark.parametrize("pattern", ["(", "a**", "(?x) a # b"])
def test_what_is_no_expression_is_refused(pattern: str) -> None:
    """What cannot be compiled, or cannot be put into another expression, is a ValueError."""
    for convert in (whole, anchored, anywhere):
        with pytest.raises(ValueError, match="regular expression"):
            convert(pattern)
