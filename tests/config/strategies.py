"""Valid values of every option, as they stand in the file, for property tests."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from bandersnatch.config import values
from bandersnatch.config.option import Kind, Option, Written
from bandersnatch.config.options import OPTIONS

SIZES = st.integers(0, values.MAX_BYTES)
DURATIONS = st.integers(0, 10**12).map(lambda milliseconds: milliseconds / 1000)
RATIOS = st.integers(0, 100 * 10**6).map(lambda millionths: values.parse_ratio(f"{millionths / 10**6:.6f}%"))

_WORDS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=10)
_TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
_HOSTS = _WORDS.map(lambda word: f"{word}.example.org")
_VERSIONS = st.tuples(st.sampled_from(["==", ">=", "<", "~="]), st.integers(1, 99)).map(
    lambda pair: f"{pair[0]}{pair[1]}.0"
)

_OF_KIND: dict[Kind, st.SearchStrategy[Written]] = {
    Kind.TEXT: _TEXTS,
    Kind.SWITCH: st.booleans(),
    Kind.SIZE: st.one_of(SIZES, SIZES.map(values.format_size)),
    Kind.RATIO: RATIOS.map(values.format_ratio),
    Kind.PATH: st.lists(_TEXTS, min_size=1, max_size=3).map(lambda parts: "/x" + "/".join(parts)),
    Kind.ADDRESS: _HOSTS.map(lambda host: f"https://{host}/simple/"),
    Kind.HTTPS: _HOSTS.map(lambda host: f"https://{host}"),
    Kind.PROXY: _HOSTS.map(lambda host: f"http://user:{host}@{host}:3128"),
    Kind.HOST: st.tuples(_HOSTS, st.sampled_from(["", ":8443"])).map("".join),
    Kind.REQUIREMENT: st.tuples(_WORDS, st.one_of(st.just(""), _VERSIONS)).map("".join),
}


def _one(option: Option) -> st.SearchStrategy[Written]:
    low, high = option.minimum or 0, option.maximum
    if option.choices:
        return st.sampled_from(option.choices)
    match option.kind:
        case Kind.NUMBER:
            return st.integers(low, high)
        case Kind.RATE:
            return st.integers(low, values.MAX_BYTES).map(values.format_rate)
        case Kind.DURATION:
            seconds = DURATIONS if high is None else st.integers(low, high).map(float)
            return seconds.map(values.format_duration)
        case kind:
            return _OF_KIND[kind]


def written(option: Option) -> st.SearchStrategy[Written]:
    """Values that *option* takes."""
    if option.many:
        items = st.lists(_one(option).map(str), max_size=4, unique_by=_name_of)
        return items.map(tuple)
    return st.one_of(st.just(""), _one(option)) if option.default == "" else _one(option)


def _name_of(item: str) -> str:
    """A project that is named twice could be refused."""
    return item.rstrip("=<>~.0123456789")


FILES = st.fixed_dictionaries({}, optional={option.name: written(option) for option in OPTIONS})
"""Some options, each with a value that is right alone; together they can contradict each other."""
