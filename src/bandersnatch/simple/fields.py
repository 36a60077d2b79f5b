"""Core metadata as fields with their values, whichever form it comes in: what rules about metadata judge.

Fields are in lower case as the core metadata specification names them (``requires-dist``), and each has a tuple of
values. A field that is not said, is empty, or says UNKNOWN as old build tools do, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from bandersnatch.errors import BadContent
from bandersnatch.simple import plain

_PLURALS = {
    "classifiers": "classifier",
    "import_names": "import-name",
    "import_namespaces": "import-namespace",
    "license_files": "license-file",
    "platforms": "platform",
    "project_urls": "project-url",
    "supported_platforms": "supported-platform",
}
"""Where JSON's name of a field is not the field's own."""

_DECIDING = ("name", "version", "requires-dist", "requires-python", "provides-extra")
"""What installers decide by."""

_NOT_METADATA = frozenset(("bugtrack_url", "docs_url", "package_url", "project_url", "release_url", "yanked_reason"))
"""What PyPI's older JSON says among the metadata, and no release of itself."""


def from_metadata(metadata: bytes) -> dict[str, tuple[str, ...]]:
    """
    The fields of a METADATA or PKG-INFO file, versions 1.0 to 2.6.

    Lenient: a field that is there more often than it may be has all its values, and one that nobody knows is kept.
    What is longer than anybody's is not read (``plain.readable``).
    """
    from packaging.metadata import parse_email

    known, others = parse_email(plain.readable(metadata))
    return _fields({**others, **known})


def is_like(metadata: bytes, other: bytes) -> bool:
    """Whether two METADATA files are of the same release, and say the same of what it needs."""
    first, second = from_metadata(metadata), from_metadata(other)
    return all(set(first.get(field, ())) == set(second.get(field, ())) for field in _DECIDING)


def from_info(info: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The fields of ``info`` in PyPI's older JSON. Lenient: a value of an unexpected type is left out."""
    return _fields({key: value for key, value in info.items() if key not in _NOT_METADATA})


def from_json(body: bytes) -> dict[str, tuple[str, ...]]:
    """The fields of a release in PyPI's older JSON. Raises BadContent for what is none."""
    try:
        return from_info(msgspec.json.decode(body, type=_Release).info)
    except msgspec.MsgspecError as error:
        raise BadContent(f"not PyPI's JSON of a release: {error}") from error


class _Release(msgspec.Struct):
    info: dict[str, object]


def _fields(facts: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    for key, value in facts.items():
        name = _PLURALS.get(key, key.lower().replace("_", "-"))
        values = (text for one in _values(value) for text in (one.split(",") if name == "keywords" else (one,)))
        said = tuple(text for one in values if (text := one.strip()) and text != "UNKNOWN")
        if said:
            fields[name] = (*fields.get(name, ()), *said)
    return fields


def _values(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Mapping):
        return [f"{label}, {url}" for label, url in value.items() if isinstance(url, str)]
    if isinstance(value, list | tuple):
        return [one for one in value if isinstance(one, str)]
    return ()
