"""Provenance objects (PEP 740) of the right shape. Nobody has signed them: they are to be carried, not believed."""

from __future__ import annotations

import base64
import json
from typing import Any

from bandersnatch.testing.state import UploadedFile


def provenance(file: UploadedFile) -> bytes:
    """The provenance object of *file*, as JSON."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": file.filename, "digest": {"sha256": file.sha256}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": None,
    }
    attestation = {
        "version": 1,
        "verification_material": {"certificate": _base64(b"no certificate"), "transparency_entries": [_ENTRY]},
        "envelope": {"statement": _base64(json.dumps(statement).encode()), "signature": _base64(b"no signature")},
    }
    publisher = {"kind": "GitHub", "claims": None, "repository": f"example/{file.project}", "workflow": "release.yml"}
    bundle = {"publisher": publisher, "attestations": [attestation]}
    return json.dumps({"version": 1, "attestation_bundles": [bundle]}).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


_ENTRY: dict[str, Any] = {
    "logIndex": "1",
    "logId": {"keyId": _base64(b"no log")},
    "kindVersion": {"kind": "dsse", "version": "0.0.1"},
    "integratedTime": "1577836800",
    "inclusionPromise": None,
    "inclusionProof": None,
    "canonicalizedBody": _base64(b"{}"),
}
