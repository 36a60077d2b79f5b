"""Provenance objects (PEP 740), told from whatever else may come in their place. Who signed them is not asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any


def is_of(data: bytes, sha256: str) -> bool:
    """Whether *data* is a provenance object with an attestation of the file that has this SHA-256."""
    try:
        found = json.loads(data)
        return isinstance(found, dict) and any(sha256 == digest for digest in _attested(found))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return False  # another shape


def _attested(provenance: dict[str, Any]) -> Iterator[Any]:
    """The SHA-256 digests that the statements of a provenance object are about."""
    for bundle in provenance["attestation_bundles"]:
        for attestation in bundle["attestations"]:
            statement = json.loads(base64.b64decode(attestation["envelope"]["statement"]))
            yield from (subject["digest"].get("sha256") for subject in statement["subject"])
