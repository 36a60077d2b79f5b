"""Filters whose settings say something else than what they seem to, or nothing, or what has no equivalent."""

from __future__ import annotations

import pytest

from tests.config.pypa.helpers import notes, refused, values


def on(*plugins: str) -> str:
    """[plugins] from line 3 on; what follows begins ``4 + len(plugins)``."""
    return "".join(["[plugins]\nenabled =\n", *(f"    {plugin}\n" for plugin in plugins)])


# --- plugins -------------------------------------------------------------------------------------------------------


def test_names_with_commas_are_a_list() -> None:
    """Names on one line are taken one by one, where the other program took them for one name and filtered nothing."""
    text = "[plugins]\nenabled = allowlist_project, prerelease_release\n[allowlist]\npackages = six\n"
    assert values(text) == {"select.projects": ("six",), "releases.prereleases": False}
    assert notes(text) == ["b.conf:4: [plugins] enabled: several plugins on one line; each is taken"]


@pytest.mark.parametrize(
    ("plugin", "hint"),
    [
        ("latest_relaese", 'unknown plugin "latest_relaese"; did you mean latest_release?'),
        ("ours", 'unknown plugin "ours"; a filter of your own becomes a rule under [rules]: take it out'),
        ("safety_db_release", "[advisories]"),
    ],
)
def test_unknown_plugins(plugin: str, hint: str) -> None:
    """A plugin that does not exist is refused, with the nearest name or what there is instead."""
    [problem] = refused(on("prerelease_release", plugin))
    assert problem.startswith("b.conf:6: [plugins] enabled: ")
    assert hint in problem


def test_unknown_sections() -> None:
    """A section that no version has is refused, with the nearest name."""
    assert refused("[blocklits]\npackages = x\n[DEFAULT]\na = b\n") == [
        "b.conf:3: [blocklits]: unknown section; did you mean blocklist?",
        "b.conf:5: [DEFAULT]: unknown section",
    ]


UNUSED = {
    "[allowlist]\npackages = six\n": "allowlist_project or allowlist_release",
    "[allowlist]\nrequirements = r.txt\n": "project_requirements or project_requirements_pinned",
    "[blocklist]\npackages = six\n": "blocklist_project or blocklist_release",
    "[blocklist]\nplatforms = windows\n": "exclude_platform",
    "[filter_prerelease]\npackages = six\n": "prerelease_release",
    "[filter_regex]\npackages = x\n": "regex_project",
    "[filter_regex]\nreleases = x\n": "regex_release",
    "[latest_release]\nkeep = 3\n": "latest_release",
    "[size_project_metadata]\nmax_package_size = 1G\n": "size_project_metadata",
    "[versions_count_project_metadata]\nmin_versions = 2\n": "versions_count_project_metadata",
    "[regex_project_metadata]\ninfo.license = MIT\n": "regex_project_metadata",
    "[regex_release_file_metadata]\ninfo.license = MIT\n": "regex_release_file_metadata",
    "[version_range_release_file_metadata]\nrelease_file.requires_python = 3.9\n": (
        "version_range_release_file_metadata"
    ),
}


@pytest.mark.parametrize(("text", "plugin"), UNUSED.items(), ids=UNUSED)
def test_settings_of_a_plugin_that_is_not_enabled(text: str, plugin: str) -> None:
    """They do nothing, as documented, and the operator is told which plugin is missing."""
    [note] = notes(text)
    assert note.startswith("b.conf:4: ")
    assert note.endswith(f"has no effect: the plugin {plugin} is not enabled")
    assert values(text) == {"select.everything": True}


# --- lists ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plugin", ["allowlist_project", "allowlist_release", "project_requirements"])
def test_an_allowlist_without_names_is_refused(plugin: str) -> None:
    """A filter that is enabled by name and empty would mean all of upstream, and nobody said that."""
    [problem] = refused(on(plugin))
    assert problem.startswith("b.conf:4: [plugins] enabled: ")
    assert "is empty; name" in problem
    assert not refused("[plugins]\nenabled = all\n")


def test_two_ways_to_select_are_refused() -> None:
    """Both had to admit a project; here they would add up."""
    text = on("allowlist_project", "project_requirements") + "[allowlist]\npackages = six\nrequirements = r.txt\n"
    [problem] = refused(text)
    assert problem.startswith("b.conf:9: [allowlist] requirements: there a project has to be both")


