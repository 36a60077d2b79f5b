"""Valid values of every option, as they stand in the file, for property tests."""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import UTC, timedelta

from hypothesis import strategies as st

from bandersnatch.config import values
from bandersnatch.config.option import Kind, Option, Written
from bandersnatch.config.options import OPTIONS

SIZES = st.integers(0, values.MAX_BYTES)
DURATIONS = st.integers(0, 10**12).map(lambda milliseconds: milliseconds / 1000)
DATES = st.datetimes(timezones=st.just(UTC))
MOMENTS = st.one_of(DATES, DURATIONS.map(lambda seconds: timedelta(seconds=seconds)))
RATIOS = st.integers(0, 100 * 10**6).map(lambda millionths: values.parse_ratio(f"{millionths / 10**6:.6f}%"))

_WORDS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=10)
_TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
_HOSTS = _WORDS.map(lambda word: f"{word}.example.org")
_VERSIONS = st.tuples(st.sampled_from(["==", ">=", "<", "~="]), st.integers(1, 99)).map(
    lambda pair: f"{pair[0]}{pair[1]}.0"
)

_PROJECTS = st.one_of(_WORDS, _WORDS.map(lambda word: f"{word}-*"), _WORDS.map(lambda word: f"/{word}-(a|b)+/"))
_PINS = st.tuples(_WORDS, st.integers(1, 99)).map(lambda pair: f"{pair[0]}=={pair[1]}.0")
_ADVISORIES = st.integers(1, 9999).map(lambda number: f"PYSEC-2024-{number}")

_OF_KIND: dict[Kind, st.SearchStrategy[Written]] = {
    Kind.TEXT: _TEXTS,
    Kind.SWITCH: st.booleans(),
    Kind.SIZE: st.one_of(SIZES, SIZES.map(values.format_size)),
    Kind.RATIO: RATIOS.map(values.format_ratio),
    Kind.PATH: st.lists(_TEXTS, min_size=1, max_size=3).map(lambda parts: "/x" + "/".join(parts)),
    Kind.KEY: _WORDS.map(lambda word: f"status/{word}.json"),
    Kind.ADDRESS: _HOSTS.map(lambda host: f"https://{host}/simple/"),
    Kind.HTTPS: _HOSTS.map(lambda host: f"https://{host}"),
    Kind.PROXY: _HOSTS.map(lambda host: f"http://user:{host}@{host}:3128"),
    Kind.HOST: st.tuples(_HOSTS, st.sampled_from(["", ":8443"])).map("".join),
    Kind.PROJECT: st.tuples(_PROJECTS, st.one_of(st.just(""), _VERSIONS)).map("".join),
    Kind.WHOLE_PROJECT: _PROJECTS,
    Kind.PIN: _PINS,
    Kind.ADVISORY: _ADVISORIES,
    Kind.ADVISORY_OR_VERSIONS: st.one_of(_ADVISORIES, _PINS),
    Kind.VERSION_PATTERN: _WORDS.map(lambda word: rf".*\.{word}\d+"),
    Kind.METADATA_PATTERN: st.one_of(_TEXTS.map(lambda text: f"{text}*"), _WORDS.map(lambda word: f"/{word}.+/")),
    Kind.FILENAME_PATTERN: st.one_of(_WORDS.map(lambda word: f"{word}-*"), _WORDS.map(lambda word: rf"/{word}-\d+/")),
    Kind.EXCLUDED_PLATFORM: st.sampled_from(["windows", "macos", "win32", "*_i686", "manylinux_2_28_x86_64"]),
    Kind.EXCLUDED_PYTHON: st.sampled_from(["2.7", "py2", "cp36", "pp*"]),
    Kind.PYTHON: st.integers(6, 20).map(lambda minor: f"3.{minor}"),
    Kind.FILE: st.tuples(_WORDS, st.sampled_from(["", "#group:test"])).map(lambda pair: f"/x/{pair[0]}.txt{pair[1]}"),
    Kind.MOMENT: MOMENTS.map(values.format_moment),
    Kind.DATE: DATES.map(values.format_moment),
    Kind.DEPENDENCY_VERSIONS: st.one_of(
        st.sampled_from(["locked", "ranges"]), st.integers(1, 99).map(lambda count: f"newest {count}")
    ),
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
        return _items(option)
    if option.table:
        return st.dictionaries(st.sampled_from(["classifier", "summary", "requires-dist"]), _items(option, at_least=1))
    return st.one_of(st.just(""), _one(option)) if option.default == "" else _one(option)


def _items(option: Option, at_least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    """Without two items that say the same."""
    return st.lists(_one(option).map(str), min_size=at_least, max_size=4, unique_by=str.casefold).map(tuple)


FILES = st.fixed_dictionaries({}, optional={option.name: written(option) for option in OPTIONS})
"""Some options, each with a value that is right alone; together they can contradict each other."""

ENVIRONMENTS: st.SearchStrategy[Mapping[str, object]] = st.fixed_dictionaries(
    {
        "python": st.lists(st.sampled_from(["3.9", "3.12.4", "3.13", "3.13t"]), min_size=1, unique=True),
        "platforms": st.lists(
            st.sampled_from(["win_amd64", "macosx_14_0_arm64", "manylinux_2_28_x86_64"]), min_size=1, unique=True
        ),
    },
    optional={"implementation": st.just("cpython")},
)
"""What an environment's table may hold."""

_PLAIN = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])), DATES, st.dates(), st.times(), st.datetimes(),
)  # fmt: skip
_KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
RULES = st.dictionaries(
    _KEYS,
    st.recursive(
        _PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=3))
    ),
)
"""What a rule's table may hold: anything that TOML can say."""

HOOKS = st.fixed_dictionaries(
    {
        "on": st.lists(st.sampled_from(["run", "behind", "recovered"]), min_size=1, max_size=3, unique=True),
        "command": st.lists(_TEXTS, min_size=1, max_size=3),
        "timeout": st.integers(1, 3600).map(lambda seconds: values.format_duration(float(seconds))),
        "list": st.sampled_from(["paths", "keys"]),
        "repeat": st.booleans(),
    }
)
"""Tables of hooks without secrets, as they are shown."""

NAMED_TABLES = st.fixed_dictionaries(
    {
        "environments": st.dictionaries(_WORDS, ENVIRONMENTS, max_size=2),
        "hooks": st.dictionaries(_WORDS, HOOKS, max_size=2),
        "rules": st.dictionaries(st.one_of(_WORDS, _KEYS), RULES, max_size=2),
    }
)
"""By section and name."""
