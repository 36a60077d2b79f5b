from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from bandersnatch.config import schema
from bandersnatch.config.find import VARIABLE
from bandersnatch.config.option import Kind, Option
from bandersnatch.config.options import BY_NAME, NAMED, OPTIONS, SECTIONS, of_section
from bandersnatch.config.read import read
from bandersnatch.config.template import comment

each = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)

TYPES = {
    Kind.SWITCH: bool,
    Kind.NUMBER: int,
    Kind.SIZE: int,
    Kind.RATE: int,
    Kind.DURATION: float,
    Kind.RATIO: float,
    Kind.MOMENT: datetime | timedelta,
    Kind.DATE: datetime,
}


@each
def test_an_option_is_documented_in_few_lines(option: Option) -> None:
    """The documentation of a key is a sentence or two, and no more than three lines of the file."""
    assert option.doc.endswith(".")
    assert comment(option.doc).count("\n") <= 3


@each
def test_default_and_example_are_valid(option: Option) -> None:
    """What the file and the reference page show can be used as it is, and the example changes something."""
    assert read(option, option.default)[1] == ()
    assert read(option, option.example)[1] == ()
    assert option.example != option.default


@each
def test_the_schema_has_the_option(option: Option) -> None:
    """The typed configuration has a field for each key, of the type that its kind is read as, secrets out of repr."""
    cls = schema.CLASSES[option.section]
    name = option.key.replace("-", "_")
    assert name in _fields(cls)
    hidden = (
        {field.name for field in dataclasses.fields(cls) if not field.repr} if dataclasses.is_dataclass(cls) else ()
    )
    assert (name in hidden) is option.secret
    expected: object = TYPES.get(option.kind, str)
    if option.many or option.table:
        expected = Mapping[str, tuple[str, ...]] if option.table else tuple[str, ...]
    if option.default == "":
        expected = typing.Optional[expected]  # noqa: UP045  # built from a value
    assert typing.get_type_hints(cls)[name] == expected


def _fields(cls: Any) -> list[str]:
    if dataclasses.is_dataclass(cls):
        return [field.name for field in dataclasses.fields(cls)]
    return list(cls.__struct_fields__)


def test_the_schema_has_nothing_else() -> None:
    """Sections and keys are those of the table, in its order."""
    assert _fields(schema.Config) == [schema.field_name(name) for name in SECTIONS]
    assert schema.CLASSES.keys() | NAMED.keys() == SECTIONS.keys()
    for section, cls in schema.CLASSES.items():
        keys = [name.replace("_", "-") for name in _fields(cls)]
        assert keys == [option.key for option in of_section(section)]


def test_names_are_unique() -> None:
    """No two options share a name or a variable, none has the variable that names the file, every section has some."""
    assert len(BY_NAME) == len(OPTIONS)
    assert len({option.variable for option in OPTIONS} | {VARIABLE}) == len(OPTIONS) + 1
    assert list(dict.fromkeys(option.section for option in OPTIONS)) == [one for one in SECTIONS if one not in NAMED]


def test_what_leaves_nothing_to_chance_is_the_default() -> None:
    """Without a word of the operator's, the mirror follows upstream, brakes, keeps a trash, and blocks malware."""
    removal = {option.key: option.default for option in of_section("removal")}
    assert removal == {
        "deleted": "follow", "quarantined": "follow", "yanked": "follow", "deselected": "follow", "hidden-for": "90d",
        "trash": "7d", "max-projects": 500, "max-ratio": "0.1%", "max-files": 10_000, "max-files-ratio": "1%",
    }  # fmt: skip
    assert (BY_NAME["cool-down.age"].default, BY_NAME["cool-down.clock"].default) == ("0s", "upload")
    assert (BY_NAME["advisories.malicious"].default, BY_NAME["advisories.severity"].default) == (True, "")


def test_the_contract_stands() -> None:
    """The names and defaults that other parts and users rely on do not change by accident."""
    assert {"mirror.directory", "mirror.upstream", "select.projects", "select.everything"} <= BY_NAME.keys()
    assert {option.name for option in OPTIONS if option.secret} == {
        "upstream.proxy", "upstream.password", "upstream.token",
    }  # fmt: skip
    assert BY_NAME["upstream.user-agent-contact"].variable == "BANDERSNATCH_UPSTREAM_USER_AGENT_CONTACT"