def test_requirement_files_without_a_folder() -> None:
    """They are looked for from the root on, as documented."""
    found = values(on("project_requirements_pinned") + "[allowlist]\nrequirements =\n  a.txt # ours\n  /b/c.txt\n")
    assert found == {"select.from-files": ("/a.txt", "/b/c.txt")}


def test_a_folder_is_no_glob() -> None:
    """Only a star makes a glob, and only in the name of the file."""
    text = on("project_requirements_pinned") + (
        "[allowlist]\nrequirements_path = /a[1]*\nrequirements =\n  r-*.txt\n  r-[1].txt\n"
    )
    assert values(text) == {"select.from-files": ("/a[[]1][*]/r-*.txt", "/a[1]*/r-[1].txt")}


PINNED = {
    "blocklist_release": ("[blocklist]\npackages =\n  a\n  b>1\n", "[blocklist] packages: holds for versions that"),
    "prerelease_release": ("[filter_prerelease]\npackages = a\n", "[filter_prerelease] packages: holds for versions"),
}


@pytest.mark.parametrize(("plugin", "text", "said"), [(name, *pair) for name, pair in PINNED.items()], ids=PINNED)
def test_filters_that_hold_for_pinned_versions_here(plugin: str, text: str, said: str) -> None:
    """A filter of releases that is no rule of [releases] here holds for pinned versions as well, and that is told."""
    [note] = notes(on("project_requirements_pinned", plugin) + text + "[allowlist]\nrequirements = r.txt\n")
    assert said in note
    assert not notes(on("project_requirements", plugin) + text + "[allowlist]\nrequirements = r.txt\n")


def test_filters_that_do_not_hold_for_pinned_versions_here() -> None:
    """A filter of files that is a rule of [releases] here does not hold for pinned versions, and that is told."""
    text = on("project_requirements_pinned", "regex_release_file_metadata", "prerelease_release") + (
        "[regex_release_file_metadata]\nnone:release = 2\n[allowlist]\nrequirements = r.txt\n"
    )
    assert values(text)["releases.waive-for"] == "ranges"
    [note] = notes(text)
    assert "none:release: does not hold for versions that requirement files name" in note
    alone = text.replace("    prerelease_release\n", "")
    assert "releases.waive-for" not in values(alone)
    assert not notes(alone)


def test_items_that_say_the_same() -> None:
    """A project that is named twice is wanted in all its ranges, or as a whole; markers and extras do not count."""
    text = on("allowlist_release") + (
        "[allowlist]\npackages =\n  six==1\n  Six==2\n  SIX==1\n  a.b\n  a-b>1\n  c[x]>=2 ; python_version < '3'\n"
    )
    assert values(text) == {"select.projects": ("six==1", "Six==2", "a.b", "c>=2")}


@pytest.mark.parametrize("line", ["one, two", "-r other.txt", "a @ https://example.org/a.whl", "*"])
def test_what_is_no_project(line: str) -> None:
    """A line that names no project is refused with its own line."""
    [problem] = refused(on("blocklist_project") + f"[blocklist]\npackages =\n    six # fine\n    {line}\n")
    assert problem == (
        'b.conf:9: [blocklist] packages: wants a project on each line, as "example" or "example>=1.4,<2"'
    )


def test_versions_of_a_list_without_its_plugin() -> None:
    """Versions do nothing without the plugin for releases, and that is said for each line."""
    text = on("blocklist_project", "allowlist_project") + (
        "[blocklist]\npackages =\n  a\n  b>1\n[allowlist]\npackages =\n  c>1\n"
    )
    assert values(text) == {"select.projects": ("c",), "exclude.projects": ("a",)}
    assert [note.split(": ")[0] for note in notes(text)] == ["b.conf:10", "b.conf:13"]


def test_one_list_under_two_names_is_refused() -> None:
    """The former and the present name of a list cannot both count."""
    [problem] = refused(on("blocklist_project") + "[blocklist]\npackages = a\n[blacklist]\npackages = b\n")
    assert problem == (
        "b.conf:8: [blacklist]: this is the older name of [blocklist], which is there as well; put the two together"
    )


def test_plugins_of_3x() -> None:
    """The former place of the list of plugins counts where there is no other."""
    text = "[blacklist]\nplugins = blacklist_project\npackages = a\n"
    assert values(text) == {"select.everything": True, "exclude.projects": ("a",)}
    assert values("[plugins]\nenabled = regex_project\n" + text) == {"select.everything": True}


