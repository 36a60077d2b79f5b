"""
The examples that PyPA bandersnatch's documentation gives of its filters, each with what has to come of it.

The files say what the examples say, with projects of their own. ``{folder}`` stands for the folder of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bandersnatch.config.option import Written

GIB = 2**30
EVERYTHING: Mapping[str, Written] = {"select.everything": True}


@dataclass(frozen=True)
class Case:
    """One example."""

    ini: str
    values: Mapping[str, Written]
    """All that is set, besides the directory."""
    kept: str
    """The names of files that are selected; the project is told by the name."""
    dropped: str = ""
    """Those that are not."""
    linked: str = ""
    """Those that pages link at upstream."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Bytes, by the name of a file; others have one."""
    days: Mapping[str, float] = field(default_factory=dict)
    """Age of upload, by the name of a file."""
    python: Mapping[str, str] = field(default_factory=dict)
    """requires-python, by the name of a file."""
    metadata: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Core metadata, by the name of a file."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The files beside the configuration."""


CASES = {
    "nothing is filtered": Case("", EVERYTHING, "any-1.0.tar.gz any-2.0a1.tar.gz"),
    "all plugins, and a blocklist": Case(
        """
        [plugins]
        enabled = all
        [blocklist]
        packages =
            bad
            Worse.Still
        """,
        {
            **EVERYTHING,
            "exclude.projects": ("bad", "Worse.Still"),
            "releases.prereleases": False,
        },
        "good-1.0.tar.gz",
        dropped="bad-1.0.tar.gz worse_still-1.0.tar.gz good-2.0b1.tar.gz good-2.0.dev1.tar.gz",
    ),
    "allowlist and blocklist, both with versions": Case(
        """
        [plugins]
        enabled =
            blocklist_project
            blocklist_release
            allowlist_project
            allowlist_release
        [blocklist]
        packages =
            first
            second>=1.4.2,<1.9,!=1.5.*,!=1.6.*
        [allowlist]
        packages =
            black==18.5
            ptr
            second  # the good ones
        """,
        {
            "select.projects": ("black==18.5", "ptr", "second"),
            "exclude.projects": ("first", "second!=1.5.*,!=1.6.*,<1.9,>=1.4.2"),
        },
        "black-18.5.tar.gz ptr-1.0.tar.gz ptr-2.0rc1.tar.gz second-1.4.1.tar.gz second-1.5.1.tar.gz second-1.9.tar.gz",
        dropped="black-18.4.tar.gz first-1.0.tar.gz second-1.4.2.tar.gz second-1.7.tar.gz other-1.0.tar.gz",
    ),
    "allowlist of projects alone": Case(
        """
        [plugins]
        enabled =
            allowlist_project
        [allowlist]
        packages =
            black==18.5
        """,
        {"select.projects": ("black",)},
        "black-18.5.tar.gz black-18.4.tar.gz",
        dropped="other-1.0.tar.gz",
    ),
    "requirement files with versions": Case(
        """
        [plugins]
        enabled =
            project_requirements
            project_requirements_pinned
        [allowlist]
        requirements_path = {folder}
        requirements =
            requirements.txt
        """,
        {"select.from-files": ("{folder}/requirements.txt",)},
        "pinned-1.0.tar.gz whole-1.0.tar.gz whole-2.0a1.tar.gz",
        dropped="pinned-1.1.tar.gz other-1.0.tar.gz",
        files={"requirements.txt": "# ours\npinned==1.0  # for now\nwhole\n"},
    ),
    "requirement files by a glob": Case(
        """
        [plugins]
        enabled =
            project_requirements
        [allowlist]
        requirements_path = {folder}
        requirements =
            requirements-*.txt
        """,
        {"select.whole-from-files": ("{folder}/requirements-*.txt",)},
        "one-1.0.tar.gz two-1.0.tar.gz two-2.0a1.tar.gz",
        dropped="three-1.0.tar.gz",
        files={"requirements-1.txt": "one\n", "requirements-2.txt": "two==1.0\n", "requirements.txt": "three\n"},
    ),
    "requirement files without their versions": Case(
        """
        [plugins]
        enabled =
            project_requirements
            latest_release
        [allowlist]
        requirements_path = {folder}
        requirements = requirements.txt
        [latest_release]
        keep = 1
        """,
        {
            "select.whole-from-files": ("{folder}/requirements.txt",),
            "releases.newest": 1,
            "releases.newest-counts-prereleases": True,
        },
        "pinned-1.1.tar.gz whole-2.0.tar.gz",
        dropped="pinned-1.0.tar.gz whole-1.0.tar.gz other-1.0.tar.gz",
        files={"requirements.txt": "pinned==1.0\nwhole\n"},
    ),
    "pinned versions beside the newest ones": Case(
        """
        [plugins]
        enabled =
            project_requirements
            project_requirements_pinned
            latest_release
        [allowlist]
        requirements_path = {folder}
        requirements = requirements.txt
        [latest_release]
        keep = 1
        """,
        {
            "select.from-files": ("{folder}/requirements.txt",),
            "releases.newest": 1,
            "releases.newest-counts-prereleases": True,
            "releases.waive-for": "ranges",
        },
        "pinned-1.0.tar.gz whole-2.0.tar.gz range-2.0.tar.gz range-3.0.tar.gz",
        dropped="pinned-1.1.tar.gz whole-1.0.tar.gz range-1.0.tar.gz",
        files={"requirements.txt": "pinned==1.0\nwhole\nrange>=2\n"},
    ),
    "no other filter of releases for pinned versions": Case(
        """
        [plugins]
        enabled =
            project_requirements
            project_requirements_pinned
            prerelease_release
            regex_release
            exclude_platform
        [allowlist]
        requirements_path = {folder}
        requirements = requirements.txt
        [filter_regex]
        releases = .+\\.post\\d$
        [blocklist]
        platforms = windows
        """,
        {
            "select.from-files": ("{folder}/requirements.txt",),
            "releases.prereleases": False,
            "releases.unwanted": (".+\\.post\\d",),
            "releases.waive-for": "ranges",
            "files.exclude-platforms": ("windows",),
        },
        "pinned-1.0rc1.tar.gz range-1.0.post1.tar.gz range-1.1a1.tar.gz whole-1.0.tar.gz",
        dropped="pinned-1.0.tar.gz range-0.9.tar.gz whole-1.0.post1.tar.gz whole-1.1a1.tar.gz "
        "pinned-1.0rc1-cp312-cp312-win_amd64.whl",
        files={"requirements.txt": "pinned==1.0rc1\nrange>=1\nwhole\n"},
    ),
    "projects by a field": Case(
        """
        [plugins]
        enabled =
            regex_project_metadata
        [regex_project_metadata]
        not-null:info.classifiers =
            .*Programming Language :: Python :: 2.*
        """,
        {
            **EVERYTHING,
            "metadata.wanted": {"classifier": (r"/\A.*Programming Language :: Python :: 2.*/",)},
            "metadata.missing": "drop",
        },
        "old-1.0.tar.gz old-2.0.tar.gz",
        dropped="new-1.0.tar.gz new-2.0.tar.gz mute-1.0.tar.gz",
        metadata={
            "old-1.0.tar.gz": {"classifier": ("Programming Language :: Python :: 3",)},
            "old-2.0.tar.gz": {"classifier": ("Typing :: Typed", "Programming Language :: Python :: 2.7")},
            "new-1.0.tar.gz": {"classifier": ("Programming Language :: Python :: 2.7",)},
            "new-2.0.tar.gz": {"classifier": ("Programming Language :: Python :: 3",)},
            "mute-1.0.tar.gz": {"summary": ("says little",)},
        },
    ),
    "every pattern, and none": Case(
        """
        [plugins]
        enabled =
            regex_project_metadata
        [regex_project_metadata]
        all:info.classifiers =
            Framework :: Django
            Typing
        none:info.license =
            GPL|AGPL
        """,
        {
            **EVERYTHING,
            "metadata.all": {"classifier": (r"/\AFramework :: Django/", r"/\ATyping/")},
            "metadata.unwanted": {"license": (r"/\A(?:GPL|AGPL)/",)},
        },
        "both-1.0.tar.gz mute-1.0.tar.gz",
        dropped="one-1.0.tar.gz agpl-1.0.tar.gz",
        metadata={
            "both-1.0.tar.gz": {"classifier": ("Typing :: Typed", "Framework :: Django :: 5.2"), "license": ("LGPL",)},
            "one-1.0.tar.gz": {"classifier": ("Typing :: Typed", "Framework :: Flask")},
            "agpl-1.0.tar.gz": {"license": ("AGPL 3",)},
        },
    ),
    "files by their type": Case(
        """
        [plugins]
        enabled =
            regex_release_file_metadata
        [regex_release_file_metadata]
        any:release_file.packagetype =
            sdist
            bdist_wheel
        """,
        {**EVERYTHING, "files.types": ("wheel", "sdist")},
        "any-1.0.tar.gz any-1.0-py3-none-any.whl",
        dropped="any-1.0-py2.7.egg any-1.0.win32-py2.7.exe",
    ),
    "files by their name and release": Case(
        """
        [plugins]
        enabled =
            regex_release_file_metadata
        [regex_release_file_metadata]
        search = true
        none:release_file.filename =
            -win32
            \\.exe$
        any:release =
            ^[12]\\.
        """,
        {
            **EVERYTHING,
            "files.exclude-names": ("/.*(?:-win32).*/", "/.*(?:\\.exe$).*/"),
            "releases.unwanted": ("(?!(?:.*(?:^[12]\\.).*)$).*",),
        },
        "any-1.0.tar.gz any-2.0-py3-none-any.whl",
        dropped="any-1.0-py3-none-win32.whl any-1.0.win-amd64.exe any-3.0.tar.gz any-0.1.tar.gz",
    ),
    "no pre-releases": Case(
        """
        [plugins]
        enabled =
            prerelease_release
        """,
        {**EVERYTHING, "releases.prereleases": False},
        "any-1.0.tar.gz any-1.0.post1.tar.gz",
        dropped="any-1.1a1.tar.gz any-1.1rc1.tar.gz any-1.1.dev3.tar.gz any-1.1.dev.tar.gz any-1.1c1.tar.gz",
    ),
    "no pre-releases of one project": Case(
        """
        [plugins]
        enabled =
            prerelease_release
        [filter_prerelease]
        packages =
            Duck_DB
        """,
        {**EVERYTHING},
        "duck_db-1.0.tar.gz duck_db-1.0-cp39-cp39-win_amd64.whl duck_db-1.0-1-py2.py3-none-any.whl "
        "duck_db-1.0.post1.tar.gz duck_db-1.0+cu118-cp311-abi3-linux_x86_64.whl duck_db-1.0.macosx-10.9-x86_64.tar.gz "
        "duck_db_extra-1.0a1.tar.gz any-1.0a1.tar.gz duck_db-2024.1-cp310-none-any.whl duck_db-1.0.zip",
        dropped="duck_db-1.1.dev12-cp39-cp39-win_amd64.whl Duck.DB-1.1-rc.1.tar.gz duck_db-1.1a1.tar.gz "
        "duck_db-1.0.post1.dev2.tar.gz duck_db-1.1b2+local-py3-none-any.whl duck_db-1.1a1.dev4.tar.gz "
        "duck_db-1.1.dev.tar.gz duck_db-1.1c1-py3-none-any.whl",
    ),
    "projects by expression": Case(
        """
        [plugins]
        enabled =
            regex_project
            regex_release
        [filter_regex]
        packages =
            .+-evil$
            bad|worse
        releases =
            .+alpha\\d$
        """,
        {
            **EVERYTHING,
            "exclude.projects": ("/.+-evil/", "/(?:bad|worse).*/"),
            "releases.unwanted": (".+alpha\\d",),
        },
        "good-1.0.tar.gz very_evil_no-1.0.tar.gz not_bad-1.0.tar.gz good-1.0a1.tar.gz",
        dropped="very_evil-1.0.tar.gz bad_one-1.0.tar.gz worse-1.0.tar.gz good-1.0alpha2.tar.gz",
    ),
    "platforms and Pythons": Case(
        """
        [plugins]
        enabled =
            exclude_platform
        [blocklist]
        platforms =
            windows
            py2.6
            py2.7
        """,
        {**EVERYTHING, "files.exclude-platforms": ("windows",), "files.exclude-pythons": ("2.6", "2.7")},
        "any-1.0.tar.gz any-1.0-py2.py3-none-any.whl any-1.0-cp312-cp312-manylinux1_x86_64.whl "
        "any-1.0-cp312-cp312-macosx_11_0_arm64.whl",
        dropped="any-1.0-cp312-cp312-win_amd64.whl any-1.0-cp312-cp312-win32.whl any-1.0.win32-py3.8.exe "
        "any-1.0-cp27-cp27mu-manylinux1_x86_64.whl any-1.0-py2.6.egg any-1.0.msi",
    ),
    "every other platform": Case(
        """
        [plugins]
        enabled =
            exclude_platform
        [blocklist]
        platforms =
            macos freebsd linux
            py2
        """,
        {
            **EVERYTHING,
            "files.exclude-platforms": ("macos", "freebsd", "linux"),
            "files.exclude-names": ("*-py2-*.whl",),
        },
        "any-1.0.tar.gz any-1.0-py3-none-any.whl any-1.0-cp312-cp312-win_amd64.whl any-1.0-cp27-cp27m-win32.whl",
        dropped="any-1.0-py2-none-any.whl any-1.0-cp312-cp312-musllinux_1_2_x86_64.whl any-1.0-1.noarch.rpm "
        "any-1.0-cp312-cp312-manylinux_2_28_aarch64.whl any-1.0-cp312-cp312-macosx_11_0_arm64.whl any-1.0.dmg "
        "any-1.0-cp312-cp312-linux_armv7l.whl any-1.0-cp39-cp39-freebsd_13_0_release_amd64.whl",
    ),
    "the latest releases": Case(
        """
        [plugins]
        enabled =
            latest_release
        [latest_release]
        keep = 3
        """,
        {**EVERYTHING, "releases.newest": 3, "releases.newest-counts-prereleases": True},
        "any-10.0.tar.gz any-9.1.tar.gz any-11.0a1.tar.gz",
        dropped="any-9.0.tar.gz any-8.0.tar.gz",
    ),
    "the latest releases by time": Case(
        """
        [plugins]
        enabled =
            latest_release
        [latest_release]
        keep = 2
        sort_by = time
        """,
        {
            **EVERYTHING,
            "releases.newest": 2,
            "releases.newest-by": "time",
            "releases.newest-counts-prereleases": True,
        },
        "any-1.9.tar.gz any-3.0.tar.gz",
        dropped="any-2.0.tar.gz",
        days={"any-2.0.tar.gz": 30, "any-3.0.tar.gz": 20, "any-1.9.tar.gz": 10},
    ),
    "the latest releases, and no pre-releases": Case(
        """
        [plugins]
        enabled =
            prerelease_release
            latest_release
        [latest_release]
        keep = 3
        """,
        {
            **EVERYTHING,
            "releases.prereleases": False,
            "releases.newest": 3,
            "releases.newest-counts-prereleases": True,
        },
        "any-1.0.tar.gz any-2.0.tar.gz any-3.0.tar.gz",
        dropped="any-4.0a1.tar.gz any-4.0a2.tar.gz any-4.0a3.tar.gz any-0.9.tar.gz",
    ),
    "no large projects": Case(
        """
        [plugins]
        enabled =
            size_project_metadata
        [size_project_metadata]
        max_package_size = 1G
        """,
        {**EVERYTHING, "files.max-project-size": "1 GiB"},
        "exact-1.0.tar.gz small-1.0.tar.gz",
        dropped="large-1.0.tar.gz large-2.0.tar.gz",
        sizes={"exact-1.0.tar.gz": GIB, "large-1.0.tar.gz": GIB},
    ),
    "no large projects but one": Case(
        """
        [plugins]
        enabled =
            size_project_metadata
        [allowlist]
        packages =
            NumPy
        [size_project_metadata]
        max_package_size = 1G
        """,
        {**EVERYTHING, "files.max-project-size": "1 GiB", "files.max-project-size-exempt": ("NumPy",)},
        "numpy-1.0.tar.gz numpy-2.0.tar.gz small-1.0.tar.gz",
        dropped="large-1.0.tar.gz",
        sizes={"numpy-1.0.tar.gz": GIB + 1, "large-1.0.tar.gz": GIB + 1},
    ),
    "no large projects of an allowlist": Case(
        """
        [plugins]
        enabled =
            size_project_metadata
            allowlist_project
        [allowlist]
        packages =
            large
            small
        [size_project_metadata]
        max_package_size = 1G
        """,
        {"select.projects": ("large", "small"), "files.max-project-size": "1 GiB"},
        "small-1.0.tar.gz",
        dropped="large-1.0.tar.gz other-1.0.tar.gz",
        sizes={"large-1.0.tar.gz": GIB + 1},
    ),
    "neither few versions nor many": Case(
        """
        [plugins]
        enabled =
            versions_count_project_metadata
        [versions_count_project_metadata]
        min_versions = 2
        max_versions = 3
        """,
        {**EVERYTHING, "releases.at-least": 2, "releases.at-most": 3},
        "two-1.0.tar.gz two-2.0.tar.gz",
        dropped="one-1.0.tar.gz four-1.0.tar.gz four-2.0.tar.gz four-3.0.tar.gz four-4.0.tar.gz",
    ),
    "neither few versions nor many, but for some": Case(
        """
        [plugins]
        enabled =
            versions_count_project_metadata
            size_project_metadata
        [allowlist]
        packages =
            one
            four>=2
        [versions_count_project_metadata]
        min_versions = 2
        max_versions = 3
        [size_project_metadata]
        max_package_size = 10
        """,
        {
            **EVERYTHING,
            "releases.at-least": 2,
            "releases.at-most": 3,
            "releases.count-exempt": ("one", "four"),
            "files.max-project-size": "10 B",
            "files.max-project-size-exempt": ("one", "four"),
        },
        "one-1.0.tar.gz four-1.0.tar.gz four-2.0.tar.gz four-3.0.tar.gz four-4.0.tar.gz",
        dropped="single-1.0.tar.gz",
        sizes={"one-1.0.tar.gz": 11},
    ),
    "few versions of an allowlist": Case(
        """
        [plugins]
        enabled =
            versions_count_project_metadata
            allowlist_project
        [allowlist]
        packages =
            one
            two
        [versions_count_project_metadata]
        min_versions = 2
        """,
        {"select.projects": ("one", "two"), "releases.at-least": 2},
        "two-1.0.tar.gz two-2.0.tar.gz",
        dropped="one-1.0.tar.gz other-1.0.tar.gz other-2.0.tar.gz",
    ),
    "files for some Pythons": Case(
        """
        [plugins]
        enabled =
            version_range_release_file_metadata
        [version_range_release_file_metadata]
        release_file.requires_python =
            3.6
            3.7
        """,
        {**EVERYTHING, "files.python": ("3.6", "3.7")},
        "any-1.0.tar.gz any-2.0.tar.gz",
        dropped="any-3.0.tar.gz",
        python={"any-2.0.tar.gz": ">=3.7", "any-3.0.tar.gz": ">=3.8"},
    ),
    "pages without files": Case(
        """
        release-files = false
        root_uri = https://files.example.org/
        [plugins]
        enabled =
            allowlist_project
        [allowlist]
        packages =
            some
        """,
        {"select.index-only": ("some",)},
        "",
        linked="some-1.0.tar.gz",
        dropped="other-1.0.tar.gz",
    ),
    "pages of everything without files": Case(
        "release-files = no\n",
        {"select.index-only": ("*",)},
        "",
        linked="some-1.0.tar.gz other-1.0.tar.gz",
    ),
    "blacklist of the time before plugins": Case(
        """
        [blacklist]
        packages =
          bad
          worse>=2
        """,
        {**EVERYTHING, "exclude.projects": ("bad", "worse>=2")},
        "good-1.0.tar.gz worse-1.0.tar.gz",
        dropped="bad-1.0.tar.gz worse-2.0.tar.gz",
    ),
    "whitelist of 4.x": Case(
        """
        [plugins]
        enabled =
            whitelist_project
            blacklist_release
        [whitelist]
        packages =
            some
        [blacklist]
        packages =
            some<2
        """,
        {"select.projects": ("some",), "exclude.projects": ("some<2",)},
        "some-2.0.tar.gz",
        dropped="some-1.0.tar.gz other-1.0.tar.gz",
    ),
}
