"""Provenance objects, told from everything else that may come in their place."""

from __future__ import annotations

import base64
import json

import pytest

from bandersnatch.simple.provenance import is_of
from bandersnatch.testing import Index
from bandersnatch.testing.provenance import provenance

FILE = Index().upload("alpha", "1.0", provenance=True)


def test_its_own() -> None:
    """A provenance object is that of the file whose digest it attests."""
    assert is_of(provenance(FILE), FILE.sha256)


def test_of_another() -> None:
    """It is not that of another file."""
    other = Index().upload("beta", "1.0", provenance=True)
    assert not is_of(provenance(other), FILE.sha256)


def altered(statement: object) -> bytes:
    whole = json.loads(provenance(FILE))
    encoded = base64.b64encode(json.dumps(statement).encode()).decode()
    whole["attestation_bundles"][0]["attestations"][0]["envelope"]["statement"] = encoded
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<html>Log in</html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"version": 1, "attestation_bundles": []}',
        b'{"version": 1, "attestation_bundles": null}',
        b'{"version": 1, "attestation_bundles": [1]}',
        b'{"version": 1, "attestation_bundles": [{"attestations": [{"envelope": {"statement": "?"}}]}]}',
        altered([]),
        altered({"subject": [{"digest": []}]}),
        altered({"subject": [{"digest": {"sha256": None}}]}),
    ],
    ids=str,
)
def test_anything_else(data: bytes) -> None:
    """Whatever else it is, it is none, and no error."""
    assert not is_of(data, FILE.sha256)
