"""Files against environments, and against excluded platforms and Pythons."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.errors import UsageError
from bandersnatch.model import File, Project
from bandersnatch.selection import environments
from bandersnatch.selection.base import Context, Origin, Rule, Subject, Verdict
from bandersnatch.selection.environments import Environment
from bandersnatch.selection.file_tags import Built, built_for, wheel_tags
from bandersnatch.selection.platform_rules import Environments, ExcludedPlatforms, ExcludedPythons

SERVERS = environments.read("servers", {"python": ["3.11", "3.12"], "platforms": ["manylinux_2_28_x86_64"]})
LAPTOPS = environments.read("laptops", {"python": ["3.12", "3.13t"], "platforms": ["macos 14 arm64", "windows"]})
PHONES = environments.read(
    "phones", {"python": ["3.13"], "platforms": ["ios 15", "android 24", "pyodide_2025_0_wasm32"]}
)
ALPINE = environments.read("alpine", {"python": ["3.12"], "platforms": ["musllinux_1_2_aarch64"]})


def judge(rule: Rule, filename: str, requires_python: str | None = None) -> Verdict:
    """What *rule* says about a file of that name."""
    file = File(filename, f"https://example.org/{filename}", "0" * 64, requires_python=requires_python)
    return rule.judge(Subject(Project("name", (file,)), file, None, "", Context(0.0)))


@cache
def rule_for(chosen: tuple[Environment, ...]) -> Environments:
    """The same rule for many examples: to expand the tags takes longer than to judge a file."""
    return Environments(chosen)


# --- environments --------------------------------------------------------------------------------------------------

ALL = (SERVERS, LAPTOPS, PHONES, ALPINE)
SUITS = {
    "numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": {"servers"},
    "numpy-1.26.4-cp312-cp312-macosx_11_0_arm64.whl": {"laptops"},
    "numpy-1.26.4-cp312-cp312-macosx_10_9_x86_64.whl": set(),
    "numpy-1.26.4-cp312-cp312-win_amd64.whl": {"laptops"},
    "numpy-1.26.4-cp39-cp39-win32.whl": set(),
    "numpy-1.26.4-pp39-pypy39_pp73-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": set(),
    "numpy-2.3.0-cp313-cp313t-macosx_14_0_arm64.whl": {"laptops"},
    "numpy-2.3.0-cp313-cp313-macosx_14_0_arm64.whl": set(),
    "numpy-2.3.0-cp312-cp312-manylinux_2_34_x86_64.whl": set(),
    "numpy-2.3.0-cp312-cp312-musllinux_1_2_aarch64.whl": {"alpine"},
    "torch-2.5.1-cp311-cp311-manylinux1_x86_64.whl": {"servers"},
    "torch-2.5.1-cp312-none-macosx_11_0_arm64.whl": {"laptops"},
    "torch-2.8.0-cp312-cp312-manylinux_2_28_aarch64.whl": set(),
    "tensorflow-1.4.0-cp27-none-macosx_10_11_x86_64.whl": set(),
    "tensorflow-2.18.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": {"servers"},
    "cryptography-43.0.3-cp39-abi3-manylinux_2_28_x86_64.whl": {"servers"},
    "cryptography-43.0.3-cp37-abi3-macosx_10_9_universal2.whl": {"laptops"},
    "cryptography-43.0.3-cp39-abi3-musllinux_1_2_aarch64.whl": {"alpine"},
    "cryptography-43.0.3-cp39-abi3-win32.whl": set(),
    "lxml-5.3.0-cp312-cp312-manylinux_2_12_x86_64.manylinux2010_x86_64.manylinux_2_28_x86_64.whl": {"servers"},
    "lxml-3.7.3-cp27-cp27mu-manylinux1_x86_64.whl": set(),
    "psutil-6.1.0-cp36-abi3-manylinux_2_12_x86_64.manylinux2010_x86_64.manylinux_2_17_x86_64.whl": {"servers"},
    "psutil-6.1.0-cp37-abi3-win_amd64.whl": {"laptops"},
    "psutil-6.1.0-cp37-abi3-win_arm64.whl": set(),
    "pydantic_core-2.33.0-cp313-cp313-android_21_arm64_v8a.whl": {"phones"},
    "pydantic_core-2.33.0-cp313-cp313-ios_13_0_arm64_iphoneos.whl": {"phones"},
    "pydantic_core-2.33.0-cp313-cp313-ios_13_0_arm64_iphonesimulator.whl": set(),
    "pydantic_core-2.33.0-cp313-cp313-pyemscripten_2025_0_wasm32.whl": {"phones"},
    "pydantic_core-2.33.0-cp313-cp313-pyodide_2025_0_wasm32.whl": {"phones"},
    "pydantic_core-2.33.0-cp312-cp312-emscripten_3_1_58_wasm32.whl": set(),
    "six-1.17.0-py2.py3-none-any.whl": {"servers", "laptops", "phones", "alpine"},
    "futures-3.4.0-py2-none-any.whl": set(),
    "ruff-0.8.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": {"servers"},
    "foo__bar-2004d-1-py3-none-win_amd64.whl": {"laptops"},
    "Some.Thing-1.0_1-PY3-None-ANY.whl": {"servers", "laptops", "phones", "alpine"},
}


@pytest.mark.parametrize("filename", SUITS)
def test_wheels_of_real_projects(filename: str) -> None:
    """A wheel suits those environments that could install it, however its name and version are spelled."""
    assert {one.name for one in ALL if judge(Environments((one,)), filename).wanted} == SUITS[filename]
    assert judge(Environments(ALL), filename).wanted is bool(SUITS[filename])


def test_reasons() -> None:
    """The verdict names the tags and the Python that decide, and the key."""
    origin = Origin("files.environments", "servers", "b.conf", 7)
    rule = Environments((SERVERS, ALPINE), origin=origin)
    good = judge(rule, "a-1-cp312-cp312-manylinux1_x86_64.whl")
    assert good == Verdict(
        "files.environments",
        True,
        "cp312-cp312-manylinux1_x86_64 suits Python 3.12 of environment servers",
        origin,
    )
    bad = judge(rule, "a-1-cp27-none-win32.whl")
    assert bad.reason == "cp27-none-win32 suits no environment of servers, alpine"
    assert judge(rule, "a-1.tar.gz").reason.startswith("it is not a wheel and can be built on Python 3.11")


@pytest.mark.parametrize(
    ("filename", "required", "wanted"),
    [
        ("a-1-py3-none-any.whl", ">=3.12", True),
        ("a-1-py3-none-any.whl", ">=3.13", False),
        ("a-1-cp311-cp311-manylinux1_x86_64.whl", ">=3.12", False),
        ("a-1-cp39-abi3-manylinux1_x86_64.whl", ">=3.12", True),
        ("a-1-py3-none-any.whl", ">=3.5.*", True),
        ("a-1.tar.gz", ">=3.12", True),
        ("a-1.tar.gz", "<3", False),
        ("a-1.win32.exe", None, True),
    ],
)
def test_requires_python_has_to_admit_the_same_python(filename: str, required: str | None, wanted: bool) -> None:
    """What suits one Python of an environment and requires another is no use there; sdists are asked for it as well."""
    assert judge(Environments((SERVERS,)), filename, required).wanted is wanted


@pytest.mark.parametrize(
    "filename", ["a.whl", "a-1.whl", "a-py3-none-any.whl", "a-1-py3--any.whl", "a-1-py3-none-.whl"]
)
def test_a_wheel_without_tags_is_refused(filename: str) -> None:
    """No installer takes a wheel whose tags cannot be read, and the reason says so."""
    verdict = judge(Environments((SERVERS,)), filename)
    assert not verdict.wanted
    assert "no tags" in verdict.reason


def test_digests() -> None:
    """The digest stands for what is accepted: for the environments, and not for where they were written."""
    rule = Environments((SERVERS,))
    assert rule.digest == Environments((SERVERS,), origin=Origin("x")).digest
    assert rule.digest != Environments((ALPINE,)).digest
    assert ExcludedPlatforms.of(["windows"]).digest != ExcludedPlatforms.of(["macos"]).digest
    assert ExcludedPlatforms.of(["win32"]).digest != ExcludedPythons.of(["cp27"]).digest


@given(st.lists(st.sampled_from(sorted(SUITS)), min_size=1, max_size=5), st.permutations(ALL))
def test_another_environment_never_refuses(filenames: list[str], order: list[Environment]) -> None:
    """More environments, in any order, admit more files."""
    for filename in filenames:
        wanted = [judge(rule_for(tuple(order[:count])), filename).wanted for count in (1, 2, 3, 4)]
        assert wanted == sorted(wanted)


# --- exclusions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "refused", "kept"),
    [
        (
            ["windows"],
            (
                "a-1-cp311-cp311-win32.whl a-1-cp311-cp311-win_amd64.whl a-1.win-amd64-py2.7.exe a-1.win32.msi a-1.exe "
                "a-1-py2.7-win32.egg a-1.win32.zip"
            ),
            (
                "a-1.tar.gz a-1.zip a-1-py3-none-any.whl a-1-cp311-cp311-win32.macosx_11_0_arm64.whl a-1-py2.7.egg "
                "winner-1.0.tar.gz a-1-cp311-cp311-manylinux1_x86_64.whl a-1-1.noarch.rpm"
            ),
        ),
        (
            ["linux"],
            (
                "a-1-cp311-cp311-manylinux1_x86_64.whl a-1-cp311-cp311-musllinux_1_1_x86_64.whl a-1-1.noarch.rpm "
                "a-1.linux-x86_64.tar.gz a-1-py2.7-linux-x86_64.egg a_1_all.deb a-1-cp311-cp311-linux_armv7l.whl"
            ),
            "a-1.tar.gz a-1-cp313-cp313-android_21_x86_64.whl a-1-cp311-cp311-win32.whl",
        ),
        (
            ["macos", "ios", "android", "emscripten", "freebsd"],
            (
                "a-1-cp311-cp311-macosx_11_0_arm64.whl a-1.macosx-10.9-x86_64.tar.gz a-1-py2.7-macosx-10.9-x86_64.egg "
                "a-1-cp313-cp313-ios_13_0_arm64_iphoneos.whl a-1-cp313-cp313-android_21_arm64_v8a.whl a.dmg "
                "a-1-cp313-cp313-pyodide_2025_0_wasm32.whl a-1.freebsd-10.1-RELEASE-amd64.tar.gz"
            ),
            "a-1-cp311-cp311-macosx_11_0_arm64.win32.whl",
        ),
        (
            ["*_i686", "win32", "manylinux*"],
            (
                "a-1-cp311-cp311-musllinux_1_1_i686.whl a-1-cp311-cp311-win32.whl a-1.linux-i686.tar.gz "
                "a-1-cp311-cp311-manylinux1_i686.manylinux_2_5_x86_64.whl"
            ),
            "a-1-cp311-cp311-win_amd64.whl a-1-cp311-cp311-musllinux_1_1_x86_64.whl",
        ),
        (["*"], "a-1-cp311-cp311-win32.whl", "a-1-py3-none-any.whl a-1.tar.gz"),
        (
            ["manylinux2014_aarch64", "manylinux_2_5_*", "manylinux2010_i686", "pyodide_2025_0_wasm32"],
            (
                "a-1-cp311-cp311-manylinux_2_17_aarch64.whl a-1-cp311-cp311-manylinux2014_aarch64.whl "
                "a-1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl "
                "a-1-cp27-cp27mu-manylinux1_x86_64.whl a-1-cp311-cp311-manylinux_2_12_i686.whl "
                "a-1-cp313-cp313-pyemscripten_2025_0_wasm32.whl"
            ),
            (
                "a-1-cp311-cp311-manylinux_2_28_aarch64.whl a-1-cp311-cp311-manylinux2014_x86_64.whl "
                "a-1-cp311-cp311-manylinux_2_17_aarch64.musllinux_1_2_aarch64.whl "
                "a-1-cp311-cp311-manylinux_2_50_x86_64.whl"
            ),
        ),
    ],
)
def test_excluded_platforms(items: list[str], refused: str, kept: str) -> None:
    """What is for excluded platforms only is refused; what suits any other, and every sdist, stays."""
    rule = ExcludedPlatforms.of(items)
    assert [name for name in refused.split() if judge(rule, name).wanted] == []
    assert [name for name in kept.split() if not judge(rule, name).wanted] == []


@pytest.mark.parametrize(
    ("items", "refused", "kept"),
    [
        (
            ["py2"],
            (
                "a-1-py2-none-any.whl a-1-cp27-cp27mu-manylinux1_x86_64.whl a-1-py26.py27-none-any.whl a-1-py2.7.egg "
                "a-1.win32-py2.6.exe a-1-pp27-pypy_73-win32.whl"
            ),
            "a-1-py2.py3-none-any.whl a-1.tar.gz a-1-cp32-cp32m-win32.whl a-1.win32.exe",
        ),
        (
            ["py2.7", "3.1"],
            "a-1-cp27-cp27m-win32.whl a-1-py27-none-any.whl a-1-cp31-cp31m-win32.whl",
            "a-1-py2-none-any.whl a-1-py26-none-any.whl a-1-cp310-cp310-win32.whl a-1-py31-none-any.whl",
        ),
        (
            ["py3.6", "cp37"],
            "a-1-cp36-cp36m-win32.whl a-1-cp37-none-win32.whl a-1-cp36.cp37-none-win32.whl",
            "a-1-cp36-abi3-win32.whl a-1-py36-none-any.whl a-1-pp37-pypy37_pp73-win32.whl a-1-cp36.cp38-none-win32.whl",
        ),
        (["pp*"], "a-1-pp310-pypy310_pp73-win32.whl", "a-1-pp310.cp310-none-win32.whl a-1-py3-none-any.whl"),
        (["cp3*"], "a-1-cp36-abi3-win32.whl a-1-cp311-cp311-win32.whl", "a-1-py3-none-any.whl"),
        (
            ["cp314t", "3.13t", "cp27mu"],
            "a-1-cp314-cp314t-win32.whl a-1-cp313-cp313t-win32.whl a-1-cp27-cp27mu-manylinux1_x86_64.whl",
            (
                "a-1-cp314-cp314-win32.whl a-1-cp313-cp313-win32.whl a-1-cp27-cp27m-manylinux1_x86_64.whl "
                "a-1-cp314-abi3-win32.whl a-1-cp314-cp314.cp314t-win32.whl a-1-cp314-none-win32.whl"
            ),
        ),
        (["*t"], "a-1-cp313.cp314-cp314t-win32.whl", "a-1-cp314-cp314-win32.whl a-1-py3-none-any.whl"),
        (["abi3"], "a-1-cp36-abi3-win32.whl", "a-1-cp36-cp36m-win32.whl a-1-py3-none-any.whl"),
        (["3.14", "pypy311_pp73"], "a-1-cp314-cp314t-win32.whl a-1-pp311-pypy311_pp73-win32.whl", "a-1.tar.gz"),
    ],
)
def test_excluded_pythons(items: list[str], refused: str, kept: str) -> None:
    """What is for excluded Pythons only is refused; what newer Pythons can use as well, by the stable ABI, stays."""
    rule = ExcludedPythons.of(items)
    assert [name for name in refused.split() if judge(rule, name).wanted] == []
    assert [name for name in kept.split() if not judge(rule, name).wanted] == []


def test_the_item_that_excludes_is_named() -> None:
    """The verdict says which item of the list decides, and where the list stands."""
    rule = ExcludedPlatforms.of(["macos", "windows"], Origin("files.exclude-platforms", file="b.conf", line=3))
    verdict = judge(rule, "a-1-cp311-cp311-win32.whl")
    assert verdict.origin == Origin("files.exclude-platforms", "windows", "b.conf", 3)
    assert "windows" in verdict.reason


@pytest.mark.parametrize(
    ("rule", "bad"),
    [(ExcludedPlatforms, ["win dows", "plan9", "", "any"]), (ExcludedPythons, ["python 4", "seven", "", "cp 27"])],
)
def test_items_that_cannot_be_used(rule: type[ExcludedPlatforms | ExcludedPythons], bad: list[str]) -> None:
    """Every item that stands for nothing is a problem with the rule's key."""
    with pytest.raises(UsageError) as caught:
        rule.of([*bad, "py2" if rule is ExcludedPythons else "linux"])
    assert [problem.key for problem in caught.value.problems] == [rule.name] * len(bad)


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filename", "built"),
    [
        ("a-1.tar.gz", None),
        ("a-1-2.zip", None),
        ("a.whl", None),
        ("a-1-py2.7.egg", Built((("cp27", "none"),), ("any",))),
        ("a-1-py3.11-macosx-10.9-universal2.egg", Built((("cp311", "none"),), ("macosx_10_9_universal2",))),
        ("a-1.win-amd64-py3.4.msi", Built((("cp34", "none"),), ("win_amd64",))),
        ("a-1-1.x86_64.rpm", Built((), ("linux_x86_64",))),
        ("a-1-py2.py3-none-any.whl", Built((("py2", "none"), ("py3", "none")), ("any",))),
    ],
)
def test_built_for(filename: str, built: Built | None) -> None:
    """The old formats say in their names what they were built for as well; sdists do not."""
    assert built_for(filename) == built


@given(st.text("abc123-._pyanywhlnone", max_size=60))
def test_no_name_breaks_the_reading(text: str) -> None:
    """Whatever a file is called, it is read, or it is said to have no tags."""
    for ending in (".whl", ".egg", ".exe", ".rpm", ".tar.gz"):
        built = built_for(text + ending)
        assert built is None or built.platforms
    tags = wheel_tags(f"{text}-1-py3-none-any.whl")
    assert tags is not None
    assert tags.each() == ("py3-none-any",)