def test_pages_without_files_are_for_whole_projects() -> None:
    """Versions cannot be told apart there."""
    text = "release-files = false\n" + on("allowlist_release") + "[allowlist]\npackages = a>1\n"
    [problem] = refused(text)
    assert "name these under [select] index-only" in problem


# --- other filters -------------------------------------------------------------------------------------------------

PLATFORMS = {
    "win": {"files.exclude-platforms": ("windows",)},
    "MacOSX": {"files.exclude-platforms": ("macos",)},
    "musllinux": {"files.exclude-platforms": ("musllinux*",)},
    "-manylinux_": {"files.exclude-platforms": ("manylinux_*",)},
    "linux-x86_64": {"files.exclude-platforms": ("linux_x86_64",)},
    "win-arm64": {"files.exclude-platforms": ("win_arm64",)},
    ".win32": {"files.exclude-platforms": ("win32",)},
    "py3.14": {"files.exclude-pythons": ("3.14",)},
    "py3": {"files.exclude-names": ("*-py3-*.whl",)},
}


@pytest.mark.parametrize(("word", "expected"), PLATFORMS.items(), ids=PLATFORMS)
def test_words_for_platforms(word: str, expected: dict[str, object]) -> None:
    """Systems, Pythons and single tags, in the spellings that the plugin knows."""
    found = values(on("exclude_platform") + f"[blocklist]\nplatforms = {word}\n")
    assert found == {"select.everything": True, **expected}


SIZES = {
    "1G": "1 GiB", "1GB": "1 GiB", "1 GiB": "1 GiB", "10": "10 B", "500 M": "500 MiB", "1.5k": "1536 B",
    "2 megabytes": "2 MiB", "1 tebibyte": "1 TiB", "7 bytes": "7 B", "3t": "3 TiB",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SIZES.items(), ids=SIZES)
def test_sizes_are_binary(text: str, expected: str) -> None:
    """Units are powers of 1024 there, whatever they are called."""
    found = values(on("size_project_metadata") + f"[size_project_metadata]\nmax_package_size = {text}\n")
    assert found["files.max-project-size"] == expected


EXEMPTING = on("size_project_metadata", "versions_count_project_metadata") + "[allowlist]\npackages = numpy>=2\n"


def test_exceptions_are_whole_projects() -> None:
    """An allowlist that is not enabled names exceptions; their versions do nothing, which is told once."""
    limits = "[size_project_metadata]\nmax_package_size=1G\n[versions_count_project_metadata]\nmax_versions=9\n"
    found = values(EXEMPTING + limits)
    assert found["files.max-project-size-exempt"] == found["releases.count-exempt"] == ("numpy",)
    [note] = notes(EXEMPTING + limits)
    assert "the versions of numpy have no effect" in note


def test_exceptions_from_nothing() -> None:
    """Without a limit there is nothing to be excepted from, and that is told."""
    for limits in ("", "[versions_count_project_metadata]\nmin_versions = 0\n"):
        assert not {"files.max-project-size-exempt", "releases.count-exempt"} & values(EXEMPTING + limits).keys()
        [note] = notes(EXEMPTING + limits)
        assert "[allowlist] packages: has no effect" in note


WRONG = {
    "latest_release": ("[latest_release]\nkeep = some\n", "wants a whole number"),
    "latest_release sort": ("[latest_release]\nkeep = 1\nsort_by = size\n", "wants version or time"),
    "size_project_metadata": ("[size_project_metadata]\nmax_package_size = 1X\n", "wants a size such as 1G"),
    "exclude_platform": ("[blocklist]\nplatforms = atari\n", 'there is no platform "atari"'),
    "prerelease_release": ("[filter_prerelease]\npackages = a b\n", "wants the name of a project"),
    "regex_project": ("[filter_regex]\npackages = (\n", "not a regular expression"),
    "regex_release": ("[filter_regex]\nreleases = (\n", "not a regular expression"),
}


@pytest.mark.parametrize(("name", "text", "why"), [(name, *pair) for name, pair in WRONG.items()], ids=WRONG)
def test_values_that_are_wrong(name: str, text: str, why: str) -> None:
    """A value that nobody can use is refused, where the other program went on without the filter."""
    [problem] = refused(on(name.partition(" ")[0]) + text)
    assert why in problem


