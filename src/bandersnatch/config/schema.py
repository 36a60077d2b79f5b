"""The configuration as the program uses it: frozen, typed, plain. Sizes are bytes, durations seconds, shares 0 to 1.

The fields are the table's keys, with ``_`` for ``-``; None is an optional value that is not set. Secrets stay out of
every ``repr``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bandersnatch.config.options import SECTIONS, of_section
from bandersnatch.config.read import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectOptions:
    """What to mirror."""

    projects: tuple[str, ...]
    everything: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorOptions:
    """Where the mirror lives and what a run may use."""

    directory: str
    upstream: str
    reserve: int
    grace: float
    workers: int
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOptions:
    """How the index is reached that is mirrored."""

    connections: int
    streams: int
    bandwidth: int | None
    timeout: float
    tries: int
    allow_http: bool
    changes: str
    changelog_url: str | None
    file_hosts: tuple[str, ...]
    download_mirrors: tuple[str, ...]
    proxy: str | None = field(repr=False)
    ca_file: str | None
    client_certificate: str | None
    username: str | None
    password: str | None = field(repr=False)
    token: str | None = field(repr=False)
    token_file: str | None
    user_agent_contact: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesOptions:
    """What is fetched beside the distribution files."""

    metadata: bool
    provenance: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishOptions:
    """What is written for the mirror's clients."""

    base_url: str | None
    html: bool
    legacy_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalOptions:
    """The brake on removals."""

    max_projects: int
    max_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What the program says while it works."""

    format: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be configured."""

    select: SelectOptions
    mirror: MirrorOptions
    upstream: UpstreamOptions
    files: FilesOptions
    publish: PublishOptions
    removal: RemovalOptions
    log: LogOptions

    @property
    def selects_nothing(self) -> bool:
        """Whether the operator has not said yet what to mirror."""
        return not self.select.everything and not self.select.projects


CLASSES: Mapping[str, Any] = {
    "select": SelectOptions,
    "mirror": MirrorOptions,
    "upstream": UpstreamOptions,
    "files": FilesOptions,
    "publish": PublishOptions,
    "removal": RemovalOptions,
    "log": LogOptions,
}


def build(values: Mapping[str, Value]) -> Config:
    """The configuration of *values*, which has every option's by its name, ``section.key``."""
    sections = {
        section: CLASSES[section](
            **{option.key.replace("-", "_"): values[option.name] for option in of_section(section)}
        )
        for section in SECTIONS
    }
    return Config(**sections)


def value_of(config: Config, name: str) -> Value:
    """The value of the option called *name*, ``section.key``."""
    section, key = name.split(".")
    value: Value = getattr(getattr(config, section), key.replace("-", "_"))
    return value
