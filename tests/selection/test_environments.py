"""Target environments: which tags they accept, which markers hold there, what uv is told."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.tags import platform_tags, sys_tags

from bandersnatch.assemble.machine import described, running
from bandersnatch.errors import UsageError
from bandersnatch.selection import environments, platforms
from bandersnatch.selection.environments import Environment
from bandersnatch.selection.requires_python import admits


def environment(pythons: Sequence[str], names: Sequence[str], implementation: str = "cpython") -> Environment:
    return environments.read(
        "target", {"implementation": implementation, "python": list(pythons), "platforms": list(names)}
    )


# --- spellings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("manylinux_2_28_x86_64", "manylinux_2_28_x86_64"),
        ("manylinux 2.28 arm64", "manylinux_2_28_aarch64"),
        ("manylinux1_x86_64", "manylinux_2_5_x86_64"),
        ("manylinux2010_i686", "manylinux_2_12_i686"),
        ("manylinux2014_aarch64", "manylinux_2_17_aarch64"),
        ("musllinux_1_2_aarch64", "musllinux_1_2_aarch64"),
        ("linux", "manylinux_2_28_x86_64"),
        ("linux x86_64", "manylinux_2_28_x86_64"),
        ("linux_x86_64", "manylinux_2_28_x86_64"),
        ("Linux AMD64", "manylinux_2_28_x86_64"),
        ("linux arm64", "manylinux_2_28_aarch64"),
        ("linux riscv64", "manylinux_2_39_riscv64"),
        ("linux_armv6l", "linux_armv6l"),
        ("macosx_14_0_arm64", "macosx_14_0_arm64"),
        ("macos 14 arm64", "macosx_14_0_arm64"),
        ("macOS 14.6 x86_64", "macosx_14_0_x86_64"),
        ("macosx_10_15_x86_64", "macosx_10_15_x86_64"),
        ("macos", "macosx_14_0_arm64"),
        ("windows", "win_amd64"),
        ("win_amd64", "win_amd64"),
        ("Windows arm64", "win_arm64"),
        ("windows 32", "win32"),
        ("win32", "win32"),
        ("android_21_arm64_v8a", "android_21_arm64_v8a"),
        ("android 26 arm64-v8a", "android_26_arm64_v8a"),
        ("android", "android_24_arm64_v8a"),
        ("ios_13_0_arm64_iphoneos", "ios_13_0_arm64_iphoneos"),
        ("ios 17.2", "ios_17_2_arm64_iphoneos"),
        ("ios_13_0_x86_64_iphonesimulator", "ios_13_0_x86_64_iphonesimulator"),
        ("pyemscripten_2026_0_wasm32", "pyemscripten_2026_0_wasm32"),
        ("pyodide_2024_0_wasm32", "pyemscripten_2024_0_wasm32"),
        ("emscripten_3_1_58_wasm32", "emscripten_3_1_58_wasm32"),
        ("freebsd_14_1_release_amd64", "freebsd_14_1_release_amd64"),
    ],
)
def test_spellings(text: str, tag: str) -> None:
    """A platform is named by its tag or in words; its canonical spelling names the same platform."""
    platform = platforms.parse(text)
    assert platform.tag == tag
    assert platforms.parse(tag) == platform
    assert platforms.family_of(tag) == platform.family


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a platform"),
        ("solaris", "not a platform"),
        ("manylinx_2_28_x86_64", "not a platform"),
        ("manylinux_3_1_x86_64", "not a platform"),
        ("manylinux_2_999999999_x86_64", "not a platform"),
        ("manylinux_2_12_aarch64", "begin with glibc 2.17"),
        ("manylinux_2_28_x87", "write one of x86_64"),
        ("linux sparc", "write one of x86_64"),
        ("macosx_14_0_universal2", "write arm64 or x86_64"),
        ("macosx_10_15_arm64", "too old"),
        ("windows ia64", "write one of win_amd64"),
        ("ios_9_0", "iOS before 12"),
        ("android_10", "before API level 16"),
    ],
)
def test_unknown_platforms(text: str, words: str) -> None:
    """What is not a platform is refused with what to write instead."""
    with pytest.raises(ValueError, match=words):
        platforms.parse(text)


@given(st.text(max_size=40) | st.from_regex(r"(manylinux|macosx|win|ios|android|linux)[_0-9a-z]{0,30}", fullmatch=True))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is written, the answer is a ValueError, or a platform that accepts its own tag and names its family."""
    try:
        platform = platforms.parse(text)
    except ValueError:
        return
    assert platform.tag in platform.tags()
    assert {platforms.family_of(tag) for tag in platform.tags()} == {platform.family}
    assert platforms.parse(platform.tag) == platform


