"""Archives made member by member."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping


def tar(members: Mapping[str, bytes], mode: str = "gz") -> bytes:
    """A tar of *members*, compressed by *mode*."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=f"w:{mode}") as archive:  # type: ignore[call-overload]  # a mode that varies
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A ZIP archive of *members*."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()
