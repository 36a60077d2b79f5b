"""The configuration as the program uses it: frozen, typed, plain. Sizes are bytes, durations seconds, shares 0 to 1.

The fields are the table's sections and keys, with ``_`` for ``-``; None is an optional value that is not set. A time
is in UTC; a timedelta in its place is how long before now. Secrets stay out of every ``repr``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bandersnatch.config.options import of_section
from bandersnatch.values import Struct

if TYPE_CHECKING:
    from bandersnatch.config.named import Table
    from bandersnatch.config.read import Value
    from bandersnatch.hooks.base import Hook
    from bandersnatch.selection.environments import Environment


class SelectOptions(Struct, frozen=True, kw_only=True):
    """What to mirror."""

    projects: tuple[str, ...]
    everything: bool
    from_files: tuple[str, ...]
    whole_from_files: tuple[str, ...]
    index_only: tuple[str, ...]
    dependencies: bool
    dependency_versions: str
    dependency_builds: bool


class ExcludeOptions(Struct, frozen=True, kw_only=True):
    """What not to mirror of it."""

    projects: tuple[str, ...]
    from_files: tuple[str, ...]


class ReleasesOptions(Struct, frozen=True, kw_only=True):
    """Which releases of a project are wanted."""

    prereleases: bool
    development: bool
    yanked: bool
    newest: int
    newest_by: str
    newest_counts_prereleases: bool
    at_least: int
    at_most: int
    count_exempt: tuple[str, ...]
    unwanted: tuple[str, ...]
    waive_for: str


class FilesOptions(Struct, frozen=True, kw_only=True):
    """Which files of a release are wanted, and what is fetched beside them."""

    types: tuple[str, ...]
    names: tuple[str, ...]
    exclude_names: tuple[str, ...]
    max_size: int | None
    max_project_size: int | None
    max_project_size_exempt: tuple[str, ...]
    uploaded_after: datetime | timedelta | None
    uploaded_before: datetime | timedelta | None
    python: tuple[str, ...]
    environments: tuple[str, ...]
    exclude_platforms: tuple[str, ...]
    exclude_pythons: tuple[str, ...]
    without_digest: str
    metadata: bool
    provenance: bool


class MetadataOptions(Struct, frozen=True, kw_only=True):
    """What the core metadata of a release has to say: patterns by field, the fields in lower case."""

    wanted: Mapping[str, tuple[str, ...]]
    all: Mapping[str, tuple[str, ...]]
    unwanted: Mapping[str, tuple[str, ...]]
    of: str
    missing: str


class CoolDownOptions(Struct, frozen=True, kw_only=True):
    """How long new files wait."""

    age: float
    clock: str
    not_after: datetime | None
    exempt: tuple[str, ...]
    break_glass: tuple[str, ...]


class AdvisoriesOptions(Struct, frozen=True, kw_only=True):
    """Which versions are blocked as malicious or vulnerable."""

    directory: str | None
    malicious: bool
    severity: str | None
    ids: tuple[str, ...]
    allow: tuple[str, ...]


class UsageOptions(Struct, frozen=True, kw_only=True):
    """Only what is used."""

    unused_for: float
    share: float | None
    share_over: float
    exempt: tuple[str, ...]


class RemovalOptions(Struct, frozen=True, kw_only=True):
    """What becomes of files that left upstream or the selection, and the brake on removals."""

    deleted: str
    quarantined: str
    yanked: str
    deselected: str
    hidden_for: float
    trash: float
    max_projects: int
    max_ratio: float
    max_files: int
    max_files_ratio: float

    @property
    def policies(self) -> tuple[str, ...]:
        """What becomes of files, whatever made them leave."""
        return (self.deleted, self.quarantined, self.yanked, self.deselected)


class MirrorOptions(Struct, frozen=True, kw_only=True):
    """Where the mirror lives and what a run may use."""

    directory: str
    upstream: str
    reserve: int
    grace: float
    workers: int
    wait: float
    diff_file: str | None
    diff_append_epoch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOptions:
    """How the index is reached that is mirrored."""

    connections: int
    streams: int
    bandwidth: int | None
    minimum_rate: int
    timeout: float
    tries: int
    allow_http: bool
    changes: str
    changelog_url: str | None
    file_hosts: tuple[str, ...]
    page_hosts: tuple[str, ...]
    download_mirrors: tuple[str, ...]
    proxy: str | None = field(repr=False)
    ca_file: str | None
    client_certificate: str | None
    username: str | None
    password: str | None = field(repr=False)
    token: str | None = field(repr=False)
    token_file: str | None
    user_agent_contact: str | None


class PublishOptions(Struct, frozen=True, kw_only=True):
    """What is written for the mirror's clients."""

    base_url: str | None
    html: bool
    legacy_json: str
    freshness_file: str | None