# --- tables --------------------------------------------------------------------------------------------------------


def test_a_table_is_read_and_comes_back() -> None:
    """Values are put into their canonical spelling, each once; the table of an environment makes the same one."""
    one = environments.read(
        "web", {"python": ["3.11", "3.13t", "3.11"], "platforms": ["linux", "manylinux_2_28_x86_64"]}
    )
    assert one == Environment("web", "cpython", ("3.11", "3.13t"), ("manylinux_2_28_x86_64",))
    assert environments.read("web", one.table) == one


def test_all_problems_at_once() -> None:
    """Every problem of a table is named with its key."""
    table = {
        "implementation": "ironpython",
        "python": [3.1, "4.0", "3.12t"],
        "platforms": ["vms", "win9x"],
        "arch": "x",
    }
    with pytest.raises(UsageError) as caught:
        environments.read("my.web", table)
    keys = [problem.key for problem in caught.value.problems]
    assert keys == [
        "environments.my.web",
        "environments.my.web.implementation",
        *["environments.my.web.python"] * 3,
        *["environments.my.web.platforms"] * 2,
        "environments.my.web.arch",
    ]
    assert "in quotes" in caught.value.problems[2].message


@pytest.mark.parametrize("value", [None, [], 3, {"a": "b"}])
def test_lists_are_needed(value: object) -> None:
    """An environment without Pythons or platforms would accept nothing, so it is refused."""
    with pytest.raises(UsageError) as caught:
        environments.read("web", {"implementation": value, "python": value, "platforms": value})
    assert [problem.key for problem in caught.value.problems] == [
        "environments.web.implementation",
        "environments.web.python",
        "environments.web.platforms",
    ]


def test_free_threaded_builds_are_those_of_cpython() -> None:
    """A free-threaded Python before 3.13, or one of PyPy, is refused."""
    for implementation, python in (("cpython", "3.12t"), ("pypy", "3.13t")):
        with pytest.raises(UsageError, match="free-threaded"):
            environment([python], ["linux"], implementation)


# --- tags ----------------------------------------------------------------------------------------------------------


def test_this_machine_accepts_what_its_installers_accept() -> None:
    """The environment that is made of the running Python accepts exactly the tags that packaging finds for it."""
    if sysconfig.get_config_var("Py_DEBUG") or sys.implementation.name != "cpython":
        pytest.skip("a debug build accepts an ABI more, which is on no index")
    here = environments.read("here", running(tuple(platform_tags())))
    assert here.tags(here.pythons[0]) == {str(tag) for tag in sys_tags()}


