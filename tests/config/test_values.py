from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.config import values
from tests.config.strategies import DURATIONS, MOMENTS, RATIOS, SIZES

Parse = Callable[[str], float]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.parse_size, "1 GiB", 1 << 30),
        (values.parse_size, "1GiB", 1 << 30),
        (values.parse_size, "500 MB", 500_000_000),
        (values.parse_size, "1.5 kB", 1500),
        (values.parse_size, "0 B", 0),
        (values.parse_size, "4096", 4096),
        (values.parse_size, "9223372036854775807 B", 2**63 - 1),
        (values.parse_rate, "20 MB/s", 20_000_000),
        (values.parse_duration, "90s", 90),
        (values.parse_duration, "2 h", 7200),
        (values.parse_duration, "7d", 604_800),
        (values.parse_duration, "1.5m", 90),
        (values.parse_duration, "250ms", 0.25),
        (values.parse_duration, "0s", 0),
        (values.parse_ratio, "0.1%", 0.001),
        (values.parse_ratio, "100 %", 1),
    ],
)
def test_text_is_read(parse: Parse, text: str, value: float) -> None:
    """Sizes are bytes, rates bytes per second, durations seconds and percentages shares."""
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "reason"),
    [
        (values.parse_size, "", "it has to be a number and a unit"),
        (values.parse_size, "GiB", "it has to be a number and a unit"),
        (values.parse_size, "-1 B", "it has to be a number and a unit"),
        (values.parse_size, "1  GiB", "it has to be a number and a unit"),
        (values.parse_size, "1 GiB\n", "it has to be a number and a unit"),
        (values.parse_size, "1_000 B", "it has to be a number and a unit"),
        (values.parse_size, "1e3 B", "it has to be a number and a unit"),
        (values.parse_size, "\u0661 GiB", "it has to be a number and a unit"),
        (values.parse_size, "1 GIB", 'no unit is called "GIB"; did you mean "GiB"?'),
        (values.parse_size, "1 Mb", 'no unit is called "Mb"; did you mean "MB"?'),
        (values.parse_size, "0.3 B", "that is not a whole number of bytes"),
        (values.parse_size, "9223372036854775808 B", "that is more than any disk holds"),
        (values.parse_rate, "20 MB", 'a rate ends in "/s"'),
        (values.parse_rate, "20 Mb/s", 'no unit is called "Mb"; did you mean "MB"?'),
        (values.parse_duration, "90", "the unit is missing (ms, s, m, h, d, w)"),
        (values.parse_duration, "2 hours", 'no unit is called "hours"; there are ms, s, m, h, d, w'),
        (values.parse_duration, "0.0001s", "that is finer than a millisecond"),
        (values.parse_duration, "99999w", "that is more than a thousand years"),
        (values.parse_ratio, "0.1", "the unit is missing (%)"),
        (values.parse_ratio, "101%", "that is more than 100%"),
    ],
)
def test_bad_text_is_refused_with_its_reason(parse: Parse, text: str, reason: str) -> None:
    """Whatever is not exactly of the form is refused, and the reason says what would be right."""
    with pytest.raises(ValueError) as raised:  # the whole text is compared below
        parse(text)
    assert str(raised.value) == reason


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1 << 30, "1 GiB"), (500_000_000, "500 MB"), (1_024_000, "1000 KiB"), (1023, "1023 B")],
)
def test_the_largest_exact_unit_is_written(size: int, text: str) -> None:
    """A size is written as briefly as is exact."""
    assert values.format_size(size) == text


@given(SIZES)
def test_sizes_and_rates_round_trip(size: int) -> None:
    """What is written for a size or a rate reads as the same."""
    assert values.parse_size(values.format_size(size)) == size
    assert values.parse_rate(values.format_rate(size)) == size


@given(DURATIONS)
def test_durations_round_trip(seconds: float) -> None:
    """What is written for a duration reads as the same."""
    assert values.parse_duration(values.format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-11-01", datetime(2025, 11, 1, tzinfo=UTC)),
        ("2025-11-01T12:00:00Z", datetime(2025, 11, 1, 12, tzinfo=UTC)),
        ("2025-11-01 12:00Z", datetime(2025, 11, 1, 12, tzinfo=UTC)),
        ("2025-11-01T12:00:00.5+02:00", datetime(2025, 11, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("90d", timedelta(days=90)),
        ("2 w", timedelta(days=14)),
    ],
)
def test_a_moment_is_a_time_or_how_long_ago(text: str, moment: datetime | timedelta) -> None:
    """A day is its first moment in UTC, an offset is counted in, a duration is a span before now."""
    assert values.parse_moment(text) == moment


@given(MOMENTS)
def test_moments_round_trip(moment: datetime | timedelta) -> None:
    """What is written for a moment reads as the same."""
    assert values.parse_moment(values.format_moment(moment)) == moment


@given(st.text("0123456789-:TZ+. dw", max_size=26))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    """No text makes the parser fail in another way than by ValueError."""
    with contextlib.suppress(ValueError):
        values.parse_moment(text)


@given(RATIOS)
def test_ratios_round_trip(share: float) -> None:
    """What is written for a share reads as the same."""
    assert values.parse_ratio(values.format_ratio(share)) == share


@given(st.sampled_from([values.parse_size, values.parse_rate, values.parse_duration, values.parse_ratio]), st.text())
def test_any_text_is_read_or_refused(parse: Parse, text: str) -> None:
    """No text makes a parser fail in another way than by ValueError."""
    with contextlib.suppress(ValueError):
        assert parse(text) >= 0
