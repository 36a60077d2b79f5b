"""Machines as wheels name them: platform tags (PEP 425), what each machine accepts, and how markers describe it.

Canonical spellings are tags: ``manylinux_2_28_x86_64`` (PEP 600), ``musllinux_1_2_aarch64`` (PEP 656),
``macosx_14_0_arm64``, ``win_amd64``, ``ios_13_0_arm64_iphoneos`` (PEP 730), ``android_24_arm64_v8a`` (PEP 738),
``pyemscripten_2026_0_wasm32`` (PEP 783), ``freebsd_14_1_release_amd64``. A tag names the newest system a machine has:
it accepts what was built for older ones as well, as far as the PEPs let it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from packaging.tags import android_platforms, ios_platforms, mac_platforms

from bandersnatch.values import Struct

FAMILIES: Mapping[str, str] = {
    "manylinux": "linux", "musllinux": "linux", "linux": "linux", "macosx": "macos", "win": "windows",
    "ios": "ios", "android": "android", "freebsd": "freebsd", "netbsd": "netbsd", "openbsd": "openbsd",
    "emscripten": "emscripten", "pyodide": "emscripten", "pyemscripten": "emscripten",
}  # fmt: skip
"""The family of systems by the word that a platform tag begins with."""

GLIBC = 28
"""``linux`` without a version means glibc 2.28: RHEL 8, Debian 10, Ubuntu 18.10 and everything newer."""
_GLIBC_OF = {"riscv64": 39, "loongarch64": 38}  # wheels for these begin with newer ones
MACOS = 14
"""``macos`` without a version."""
ANDROID = 24
"""``android`` without an API level."""
IOS = 13
"""``ios`` without a version."""

_LEGACY = {"1": 5, "2010": 12, "2014": 17}  # PEP 600: the former names, by the minor version of glibc 2
_LINUX = {
    "x86_64": "x86_64", "amd64": "x86_64", "i686": "i686", "i386": "i686", "x86": "i686",
    "aarch64": "aarch64", "arm64": "aarch64", "armv8l": "armv8l", "armv7l": "armv7l", "armv6l": "armv6l",
    "ppc64le": "ppc64le", "ppc64": "ppc64", "s390x": "s390x", "riscv64": "riscv64", "loongarch64": "loongarch64",
}  # fmt: skip
_WINDOWS = {
    "": "win_amd64", "amd64": "win_amd64", "x86_64": "win_amd64", "arm64": "win_arm64", "aarch64": "win_arm64",
    "32": "win32", "x86": "win32", "i686": "win32",
}  # fmt: skip
_APPLE = {"arm64": "arm64", "aarch64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}
_ANDROID = {
    "arm64_v8a": "arm64_v8a", "arm64": "arm64_v8a", "aarch64": "arm64_v8a", "armeabi_v7a": "armeabi_v7a",
    "x86_64": "x86_64", "x86": "x86",
}  # fmt: skip
# What platform.machine() gives there.
_MACHINES = {
    "win_amd64": "AMD64", "win_arm64": "ARM64", "win32": "x86",
    "arm64_v8a": "aarch64", "armeabi_v7a": "armv7l", "x86": "i686",
}  # fmt: skip
# For each family the markers os_name, sys_platform (with the major version in the BSDs') and platform_system.
_MARKERS = {
    "linux": ("posix", "linux", "Linux"),
    "macos": ("posix", "darwin", "Darwin"),
    "windows": ("nt", "win32", "Windows"),
    "ios": ("posix", "ios", "iOS"),
    "android": ("posix", "android", "Android"),
    "emscripten": ("posix", "emscripten", "Emscripten"),
    "freebsd": ("posix", "freebsd{}", "FreeBSD"),
    "netbsd": ("posix", "netbsd{}", "NetBSD"),
    "openbsd": ("posix", "openbsd{}", "OpenBSD"),
}


class Platform(Struct, frozen=True):
    """One kind of machine."""

    kind: str
    """The word that its tag begins with: a key of ``FAMILIES``."""
    tag: str
    """Its canonical spelling."""
    machine: str
    """The processor as the tag spells it; for iOS with the device, for Windows the whole tag."""
    version: tuple[int, int] = (0, 0)
    """Of glibc, musl, macOS, iOS, the BSD or the Emscripten platform; of Android the API level and 0."""

    @property
    def family(self) -> str:
        return FAMILIES[self.kind]

    def tags(self) -> tuple[str, ...]:
        """Every platform tag that installers on such a machine accept, but ``any``; no order is promised."""
        match self.kind:
            case "manylinux" | "musllinux":
                return tuple(_linux_tags(self))
            case "macosx":
                return tuple(mac_platforms(self.version, self.machine))
            case "ios":
                return tuple(ios_platforms(self.version, self.machine))
            case "android":
                return tuple(android_platforms(self.version[0], self.machine))
            case "pyemscripten":
                # What PEP 783 calls pyemscripten was called pyodide before; the platform is the same.
                return (self.tag, self.tag.replace("pyemscripten", "pyodide"))
            case _:
                return (self.tag,)

    def markers(self) -> dict[str, str]:
        """The markers (PEP 508) that depend on the machine; the release and version of its system are left empty."""
        os_name, sys_platform, system = _MARKERS[self.family]
        processor = self.machine.partition("_iphone")[0]
        return {
            "os_name": os_name,
            "sys_platform": sys_platform.format(self.version[0]),
            "platform_system": system,
            "platform_machine": _MACHINES.get(self.machine, processor),
            "platform_release": "",
            "platform_version": "",
        }


def family_of(tag: str) -> str | None:
    """The family that a platform *tag* belongs to: ``linux`` for ``manylinux1_x86_64``; None if it is not known."""
    word = re.match(r"[a-z]*", tag)
    return FAMILIES.get(word[0]) if word else None


def spellings(tag: str) -> tuple[str, ...]:
    """*tag*, and the other tag of the very same platform where it has one: PEP 600 and PEP 783 renamed some."""
    if found := re.fullmatch(r"manylinux(1|2010|2014)_(\w+)", tag):
        return tag, f"manylinux_2_{_LEGACY[found[1]]}_{found[2]}"
    if found := re.fullmatch(r"manylinux_2_(\d+)_(\w+)", tag):
        return tag, *(f"manylinux{name}_{found[2]}" for name, minor in _LEGACY.items() if str(minor) == found[1])
    if found := re.fullmatch(r"(pyodide|pyemscripten)(_\w+)", tag):
        return tag, f"{'pyemscripten' if found[1] == 'pyodide' else 'pyodide'}{found[2]}"
    return (tag,)


def parse(text: str) -> Platform:
    """
    The platform that *text* names: a tag, or a readable spelling.

    Spaces, dots and dashes count as underscores. Readable are ``linux [PROCESSOR]``, ``macos [VERSION] [PROCESSOR]``,
    ``windows [PROCESSOR]``, ``android [LEVEL] [ABI]`` and ``ios [VERSION]``; what is left out is the most common:
    glibc 2.28, macOS 14, x86_64 (arm64 for macOS and phones). So ``linux_x86_64`` is glibc 2.28 as well: as a tag it
    would leave the libc open, and accept next to no wheel. Raises ValueError with what to write instead.
    """
    spelled = re.sub(r"[\s./-]+", "_", text.strip().lower())
    for pattern, make in _FORMS:
        if found := pattern.fullmatch(spelled):
            return make(*(part or "" for part in found.groups()))
    raise ValueError(
        f"{text!r} is not a platform that is known: write a tag such as manylinux_2_28_x86_64, musllinux_1_2_aarch64, "
        "macosx_14_0_arm64 or win_amd64, or linux, macos, windows, android or ios and a processor"
    )


# --- one function for each form ------------------------------------------------------------------------------------


def _glibc(minor: str, processor: str) -> Platform:
    machine = _known(processor, _LINUX)
    oldest = _oldest_glibc(machine)
    if int(minor) < oldest:
        raise ValueError(f"glibc 2.{minor} is too old: wheels for {machine} begin with glibc 2.{oldest}")
    return Platform("manylinux", f"manylinux_2_{int(minor)}_{machine}", machine, (2, int(minor)))


def _legacy(name: str, processor: str) -> Platform:
    return _glibc(str(_LEGACY[name]), processor)


def _linux(processor: str) -> Platform:
    machine = _known(processor or "x86_64", _LINUX)
    if machine == "armv6l":  # PEP 600 leaves it out; piwheels and PyPI take the plain tag
        return Platform("linux", "linux_armv6l", machine)
    return _glibc(str(_GLIBC_OF.get(machine, GLIBC)), machine)


def _musl(minor: str, processor: str) -> Platform:
    machine = _known(processor, _LINUX)
    return Platform("musllinux", f"musllinux_1_{int(minor)}_{machine}", machine, (1, int(minor)))


def _macos(major: str, minor: str, processor: str) -> Platform:
    if processor.startswith(("universal", "intel", "fat")):
        raise ValueError(f"{processor} is a kind of file, not a machine: write arm64 or x86_64; either accepts it")
    machine = _known(processor or "arm64", _APPLE)
    version = (int(major or MACOS), int(minor or 0))
    oldest = (11, 0) if machine == "arm64" else (10, 4)
    if version < oldest:
        raise ValueError(f"macOS {version[0]}.{version[1]} is too old: {machine} begins with {oldest[0]}.{oldest[1]}")
    if version >= (11, 0):
        version = (version[0], 0)  # from 11 on tags have no other minor version
    return Platform("macosx", f"macosx_{version[0]}_{version[1]}_{machine}", machine, version)


def _windows(processor: str) -> Platform:
    tag = _known(processor, _WINDOWS)
    return Platform("win", tag, tag)


def _ios(major: str, minor: str, processor: str, device: str) -> Platform:
    version = (int(major or IOS), int(minor or 0))
    if version < (12, 0):
        raise ValueError("no Python runs on iOS before 12")
    machine = f"{_known(processor or 'arm64', _APPLE)}_{device or 'iphoneos'}"
    return Platform("ios", f"ios_{version[0]}_{version[1]}_{machine}", machine, version)


def _android(level: str, abi: str) -> Platform:
    machine = _known(abi or "arm64_v8a", _ANDROID)
    version = int(level or ANDROID)
    if version < 16:
        raise ValueError("no Python runs on Android before API level 16")
    return Platform("android", f"android_{version}_{machine}", machine, (version, 0))


def _emscripten(name: str, major: str, minor: str, rest: str) -> Platform:
    kind = "pyemscripten" if name == "pyodide" else name
    version = (int(major), int(minor))
    return Platform(kind, f"{kind}_{version[0]}_{version[1]}{rest}_wasm32", "wasm32", version)


def _bsd(name: str, major: str, rest: str, machine: str) -> Platform:
    return Platform(name, f"{name}_{major}{rest}_{machine}", machine, (int(major), 0))


# The numbers are bounded, since each stands for as many tags.
_FORMS: tuple[tuple[re.Pattern[str], Callable[..., Platform]], ...] = (
    (re.compile(r"manylinux_2_(\d{1,2})_(\w+)"), _glibc),
    (re.compile(r"manylinux(1|2010|2014)_(\w+)"), _legacy),
    (re.compile(r"musllinux_1_(\d{1,2})_(\w+)"), _musl),
    (re.compile(r"linux(?:_(\w+))?"), _linux),
    (re.compile(r"mac(?:os|osx)(?:_(\d{1,2})(?:_(\d{1,2}))?)?(?:_([a-z]\w*))?"), _macos),
    (re.compile(r"win(?:dows)?_?(\w*)"), _windows),
    (re.compile(r"ios(?:_(\d{1,2})(?:_(\d{1,2}))?)?(?:_(arm64|x86_64)(?:_(iphoneos|iphonesimulator))?)?"), _ios),
    (re.compile(r"android(?:_(\d{1,2}))?(?:_([a-z]\w*))?"), _android),
    (re.compile(r"(pyemscripten|pyodide|emscripten)_(\d{1,4})_(\d{1,2})((?:_\d{1,3})?)_wasm32"), _emscripten),
    (re.compile(r"(freebsd|netbsd|openbsd)_(\d{1,2})((?:_\w+)?)_([a-z0-9]+|x86_64)"), _bsd),
)


def _known(word: str, words: Mapping[str, str]) -> str:
    """*word* in its canonical spelling."""
    if word in words:
        return words[word]
    raise ValueError(f"{word!r} is no processor that is known here: write one of {_listed(words.values())}")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def _oldest_glibc(machine: str) -> int:
    return 5 if machine in {"x86_64", "i686"} else 17


def _linux_tags(platform: Platform) -> Iterable[str]:
    """Everything for the libc's version or an older one, and the tag that leaves the libc open."""
    # An armv8l is a 64-bit processor that runs 32-bit programs, those for its predecessor among them.
    for machine in {"armv8l": ("armv8l", "armv7l")}.get(platform.machine, (platform.machine,)):
        yield f"linux_{machine}"
        newest = platform.version[1]
        if platform.kind == "musllinux":
            yield from (f"musllinux_1_{minor}_{machine}" for minor in range(newest + 1))
            continue
        oldest = _oldest_glibc(machine)
        yield from (f"manylinux_2_{minor}_{machine}" for minor in range(oldest, newest + 1))
        yield from (f"manylinux{name}_{machine}" for name, minor in _LEGACY.items() if oldest <= minor <= newest)