@pytest.mark.parametrize(
    ("pythons", "names", "accepted", "refused"),
    [
        (
            ["3.11"],
            ["manylinux_2_28_x86_64"],
            (
                "py3-none-any py37-none-any cp311-none-any cp311-cp311-linux_x86_64 cp311-cp311-manylinux1_x86_64 "
                "cp311-cp311-manylinux_2_5_x86_64 cp311-cp311-manylinux_2_28_x86_64 cp36-abi3-manylinux2014_x86_64 "
                "py3-none-manylinux2010_x86_64"
            ),
            (
                "py2-none-any py312-none-any cp310-cp310-manylinux1_x86_64 cp311-cp311-manylinux_2_29_x86_64 "
                "cp312-abi3-manylinux2014_x86_64 cp311-cp311-musllinux_1_1_x86_64 cp311-cp311-manylinux2014_aarch64 "
                "cp311-abi3t-manylinux_2_28_x86_64 cp39-none-manylinux_2_28_x86_64 pp39-pypy39_pp73-linux_x86_64"
            ),
        ),
        (
            ["3.13t"],
            ["linux aarch64"],
            "cp313-cp313t-manylinux_2_17_aarch64 cp313-none-linux_aarch64 py3-none-any",
            (
                "cp313-cp313-manylinux_2_17_aarch64 cp313-abi3-manylinux_2_17_aarch64 cp39-abi3-manylinux2014_aarch64 "
                "cp313-cp313t-manylinux1_aarch64"
            ),
        ),
        (
            ["3.12"],
            ["musllinux_1_2_x86_64"],
            "cp312-cp312-musllinux_1_0_x86_64 cp312-cp312-musllinux_1_2_x86_64 cp312-cp312-linux_x86_64",
            "cp312-cp312-musllinux_1_3_x86_64 cp312-cp312-manylinux2014_x86_64 cp312-cp312-musllinux_2_0_x86_64",
        ),
        (
            ["3.12"],
            ["macosx_14_0_arm64"],
            "cp312-cp312-macosx_11_0_arm64 cp312-cp312-macosx_10_9_universal2 cp312-cp312-macosx_14_0_universal2",
            "cp312-cp312-macosx_15_0_arm64 cp312-cp312-macosx_11_0_x86_64 cp312-cp312-macosx_10_9_intel",
        ),
        (
            ["3.9"],
            ["macosx_10_15_x86_64"],
            "cp39-cp39-macosx_10_6_intel cp39-cp39-macosx_10_9_universal2 cp39-cp39-macosx_10_15_x86_64",
            "cp39-cp39-macosx_11_0_x86_64 cp39-cp39-macosx_10_15_arm64",
        ),
        (["2.7"], ["linux"], "cp27-cp27mu-manylinux1_x86_64 cp27-cp27m-linux_x86_64 py2-none-any", "py3-none-any"),
        (["3.7"], ["win32"], "cp37-cp37m-win32 cp37-none-win32", "cp37-cp37-win32 cp37-cp37m-win_amd64"),
        (
            ["3.13"],
            ["ios_15_4_arm64_iphoneos", "android_24_arm64_v8a"],
            "cp313-cp313-ios_13_0_arm64_iphoneos cp313-cp313-ios_15_4_arm64_iphoneos cp313-cp313-android_21_arm64_v8a",
            (
                "cp313-cp313-ios_15_5_arm64_iphoneos cp313-cp313-ios_13_0_arm64_iphonesimulator "
                "cp313-cp313-android_26_arm64_v8a cp313-cp313-android_21_x86_64"
            ),
        ),
        (
            ["3.13"],
            ["pyemscripten_2025_0_wasm32"],
            "cp313-cp313-pyemscripten_2025_0_wasm32 cp313-cp313-pyodide_2025_0_wasm32 cp310-abi3-pyodide_2025_0_wasm32",
            "cp313-cp313-pyemscripten_2024_0_wasm32 cp313-cp313-emscripten_4_0_9_wasm32",
        ),
        (["3.12"], ["linux armv8l"], "cp312-cp312-manylinux_2_17_armv7l cp312-cp312-linux_armv7l", "py312-none-x"),
    ],
)
def test_tags(pythons: list[str], names: list[str], accepted: str, refused: str) -> None:
    """An environment accepts what was built for its machine or an older one, and nothing else."""
    tags = environment(pythons, names).tags(pythons[0])
    assert set(accepted.split()) <= tags
    assert tags.isdisjoint(refused.split())


def test_tags_of_pypy() -> None:
    """PyPy accepts its own tags and pure Python, and no CPython's."""
    tags = environment(["3.10"], ["linux"], "pypy").tags("3.10")
    assert {"pp310-pypy310_pp73-manylinux2014_x86_64", "pp3-none-any", "py3-none-any"} <= tags
    assert not any(tag.startswith("cp") for tag in tags)


