"""Throw-away certificates for HTTPS on 127.0.0.1, made by the ``openssl`` command (3.0 or later)."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_AUTHORITY = """
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
_SERVER = """
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1, DNS:localhost
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
_CLIENT = """
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = DNS:client.example.org
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
# Only this file counts: with the system's own, an extension could come twice, which strict readers refuse.
_SETTINGS = "[req]\ndistinguished_name = subject\n[subject]\n" + _AUTHORITY + _SERVER + _CLIENT


@dataclass(frozen=True, slots=True)
class Certificates:
    """The paths of an authority, and of a server's and a client's certificate by it; all PEM, keys unencrypted."""

    authority: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make_certificates(directory: Path) -> Certificates:
    """Make new certificates in *directory*, good for a day. Raises CalledProcessError with what openssl said."""
    settings = directory / "openssl.cnf"
    settings.write_text(_SETTINGS)
    authority, authority_key = _certificate(directory, "authority")
    signer = ("-CA", str(authority), "-CAkey", str(authority_key))
    server, server_key = _certificate(directory, "server", *signer)
    client, client_key = _certificate(directory, "client", *signer)
    return Certificates(authority, server, server_key, client, client_key)


def server_context(certificates: Certificates, require_client_certificate: bool) -> ssl.SSLContext:
    """What a server needs to be trusted by who trusts the authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.authority)
    context.load_cert_chain(certificates.server, certificates.server_key)
    context.set_alpn_protocols(["http/1.1"])
    if require_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _certificate(directory: Path, role: str, *signer: str) -> tuple[Path, Path]:
    certificate, key = directory / f"{role}.pem", directory / f"{role}-key.pem"
    command = ["openssl", "req", "-x509", "-config", str(directory / "openssl.cnf"), "-extensions", role]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-sha256", "-days", "1"]
    command += ["-subj", f"/CN=bandersnatch tests {role}", "-keyout", str(key), "-out", str(certificate), *signer]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return certificate, key
