"""Every section, option and plugin that a version of PyPA bandersnatch documents, and what an unknown one may mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from bandersnatch.config.pypa.ini import Ini
from bandersnatch.errors import Problem

RENAMED = {"whitelist": "allowlist", "blacklist": "blocklist"}
"""The sections' names up to 4.x, by what they are called since."""

_LISTS: Mapping[str, tuple[str, ...]] = {
    "allowlist": ("packages", "requirements", "requirements_path"),
    "blocklist": ("packages", "platforms"),
}
METADATA = (
    "regex_project_metadata",
    "regex_release_file_metadata",
    "version_range_release_file_metadata",
    "version_range_project_metadata",
)
"""Sections whose keys are paths into PyPI's JSON."""

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "mirror": (
        "directory", "api-method", "storage-backend", "storage-filesystem-manage-permissions", "master", "proxy",
        "download-mirror", "download-mirror-no-fallback", "allow-non-https", "json", "release-files", "core-metadata",
        "hash-index", "simple-format", "compare-method", "digest_name", "keep_index_versions", "keep-index-versions",
        "cleanup", "stop-on-error", "cleanup_todo", "delete_missing_packages", "delete-packages", "timeout",
        "global-timeout", "workers", "verifiers", "root_uri", "diff-file", "diff-append-epoch", "log-config",
    ),
    "plugins": ("enabled",),
    **_LISTS,
    "whitelist": _LISTS["allowlist"],
    "blacklist": (*_LISTS["blocklist"], "plugins"),
    "filter_prerelease": ("packages",),
    "filter_regex": ("packages", "releases"),
    "latest_release": ("keep", "sort_by"),
    "size_project_metadata": ("max_package_size",),
    "versions_count_project_metadata": ("min_versions", "max_versions"),
    **dict.fromkeys(METADATA, ()),
    "s3": (
        "region_name", "aws_access_key_id", "aws_secret_access_key", "endpoint_url", "signature_version",
        "verify_concurrency", "max_attempts",
    ),
    "swift": (),
    "statistics": ("access-log-pattern",),
}  # fmt: skip
"""The options of each section."""

_FREE = {*METADATA, "swift"}

PLUGINS = (
    "allowlist_project", "allowlist_release", "blocklist_project", "blocklist_release", "project_requirements",
    "project_requirements_pinned", "regex_project", "regex_release", "prerelease_release", "exclude_platform",
    "latest_release", "regex_project_metadata", "regex_release_file_metadata", "size_project_metadata",
    "versions_count_project_metadata", "version_range_release_file_metadata", "version_range_project_metadata",
)  # fmt: skip

FORMER_PLUGINS = {
    "whitelist_project": "allowlist_project",
    "whitelist_release": "allowlist_release",
    "blacklist_project": "blocklist_project",
    "blacklist_release": "blocklist_release",
}
"""The names of plugins up to 4.x, by what they are called since."""


def unknown(ini: Ini) -> Iterator[Problem]:
    """A problem for each section and option that no version has."""
    for section, line in ini.sections.items():
        if section not in SECTIONS:
            yield Problem(f"unknown section{did_you_mean(section, SECTIONS)}", ini.file, line, f"[{section}]")
        elif section in RENAMED and RENAMED[section] in ini.sections:
            message = f"this is the older name of [{RENAMED[section]}], which is there as well; put the two together"
            yield Problem(message, ini.file, line, f"[{section}]")
    for entry in ini.entries:
        options = SECTIONS.get(entry.section)
        if options is None or entry.section in _FREE or entry.key in options:
            continue
        if entry.section == "s3" and entry.key.startswith("config_param_"):
            continue
        message = f"unknown option{did_you_mean(entry.key, options) or _elsewhere(entry.key)}"
        yield Problem(message, ini.file, entry.line, entry.name)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about the unknown *name*, empty if nothing is like it."""
    near = get_close_matches(name[:60].lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _elsewhere(key: str) -> str:
    homes = [section for section, options in SECTIONS.items() if key in options]
    return f"; it belongs under [{homes[0]}]" if homes else ""