@given(st.integers(5, 60), st.integers(5, 60))
def test_a_newer_glibc_accepts_more(one: int, other: int) -> None:
    """What a machine accepts, every machine with a newer glibc accepts as well (PEP 600)."""
    older, newer = (set(platforms.parse(f"manylinux_2_{minor}_x86_64").tags()) for minor in sorted((one, other)))
    assert older <= newer


# --- markers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "marker"),
    [
        ("linux arm64", "sys_platform == 'linux' and platform_machine == 'aarch64' and os_name == 'posix'"),
        ("macos 14 arm64", "platform_system == 'Darwin' and sys_platform == 'darwin' and platform_machine == 'arm64'"),
        ("windows", "os_name == 'nt' and platform_machine == 'AMD64' and platform_system == 'Windows'"),
        ("win32", "sys_platform == 'win32' and platform_machine == 'x86'"),
        ("win_arm64", "platform_machine == 'ARM64'"),
        ("android", "sys_platform == 'android' and platform_machine == 'aarch64'"),
        ("ios", "sys_platform == 'ios' and platform_machine == 'arm64'"),
        ("pyodide_2025_0_wasm32", "sys_platform == 'emscripten' and platform_machine == 'wasm32'"),
        ("freebsd_14_1_release_amd64", "sys_platform == 'freebsd14' and platform_machine == 'amd64'"),
    ],
)
def test_markers_of_a_machine(name: str, marker: str) -> None:
    """Markers (PEP 508) are evaluated as Python would on the machine."""
    (facts,) = environment(["3.11"], [name]).marker_environments()
    assert Marker(marker).evaluate(facts)


def test_markers_of_pythons() -> None:
    """There is one marker environment for each Python on each platform, with every variable that a marker can name."""
    facts = environment(["3.11", "3.12.4", "3.13t"], ["linux", "windows"]).marker_environments()
    assert [(one["python_full_version"], one["sys_platform"]) for one in facts] == [
        (python, system) for python in ("3.11.0", "3.12.4", "3.13.0") for system in ("linux", "win32")
    ]
    assert [one["python_version"] for one in facts[::2]] == ["3.11", "3.12", "3.13"]
    assert {len(one) for one in facts} == {11}
    (pypy,) = environment(["3.10"], ["linux"], "pypy").marker_environments()
    assert Marker("platform_python_implementation == 'PyPy' and implementation_name == 'pypy'").evaluate(pypy)


# --- uv ------------------------------------------------------------------------------------------------------------

TARGETS = {
    "manylinux_2_28_x86_64": "x86_64-manylinux_2_28",
    "manylinux_2_36_aarch64": "aarch64-manylinux_2_36",
    "manylinux_2_30_x86_64": "x86_64-manylinux_2_28",
    "manylinux_2_45_x86_64": "x86_64-manylinux_2_40",
    "manylinux2014_x86_64": "x86_64-manylinux_2_17",
    "manylinux_2_39_riscv64": "riscv64-unknown-linux",
    "musllinux_1_2_x86_64": "x86_64-unknown-linux-musl",
    "macosx_14_0_arm64": "aarch64-apple-darwin",
    "macosx_10_15_x86_64": "x86_64-apple-darwin",
    "win_amd64": "x86_64-pc-windows-msvc",
    "win_arm64": "aarch64-pc-windows-msvc",
    "win32": "i686-pc-windows-msvc",
    "android_24_arm64_v8a": "aarch64-linux-android",
    "android_24_x86_64": "x86_64-linux-android",
    "ios_13_0_arm64_iphoneos": "arm64-apple-ios",
    "ios_13_0_x86_64_iphonesimulator": "x86_64-apple-ios-simulator",
    "pyemscripten_2024_0_wasm32": "wasm32-pyodide2024",
    "pyodide_2025_0_wasm32": "wasm32-pyodide2025",
}


@pytest.mark.parametrize("name", TARGETS)
def test_uv_targets(name: str) -> None:
    """uv is told the platform, or the newest that accepts less, and the version of the system where it can be."""
    (target,) = environment(["3.12"], [name]).uv_targets()
    assert target[:2] == ("3.12", TARGETS[name])
    variables = {"macosx_10_15_x86_64": {"MACOSX_DEPLOYMENT_TARGET": "10.15"}, "win32": {}}
    assert dict(target.variables) == variables.get(name, dict(target.variables))


