"""Real distribution files, made in memory: wheels and sdists that installers take, and the kinds of the past.

Nothing is compressed and no clock is read: the same arguments give the same bytes everywhere, and the size of a file
is that of its contents plus what the archive needs.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Build:
    """What a distribution file is made from."""

    name: str
    """As its author spells it."""
    version: str
    python: str = "py3"
    abi: str = "none"
    platform: str = "any"
    requires_python: str | None = None
    requires_dist: tuple[str, ...] = ()
    summary: str = ""
    padding: int = 0
    """Bytes that do not compress, put in to make a file large."""

    @property
    def stem(self) -> str:
        """The name as file names carry it (PEP 427, PEP 625)."""
        return re.sub(r"[-_.]+", "_", self.name).lower()

    @property
    def metadata(self) -> bytes:
        """Core metadata, version 2.1: the METADATA of a wheel, the PKG-INFO of an sdist."""
        lines = ["Metadata-Version: 2.1", f"Name: {self.name}", f"Version: {self.version}"]
        if self.summary:
            lines.append(f"Summary: {self.summary}")
        if self.requires_python is not None:
            lines.append(f"Requires-Python: {self.requires_python}")
        lines += [f"Requires-Dist: {requirement}" for requirement in self.requires_dist]
        return "\n".join([*lines, ""]).encode()

    @property
    def filler(self) -> bytes:
        """*padding* bytes, other ones for each name and version."""
        return hashlib.shake_128(f"{self.name} {self.version}".encode()).digest(self.padding)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of distribution file."""

    packagetype: str
    """What PyPI's older JSON calls it."""
    pattern: str
    make: Callable[[Build], bytes]

    def filename(self, build: Build) -> str:
        """The name of the file made from *build*."""
        return self.pattern.format(
            stem=build.stem,
            version=build.version,
            python=build.python,
            abi=build.abi,
            platform=build.platform,
        )


def wheel(build: Build) -> bytes:
    """A wheel of one importable package (PEP 427)."""
    info = f"{build.stem}-{build.version}.dist-info"
    members = {
        f"{build.stem}/__init__.py": f"__version__ = {build.version!r}\n".encode(),
        **_padding(f"{build.stem}/padding.bin", build),
        f"{info}/METADATA": build.metadata,
        f"{info}/WHEEL": _wheel_file(build),
    }
    members[f"{info}/RECORD"] = _record(members, f"{info}/RECORD")
    return _zip(members)


def _wheel_file(build: Build) -> bytes:
    tags = [
        f"Tag: {python}-{abi}-{platform}"
        for python in build.python.split(".")
        for abi in build.abi.split(".")
        for platform in build.platform.split(".")
    ]
    head = ["Wheel-Version: 1.0", "Generator: bandersnatch.testing", "Root-Is-Purelib: true"]
    return "\n".join([*head, *tags, ""]).encode()


def _record(members: Mapping[str, bytes], own: str) -> bytes:
    lines = []
    for name, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}")
    return "\n".join([*lines, f"{own},,", ""]).encode()


# An sdist has to be built to be installed, and a test has no index to get a build tool from: each sdist therefore
# carries its own backend (PEP 517), which hands out the wheel that lies ready beside it; in base64, because old pips
# take whatever has the end of a ZIP archive near its own end for a ZIP archive.
_PYPROJECT = b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
_BACKEND = b"""\
import base64
import pathlib


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    [built] = pathlib.Path("built").glob("*.whl.b64")
    pathlib.Path(wheel_directory, built.stem).write_bytes(base64.b64decode(built.read_bytes()))
    return built.stem
"""


def _sdist_members(build: Build) -> dict[str, bytes]:
    folder = f"{build.stem}-{build.version}"
    plain = replace(build, python="py3", abi="none", platform="any", padding=0)
    return {
        f"{folder}/PKG-INFO": build.metadata,
        f"{folder}/pyproject.toml": _PYPROJECT,
        f"{folder}/backend.py": _BACKEND,
        f"{folder}/built/{KINDS['wheel'].filename(plain)}.b64": base64.b64encode(wheel(plain)),
        **_padding(f"{folder}/padding.bin", build),
    }


def sdist(build: Build) -> bytes:
    """A source distribution (PEP 625) that builds without any build tool."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in _sdist_members(build).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=0, fileobj=packed, mtime=0) as stream:
        stream.write(tar.getvalue())
    return packed.getvalue()


def _zipped_sdist(build: Build) -> bytes:
    return _zip(_sdist_members(build))


def _egg(build: Build) -> bytes:
    return _zip({"EGG-INFO/PKG-INFO": build.metadata, **_padding("padding.bin", build)})


def _opaque(build: Build) -> bytes:
    return f"{build.name} {build.version}, in a format that nobody unpacks any more\n".encode() + build.filler


def _padding(name: str, build: Build) -> dict[str, bytes]:
    return {name: build.filler} if build.padding else {}


def _zip(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # not what this machine is: the bytes shall be the same everywhere
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
    return packed.getvalue()


KINDS: Mapping[str, Kind] = {
    "wheel": Kind("bdist_wheel", "{stem}-{version}-{python}-{abi}-{platform}.whl", wheel),
    "sdist": Kind("sdist", "{stem}-{version}.tar.gz", sdist),
    "zip": Kind("sdist", "{stem}-{version}.zip", _zipped_sdist),
    "egg": Kind("bdist_egg", "{stem}-{version}-{python}.egg", _egg),
    "wininst": Kind("bdist_wininst", "{stem}-{version}.{platform}.exe", _opaque),
    "msi": Kind("bdist_msi", "{stem}-{version}.{platform}.msi", _opaque),
    "rpm": Kind("bdist_rpm", "{stem}-{version}-1.noarch.rpm", _opaque),
    "dumb": Kind("bdist_dumb", "{stem}-{version}.{platform}.tar.gz", _opaque),
}
"""The kinds of distribution files that PyPI has ever taken, by the name that ``Index.upload`` knows them under."""

_ENDINGS = {".whl": "wheel", ".zip": "zip", ".egg": "egg", ".exe": "wininst", ".msi": "msi", ".rpm": "rpm"}


def kind_of(filename: str) -> str:
    """The kind that the ending of *filename* says; an sdist where it says nothing."""
    return next((kind for ending, kind in _ENDINGS.items() if filename.endswith(ending)), "sdist")
