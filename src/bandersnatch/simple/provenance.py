"""Provenance objects (PEP 740), told from whatever else may come in their place. Who signed them is not asked."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import msgspec


class _Envelope(msgspec.Struct):
    statement: str


class _Attestation(msgspec.Struct):
    envelope: _Envelope


class _Bundle(msgspec.Struct):
    attestations: list[_Attestation]


class _Provenance(msgspec.Struct):
    """Only what is asked for is kept of a document that may be made to be large."""

    attestation_bundles: list[_Bundle]


class _Digest(msgspec.Struct):
    sha256: str | None = None


class _Subject(msgspec.Struct):
    digest: _Digest


class _Statement(msgspec.Struct):
    subject: list[_Subject]


def is_of(data: bytes, sha256: str) -> bool:
    """Whether *data* is a provenance object with an attestation of the file that has this SHA-256."""
    try:
        found = msgspec.json.decode(data, type=_Provenance)
        return any(sha256 == digest for digest in _attested(found))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False  # another shape


def _attested(provenance: _Provenance) -> Iterator[str | None]:
    """The SHA-256 digests that the statements of a provenance object are about."""
    for bundle in provenance.attestation_bundles:
        for attestation in bundle.attestations:
            statement = msgspec.json.decode(base64.b64decode(attestation.envelope.statement), type=_Statement)
            yield from (subject.digest.sha256 for subject in statement.subject)