def test_uv_targets_are_named_once() -> None:
    """Two platforms that are the same for uv are resolved once; every Python is resolved."""
    targets = environment(["3.11", "3.12"], ["manylinux_2_29_x86_64", "manylinux_2_28_x86_64"]).uv_targets()
    assert [target.python for target in targets] == ["3.11", "3.12"]


def test_what_uv_cannot_resolve_for() -> None:
    """Every platform and Python that uv has nothing right for is named; nothing is left out silently."""
    names = ["manylinux1_x86_64", "linux i686", "musllinux_1_1_x86_64", "freebsd_14_1_release_amd64", "linux"]
    with pytest.raises(UsageError) as caught:
        environment(["3.13", "3.13t"], names).uv_targets()
    messages = [problem.message for problem in caught.value.problems]
    assert len(messages) == 5
    assert "3.13t" in messages[-1]
    with pytest.raises(UsageError, match="not for PyPy"):
        environment(["3.10"], ["linux"], "pypy").uv_targets()


@pytest.mark.peers
def test_uv_knows_the_targets() -> None:
    """Every platform that uv is told is one that its command line takes."""
    help_text = subprocess.run(
        [sys.executable, "-m", "uv", "help", "pip", "compile"], capture_output=True, text=True, check=True
    ).stdout
    assert [target for target in TARGETS.values() if f"- {target}:" not in help_text] == []


# --- requires-python -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("required", "python", "expected"),
    [
        (None, "3.11", True),
        ("", "3.11", True),
        (">=3.9", "3.11", True),
        (">=3.12", "3.11", False),
        (">=3.11.4", "3.11", True),
        (">=3.11.4", "3.11.3", False),
        ("!=3.11.0", "3.11", True),
        ("<3.11", "3.11", False),
        ("!=3.0.*,!=3.1.*,>=2.7", "3.1", False),
        (">=3.5.*", "2.7", True),
        ("nonsense", "3.11", True),
    ],
)
def test_requires_python(required: str | None, python: str, expected: bool) -> None:
    """A Python without a patch release stands for all of them; a value that cannot be read admits every Python."""
    assert admits(required, python) is expected


CLAUSES = st.tuples(
    st.sampled_from([">=", ">", "<", "<=", "==", "!=", "~="]), st.integers(10, 12), st.integers(0, 9)
).map(lambda clause: "{}3.{}.{}".format(*clause))


@given(st.lists(CLAUSES, max_size=4).map(",".join))
def test_requires_python_is_as_if_every_patch_release_was_tried(required: str) -> None:
    """No patch release is overlooked."""
    every = any(SpecifierSet(required).contains(f"3.11.{patch}") for patch in range(30))
    assert admits(required, "3.11") is every


# --- other machines ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["linux_x86_64", "manylinux_2_36_x86_64", "manylinux_2_35_x86_64"], ["manylinux_2_36_x86_64"]),
        (["linux_aarch64", "musllinux_1_2_aarch64", "musllinux_1_1_aarch64"], ["musllinux_1_2_aarch64"]),
        (["macosx_14_0_arm64", "macosx_14_0_universal2"], ["macosx_14_0_arm64"]),
        (["win_amd64"], ["win_amd64"]),
        (["linux_armv6l"], ["linux_armv6l"]),
        (
            ["pyemscripten_2026_0_wasm32", "emscripten_5_0_3_wasm32"],
            ["pyemscripten_2026_0_wasm32", "emscripten_5_0_3_wasm32"],
        ),
    ],
)
def test_machines_are_described_by_their_newest_tag(tags: list[str], expected: list[str]) -> None:
    """Of the tags that a machine accepts the one that implies the others is printed."""
    assert described(tags) == expected
    assert environment(["3.14"], described(tags)).platforms == tuple(expected)


def test_a_linux_without_a_known_libc_is_not_guessed() -> None:
    """A Python that is linked statically does not tell which wheels it can load."""
    with pytest.raises(UsageError, match="neither glibc nor musl"):
        described(["linux_x86_64"])
