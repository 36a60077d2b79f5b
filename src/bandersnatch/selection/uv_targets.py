"""How uv, the resolver, is told to resolve for another machine: ``uv pip compile --python-platform``.

uv knows a fixed list of platforms. Where it has not ours it takes the newest that accepts less than ours does: what
it finds can then be installed. Where it has none of that kind it must not guess, and the operator is told.
"""

from __future__ import annotations

from typing import NamedTuple

from bandersnatch.selection.platforms import Platform


class UvTarget(NamedTuple):
    """One resolution: what to give to uv."""

    python: str
    """For ``--python-version``: ``3.11``."""
    platform: str
    """For ``--python-platform``: ``x86_64-manylinux_2_28``."""
    variables: tuple[tuple[str, str], ...] = ()
    """Environment variables that tell uv the version of the system, where the platform does not."""


_GLIBC = (17, 28, *range(31, 41))
_WINDOWS = {
    "win_amd64": "x86_64-pc-windows-msvc",
    "win_arm64": "aarch64-pc-windows-msvc",
    "win32": "i686-pc-windows-msvc",
}
_APPLE = {"arm64": "aarch64-apple-darwin", "x86_64": "x86_64-apple-darwin"}
_IOS = {
    "arm64_iphoneos": "arm64-apple-ios",
    "arm64_iphonesimulator": "arm64-apple-ios-simulator",
    "x86_64_iphonesimulator": "x86_64-apple-ios-simulator",
}
_ANDROID = {"arm64_v8a": "aarch64-linux-android", "x86_64": "x86_64-linux-android"}
_PYODIDE = {(2024, 0): "wasm32-pyodide2024", (2025, 0): "wasm32-pyodide2025"}


def target(python: str, platform: Platform) -> UvTarget:
    """What uv is to be given for *python* on *platform*. Raises ValueError if uv has nothing that is right."""
    if python.endswith("t"):
        raise ValueError(
            f"uv resolves for the usual builds of Python only, not for free-threaded ones such as {python}"
        )
    triple = _triple(platform)
    if triple is None:
        raise ValueError(f"uv cannot resolve for {platform.tag}: it has no such platform, nor one that is older")
    return UvTarget(python, triple, _variables(platform))


def _triple(platform: Platform) -> str | None:
    match platform.kind:
        case "manylinux":
            return _glibc(platform)
        case "musllinux" if platform.version >= (1, 2) and platform.machine in {"x86_64", "aarch64"}:
            return f"{platform.machine}-unknown-linux-musl"
        case "win":
            return _WINDOWS[platform.machine]
        case "macosx":
            return _APPLE[platform.machine]
        case "ios":
            return _IOS.get(platform.machine)
        case "android":
            return _ANDROID.get(platform.machine)
        case "pyemscripten":
            return _PYODIDE.get(platform.version)
        case _:
            return None


def _glibc(platform: Platform) -> str | None:
    minor = platform.version[1]
    if platform.machine == "riscv64":
        return "riscv64-unknown-linux" if minor >= 39 else None
    if platform.machine not in {"x86_64", "aarch64"} or minor < _GLIBC[0]:
        return None
    return f"{platform.machine}-manylinux_2_{max(known for known in _GLIBC if known <= minor)}"


def _variables(platform: Platform) -> tuple[tuple[str, str], ...]:
    major, minor = platform.version
    match platform.kind:
        case "macosx":
            return (("MACOSX_DEPLOYMENT_TARGET", f"{major}.{minor}"),)
        case "ios":
            return (("IPHONEOS_DEPLOYMENT_TARGET", f"{major}.{minor}"),)
        case "android":
            return (("ANDROID_API_LEVEL", str(major)),)
        case _:
            return ()
