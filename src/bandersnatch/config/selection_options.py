"""The options that say what is wanted, what is not, and what becomes of what leaves; the part of the table they are."""

from __future__ import annotations

from types import MappingProxyType

from bandersnatch.config.option import Kind, Option
from bandersnatch.config.statistics_options import USAGE_OPTIONS
from bandersnatch.selection.distributions import TYPES

NOTHING = MappingProxyType[str, tuple[str, ...]]({})

EVERY = "*"
"""In ``files.environments``: wheels for all machines."""

_POLICIES = ("follow", "hide", "keep")
_SEVERITIES = ("low", "medium", "high", "critical")

SELECTION_OPTIONS = (
    Option(
        "select", "projects", Kind.PROJECT, (),
        "The projects to mirror: names, requirements (PEP 508), globs, or regular expressions between slashes. "
        "What one of them admits, no other takes away.",
        ("six", "django>=5.2", "apache-*", "/zope-.+/"),
    ),
    Option(
        "select", "everything", Kind.SWITCH, False,
        "Mirror every project that upstream has. For all of PyPI that is tens of terabytes.",
        True,
    ),
    Option(
        "select", "from-files", Kind.FILE, (),
        "Files that name projects: requirements.txt, pyproject.toml (behind # the parts of it that count), scripts "
        "(PEP 723), lock files, SBOMs. A relative path starts from the folder of this file. "
        "With *, ? or [ in it, it stands for all files that match when a run begins.",
        ("requirements*.txt", "/srv/app/pyproject.toml#group:test"),
    ),
    Option(
        "select", "whole-from-files", Kind.FILE, (),
        "The same, but only the names in the files count: their projects are mirrored with every version.",
        ("requirements.txt",),
    ),
    Option(
        "select", "index-only", Kind.WHOLE_PROJECT, (),
        "Projects whose pages are served and whose files are not stored: their links lead upstream.",
        ("torch", "nvidia-*"),
    ),
    Option(
        "select", "dependencies", Kind.SWITCH, False,
        "Mirror what is needed to install the projects named above, in each of [environments], transitively; of them "
        "and of what they need only the versions that dependency-versions says.",
        True,
    ),
    Option(
        "select", "dependency-versions", Kind.DEPENDENCY_VERSIONS, "locked",
        "Which versions of a dependency: those that a resolver picks (locked), all that the requirements admit "
        "(ranges), or the newest of these.",
        "newest 3",
    ),
    Option(
        "select", "dependency-builds", Kind.SWITCH, False,
        "Let the resolver pick source distributions whose needs only show when they are built: "
        "their build code then runs on this machine.",
        True,
    ),
    Option(
        "exclude", "projects", Kind.PROJECT, (),
        "Projects that are not mirrored, whatever selects them; with versions, only these versions are not.",
        ("tf-nightly*", "numpy<1.20", "/.*-nightly/"),
    ),
    Option(
        "exclude", "from-files", Kind.FILE, (),
        "Files that name projects or versions to exclude; the same kinds as under [select].",
        ("banned.txt",),
    ),
    Option(
        "releases", "prereleases", Kind.SWITCH, True,
        "Mirror pre-releases: alphas, betas, release candidates and development releases.",
        False,
    ),
    Option(
        "releases", "development", Kind.SWITCH, True,
        "Mirror development releases, such as 1.0.dev3. They are pre-releases, so both keys have to allow them.",
        False,
    ),
    Option(
        "releases", "yanked", Kind.SWITCH, True,
        "Mirror yanked files (PEP 592). Installers take them only where a version is pinned.",
        False,
    ),
    Option(
        "releases", "newest", Kind.NUMBER, 0,
        "How many releases of a project are wanted, counted after every other rule and for each item of [select] "
        "by itself, so that a pinned version stays. Local builds (2.11.0+cpu) are of the release that they build. "
        "Yanked releases are not counted. 0: all.",
        3, minimum=0,
    ),
    Option(
        "releases", "newest-by", Kind.TEXT, "version",
        "What makes a release newer than another: its version, or when its first file was uploaded (time).",
        "time", choices=("version", "time"),
    ),
    Option(
        "releases", "newest-counts-prereleases", Kind.SWITCH, False,
        "Let newest count pre-releases like final releases. If false, it counts final releases, and keeps as many "
        "pre-releases besides, but only those that are newer than every final release.",
        True,
    ),
    Option(
        "releases", "at-least", Kind.NUMBER, 0,
        "Mirror a project only if upstream has at least so many releases of it. 0: however few.",
        2, minimum=0,
    ),
    Option(
        "releases", "at-most", Kind.NUMBER, 0,
        "Mirror a project only if upstream has at most so many releases of it. 0: however many.",
        5000, minimum=0,
    ),
    Option(
        "releases", "count-exempt", Kind.WHOLE_PROJECT, (),
        "Projects that are mirrored however few or many releases they have; the same forms as select.index-only.",
        ("our-*", "numpy"),
    ),
    Option(
        "releases", "unwanted", Kind.VERSION_PATTERN, (),
        "Regular expressions; a release is not wanted if one of them matches the whole text of its version.",
        (".*\\.post\\d+", ".*\\+.*"),
    ),
    Option(
        "releases", "waive-for", Kind.TEXT, "none",
        "For which versions the keys of this section are waived, at-least and at-most left out: none; what an item of "
        "[select] pins by == or === (pins); or also what one admits by a range (ranges).",
        "pins", choices=("none", "pins", "ranges"),
    ),
    Option(
        "files", "types", Kind.TEXT, (),
        f"The types of distribution files that are wanted, of {', '.join(TYPES)}. Empty: all.",
        ("wheel", "sdist"), choices=TYPES,
    ),
    Option(
        "files", "names", Kind.FILENAME_PATTERN, (),
        "Only files whose whole names match one of these, in any case of the letters. Empty: all.",
        ("*.whl", "/.*-py3-none-any\\.whl/"),
    ),
    Option(
        "files", "exclude-names", Kind.FILENAME_PATTERN, (),
        "Files whose whole names match one of these are not wanted.",
        ("*-nightly-*",),
    ),
    Option(
        "files", "max-size", Kind.SIZE, "",
        "Files that are larger are not wanted. Empty: no limit.",
        "500 MB",
    ),
    Option(
        "files", "max-project-size", Kind.SIZE, "",
        "Projects that are larger, all files upstream taken together, are not wanted. Empty: no limit.",
        "50 GB",
    ),
    Option(
        "files", "max-project-size-exempt", Kind.WHOLE_PROJECT, (),
        "Projects that are mirrored however large they are; the same forms as select.index-only.",
        ("numpy", "torch*"),
    ),
    Option(
        "files", "uploaded-after", Kind.MOMENT, "",
        "Only files that were uploaded at this time or later: a date (UTC), or how long ago. Empty: no limit.",
        "2020-01-01",
    ),
    Option(
        "files", "uploaded-before", Kind.MOMENT, "",
        "Only files that were uploaded before this time: a date (UTC), or how long ago. Empty: no limit.",
        "2025-11-01T12:00:00Z",
    ),
    Option(
        "files", "python", Kind.PYTHON, (),
        "The Pythons of your clients: only files whose requires-python admits one of them. Empty: all.",
        ("3.11", "3.12", "3.13"),
    ),
    Option(
        "files", "environments", Kind.TEXT, (),
        "Names of tables under [environments]: only wheels that suit one of these, and whatever is no wheel; "
        "* for wheels of all machines. Empty: those of all [environments] where select.dependencies is on, names alone "
        "are selected, and the mirror was begun so; else wheels of all machines.",
        ("linux", "mac"),
    ),
    Option(
        "files", "exclude-platforms", Kind.EXCLUDED_PLATFORM, (),
        "Files that are built for these platforms alone are not wanted, whichever of its names a platform has there "
        "(manylinux2014 is manylinux_2_17). Empty: none is excluded.",
        ("windows", "macosx_10_*", "*_i686"),
    ),
    Option(
        "files", "exclude-pythons", Kind.EXCLUDED_PYTHON, (),
        "Files that are built for these Pythons alone are not wanted: versions, tags of a Python or an ABI, globs over "
        "tags. Empty: none is excluded.",
        ("2.7", "cp36", "cp314t", "pp*"),
    ),
    Option(
        "files", "without-digest", Kind.TEXT, "take",
        "What becomes of a file of which upstream states no digest that Python's hashlib knows. take: its size is "
        "checked where that is stated, and from then on it has to be what it was at first sight. refuse: it is left "
        "out, unless it is here already.",
        "refuse", choices=("take", "refuse"),
    ),
    Option(
        "files", "metadata", Kind.SWITCH, True,
        "Fetch the core metadata beside each wheel (PEP 658), which makes installers much faster.",
        False,
    ),
    Option(
        "files", "provenance", Kind.SWITCH, True,
        "Fetch the provenance of files that have one (PEP 740).",
        False,
    ),
    Option(
        "metadata", "wanted", Kind.METADATA_PATTERN, NOTHING,
        "Only releases that have, in each field named here, a value which matches one of the field's patterns.",
        {"classifier": ("Programming Language :: Python :: 3",)},
    ),
    Option(
        "metadata", "all", Kind.METADATA_PATTERN, NOTHING,
        "Only releases that have, in each field named here, a value for every one of the field's patterns.",
        {"classifier": ("Framework :: Django", "Typing :: Typed")},
    ),
    Option(
        "metadata", "unwanted", Kind.METADATA_PATTERN, NOTHING,
        "Not the releases that have, in any field named here, a value which matches one of the field's patterns.",
        {"license-expression": ("AGPL-*", "GPL-*"), "summary": ("/[Tt]ypo/",)},
    ),
    Option(
        "metadata", "of", Kind.TEXT, "newest",
        "Whose metadata decides: that of the newest release, for all releases of the project and with one request; or "
        "that of each release, for itself and with one request for each.",
        "each", choices=("newest", "each"),
    ),
    Option(
        "metadata", "missing", Kind.TEXT, "keep",
        "What becomes of releases that lack a field which wanted or all asks for, or whose metadata nobody knows: "
        "keep or drop.",
        "drop", choices=("keep", "drop"),
    ),
    Option(
        "cool-down", "age", Kind.DURATION, "0s",
        "Files younger than this are not mirrored yet; neither is a file whose age nobody knows. 0s: no cool-down.",
        "7d",
    ),
    Option(
        "cool-down", "clock", Kind.TEXT, "upload",
        "Which time of a file counts: upload, as upstream states it, or first-seen, when this mirror saw the file "
        "first, which nobody else can set.",
        "first-seen", choices=("upload", "first-seen"),
    ),
    Option(
        "cool-down", "not-after", Kind.DATE, "",
        "A date line: files from after it (UTC) are not mirrored, however old they get, exempt or not. Empty: none.",
        "2025-11-24",
    ),
    Option(
        "cool-down", "exempt", Kind.PROJECT, (),
        "Projects, or versions of them, that do not wait for their age; the same forms as select.projects.",
        ("our-*", "certifi"),
    ),
    Option(
        "cool-down", "break-glass", Kind.PIN, (),
        "Single versions that are let through at once, also through the date line: the mend of a hole, for example.",
        ("django==5.2.8",),
    ),
    Option(
        "advisories", "directory", Kind.PATH, "",
        "A folder of advisories in the OSV format (JSON), or one file of them (zip as well). You keep it fresh. "
        "Empty: none.",
        "/srv/osv/pypi",
    ),
    Option(
        "advisories", "malicious", Kind.SWITCH, True,
        "Block what an advisory reports as malicious.",
        False,
    ),
    Option(
        "advisories", "severity", Kind.TEXT, "",
        "Block versions with an advisory of this severity (low, medium, high, critical), of a higher one, or of one "
        "that nobody states. Empty: severity blocks nothing.",
        "critical", choices=_SEVERITIES,
    ),
    Option(
        "advisories", "ids", Kind.ADVISORY, (),
        "Advisories whose versions are blocked, whatever their severity.",
        ("PYSEC-2024-48", "CVE-2024-3772"),
    ),
    Option(
        "advisories", "allow", Kind.ADVISORY_OR_VERSIONS, (),
        "What is not blocked all the same: advisories by their ids, or versions of a project.",
        ("GHSA-56x9-2mj7-4w7q", "jinja2==3.1.3"),
    ),
    *USAGE_OPTIONS,
    Option(
        "removal", "deleted", Kind.TEXT, "follow",
        "What becomes of projects and files that upstream does not have any more.",
        "hide", choices=_POLICIES,
    ),
    Option(
        "removal", "quarantined", Kind.TEXT, "follow",
        "What becomes of projects that upstream has put in quarantine (PEP 792).",
        "hide", choices=_POLICIES,
    ),
    Option(
        "removal", "yanked", Kind.TEXT, "follow",
        "What becomes of files when they are yanked. follow: they stay, marked as upstream marks them.",
        "hide", choices=_POLICIES,
    ),
    Option(
        "removal", "deselected", Kind.TEXT, "follow",
        "What becomes of files that upstream still has and this configuration does not want any more.",
        "keep", choices=_POLICIES,
    ),
    Option(
        "removal", "hidden-for", Kind.DURATION, "90d",
        "How long what is hidden stays on disk, off every page, and can be restored.",
        "365d",
    ),
    Option(
        "removal", "trash", Kind.DURATION, "7d",
        "How long what was removed can be restored before its bytes are deleted. 0s: not at all.",
        "4w",
    ),
    Option(
        "removal", "max-projects", Kind.NUMBER, 500,
        "The brake: the most projects that may leave in one run. A run that would remove more removes nothing.",
        50, minimum=0,
    ),
    Option(
        "removal", "max-ratio", Kind.RATIO, "0.1%",
        "The brake: the largest share of the published projects that may leave in one run.",
        "1%",
    ),
    Option(
        "removal", "max-files", Kind.NUMBER, 10_000,
        "The brake: the most files that may leave in one run. More than a third of 300 or fewer always asks.",
        500, minimum=0,
    ),
    Option(
        "removal", "max-files-ratio", Kind.RATIO, "1%",
        "The brake: the largest share of the published files that may leave in one run.",
        "5%",
    ),
)  # fmt: skip
"""Every option of a selection, section by section in the order of the file."""
