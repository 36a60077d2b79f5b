"""What there is to say about one key of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from bandersnatch.config import values
from bandersnatch.values import Struct

Written: TypeAlias = str | int | bool | tuple[str, ...] | Mapping[str, tuple[str, ...]]
"""A value as the file has it."""


PREFIX = "BANDERSNATCH_"
"""What the names of our environment variables begin with."""


class Kind(Enum):
    """What a value has to be; the words complete the sentence "this key wants …"."""

    TEXT = "text"
    SWITCH = "true or false"
    NUMBER = "a whole number"
    SIZE = 'a size such as "1 GiB"'
    DURATION = 'a duration such as "90s"'
    RATE = 'a rate such as "20 MB/s"'
    RATIO = 'a percentage such as "0.1%"'
    PATH = "an absolute path"
    KEY = 'a path below web/ such as "freshness.json"'
    ADDRESS = 'an address such as "https://index.example.org/"'
    HTTPS = 'an address such as "https://pypi.example.org/", with https'
    PROXY = 'an address such as "http://proxy.example.org:3128"'
    HOST = 'a host such as "files.example.org"'
    PROJECT = 'a project, a requirement such as "django>=5.2", a glob such as "apache-*", or a "/regular expression/"'
    WHOLE_PROJECT = 'a project, a glob such as "apache-*", or a "/regular expression/", without versions'
    PIN = 'one version of a project, such as "django==5.2.8"'
    ADVISORY = 'the id of an advisory, such as "PYSEC-2024-48"'
    ADVISORY_OR_VERSIONS = 'the id of an advisory, or versions of a project, such as "django==5.2.8"'
    VERSION_PATTERN = "a regular expression"
    METADATA_PATTERN = 'a text, "*" and "?" allowed in it, or a "/regular expression/"'
    FILENAME_PATTERN = 'a glob such as "*.whl", or a "/regular expression/"'
    EXCLUDED_PLATFORM = 'a system such as "windows", a platform tag such as "win32", or a glob such as "*_i686"'
    EXCLUDED_PYTHON = 'a version of Python such as "2.7", or a tag such as "cp27" or "pp*"'
    PYTHON = 'a version of Python such as "3.13"'
    FILE = "the path of a file"
    MOMENT = 'a time such as "2025-11-01" or "2025-11-01T12:00:00Z", or how long ago, such as "90d"'
    DATE = 'a time such as "2025-11-01" or "2025-11-01T12:00:00Z"'
    DEPENDENCY_VERSIONS = '"locked", "ranges", or how many, such as "newest 3"'


_FORMATS = {Kind.SIZE: values.format_size, Kind.RATE: values.format_rate}


class Option(Struct, frozen=True):
    """
    One key. What it holds follows from the default: "" makes it optional (None in the program), a tuple makes it a
    list, a mapping makes it a table of lists.
    """

    section: str
    key: str
    kind: Kind
    default: Written
    doc: str
    """Three lines of the file at most, with units, and with what an empty value means."""
    example: Written
    secret: bool = False
    """Never shown, by nothing."""
    minimum: int | None = None
    """Of the value in the program's units: bytes, seconds."""
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    switch: tuple[str, str] | None = None
    """The choices that true and false stand for."""

    @property
    def name(self) -> str:
        """``section.key``: how messages, origins and overrides name it."""
        return f"{self.section}.{self.key}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"{PREFIX}{self.section}_{self.key}".upper().replace("-", "_")

    @property
    def many(self) -> bool:
        """Whether the value is a list, each item of the kind."""
        return isinstance(self.default, tuple)

    @property
    def table(self) -> bool:
        """Whether the value is a table of lists, each item of the kind, by the names of core metadata's fields."""
        return isinstance(self.default, Mapping)

    @property
    def wanted(self) -> str:
        """What one value has to be, in words."""
        if self.choices:
            choices = "one of " + ", ".join(f'"{choice}"' for choice in self.choices)
            return choices + (f'; true is "{self.switch[0]}", false is "{self.switch[1]}"' if self.switch else "")
        match self.minimum, self.maximum:
            case None, None:
                return self.kind.value
            case low, None:
                return f"{self.kind.value}, at least {self._bound(low)}"
            case low, high:
                return f"{self.kind.value}, from {self._bound(low)} to {self._bound(high)}"

    def _bound(self, bound: int | None) -> str:
        bound = bound or 0
        if self.kind is Kind.DURATION:
            return f'"{values.format_duration(bound)}"'
        return f'"{_FORMATS[self.kind](bound)}"' if self.kind in _FORMATS else str(bound)