class StatisticsOptions(Struct, frozen=True, kw_only=True):
    """Download statistics."""

    logs: tuple[str, ...]
    format: str
    timezone: str
    keep: float
    bots: bool
    header: bool
    page: bool


class VerifyOptions(Struct, frozen=True, kw_only=True):
    """How much of the mirror is verified as time goes by."""

    files_per_day: int
    share_per_day: float
    bandwidth: int | None


class LogOptions(Struct, frozen=True, kw_only=True):
    """What the program says while it works."""

    format: str
    level: str
    file: str | None
    file_level: str


class Config(Struct, frozen=True, kw_only=True):
    """Everything that can be configured."""

    select: SelectOptions
    exclude: ExcludeOptions
    releases: ReleasesOptions
    files: FilesOptions
    environments: Mapping[str, Environment]
    metadata: MetadataOptions
    cool_down: CoolDownOptions
    advisories: AdvisoriesOptions
    usage: UsageOptions
    rules: Mapping[str, Table]
    removal: RemovalOptions
    mirror: MirrorOptions
    upstream: UpstreamOptions
    publish: PublishOptions
    statistics: StatisticsOptions
    hooks: Mapping[str, Hook]
    verify: VerifyOptions
    log: LogOptions

    @property
    def selects_nothing(self) -> bool:
        """Whether the operator has not said yet what to mirror."""
        select = self.select
        named = select.projects or select.from_files or select.whole_from_files or select.index_only
        return not (select.everything or named)


CLASSES: Mapping[str, Any] = {
    "select": SelectOptions,
    "exclude": ExcludeOptions,
    "releases": ReleasesOptions,
    "files": FilesOptions,
    "metadata": MetadataOptions,
    "cool-down": CoolDownOptions,
    "advisories": AdvisoriesOptions,
    "usage": UsageOptions,
    "removal": RemovalOptions,
    "mirror": MirrorOptions,
    "upstream": UpstreamOptions,
    "publish": PublishOptions,
    "statistics": StatisticsOptions,
    "verify": VerifyOptions,
    "log": LogOptions,
}


def field_name(written: str) -> str:
    """The field of a section or of a key."""
    return written.replace("-", "_")


def build(values: Mapping[str, Value], tables: Mapping[str, Mapping[str, Any]]) -> Config:
    """
    The configuration of *values*, which has every option's by its name, ``section.key``, and of named *tables*.

    *tables* has those of each section in ``options.NAMED``.
    """
    sections: dict[str, Any] = {
        field_name(section): cls(**{field_name(option.key): values[option.name] for option in of_section(section)})
        for section, cls in CLASSES.items()
    }
    return Config(**sections, environments=tables["environments"], rules=tables["rules"], hooks=tables["hooks"])


def value_of(config: Config, name: str) -> Value:
    """The value of the option called *name*, ``section.key``."""
    section, key = name.split(".")
    value: Value = getattr(getattr(config, field_name(section)), field_name(key))
    return value