def test_settings_that_say_nothing() -> None:
    """An order without a number, and limits that no project meets, do nothing, as documented, and that is said."""
    assert notes(on("latest_release") + "[latest_release]\nsort_by = time\nkeep = 0\n") == [
        "b.conf:7: [latest_release] sort_by: has no effect without keep"
    ]
    text = on("size_project_metadata") + "[size_project_metadata]\nmax_package_size = 0\n"
    assert values(text) == {"select.everything": True}
    assert notes(text) == ["b.conf:7: [size_project_metadata] max_package_size: has no effect: 0 is no limit"]
    text = on("versions_count_project_metadata") + (
        "[versions_count_project_metadata]\nmin_versions = 9\nmax_versions = 3\n"
    )
    assert [note.split(": ", 1)[1] for note in notes(text)] == [
        f"[versions_count_project_metadata] {key}: has no effect: min_versions is greater than max_versions"
        for key in ("min_versions", "max_versions")
    ]
    assert values(text) == {"select.everything": True}


# --- metadata ------------------------------------------------------------------------------------------------------


def metadata(text: str, section: str = "regex_project_metadata") -> str:
    return on(section) + f"[{section}]\n{text}\n"


METADATA = {
    "info.license = MIT": {"metadata.wanted": {"license": (r"/\AMIT/",)}},
    "not-null:none:info.license = GPL": {
        "metadata.unwanted": {"license": (r"/\AGPL/",)},
        "metadata.all": {"license": ("*",)},
        "metadata.missing": "drop",
    },
    "search = true\ninfo.requires_dist = numpy": {"metadata.wanted": {"requires-dist": ("/numpy/",)}},
    "none:info.keywords = x\nnone:info.author_email = y": {
        "metadata.unwanted": {"keywords": (r"/\Ax/",), "author-email": (r"/\Ay/",)}
    },
    "none:release_file.packagetype = bdist_(?!wheel)": {"files.types": ("wheel", "sdist")},
    "all:release_file.packagetype =\n  bdist\n  .*e": {"files.types": ("wheel", "egg")},
    "release_file.filename = .*\\.whl$": {"files.names": ("/.*\\.whl/",)},
    "none:release = .*post": {"releases.unwanted": (".*post.*",)},
}


@pytest.mark.parametrize(("text", "expected"), METADATA.items(), ids=METADATA)
def test_paths_with_an_equivalent(text: str, expected: dict[str, object]) -> None:
    """Fields of core metadata, types and names of files, and versions are said by keys of their own."""
    assert values(metadata(text, "regex_release_file_metadata")) == {"select.everything": True, **expected}


METADATA_REFUSED = {
    "last_serial = 1": "see [metadata] and [files]",
    "info.name = django": "select.projects and exclude.projects",
    "release_file.size = 1": "files.max-size",
    "release_file.upload_time = 2019": "files.uploaded-after",
    "all:release_file.filename = a": "see [metadata]",
    "some:info.license = MIT": 'unknown tag "some"',
    "info.license = (": "not a regular expression",
    "search = perhaps": "wants true or false",
    "release_file.packagetype = exe": "no type of file is left",
    "any:info.license = MIT\nmatch-null:info.license = BSD": "a second list for the same field",
    "not-null:info.license = MIT\ninfo.summary = x": "a missing field is right here and wrong for not-null",
    "release_file.filename = a\nnot-null:release_file.filename = b": "a second list of names",
    "release_file.packagetype = sdist\nany:release_file.packagetype = bdist_wheel": "a second list of types",
}


@pytest.mark.parametrize(("text", "why"), METADATA_REFUSED.items(), ids=METADATA_REFUSED)
def test_paths_that_are_refused(text: str, why: str) -> None:
    """What cannot be said here is refused by name, with what comes near."""
    [problem] = refused(metadata(text, "regex_release_file_metadata"))
    assert problem.startswith(f"b.conf:{6 + len(text.splitlines())}: [regex_release_file_metadata] ")
    assert why in problem


RANGES_REFUSED = {
    "not-null:release_file.requires_python = 3.9": "write match-null:",
    "info.version = 3.9": "releases.unwanted",
    "release_file.requires_python = 3.9\ninfo.requires_python = 3.8": "a second list of Pythons",
}


@pytest.mark.parametrize(("text", "why"), RANGES_REFUSED.items(), ids=RANGES_REFUSED)
def test_ranges_that_are_refused(text: str, why: str) -> None:
    """The only range that files have is that of Pythons."""
    [problem] = refused(metadata(text, "version_range_release_file_metadata"))
    assert why in problem
