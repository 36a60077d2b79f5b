from __future__ import annotations

import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bandersnatch.testing import Certificates, UpstreamServer, make_certificates

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One set for all tests of this module."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def read(url: str, context: ssl.SSLContext) -> int:
    """The status of *url*."""
    with urllib.request.urlopen(url, context=context, timeout=10) as response:
        status: int = response.status
        return status


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_server_is_trusted_by_who_trusts_the_authority(certificates: Certificates, host: str) -> None:
    """HTTPS by address and by name, checked as strictly as OpenSSL can, with the scheme in every link."""
    context = ssl.create_default_context(cafile=certificates.authority)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with UpstreamServer(tls=certificates) as server:
        file = server.index.upload("foo", "1")
        assert server.url.startswith("https://127.0.0.1:")
        assert read(server.url.replace("127.0.0.1", host) + "/simple/foo/", context) == 200
        assert read(server.url_of(file), context) == 200


def test_server_is_not_trusted_by_others(certificates: Certificates) -> None:
    """Who does not know the authority refuses, and the server does not mind."""
    with UpstreamServer(tls=certificates) as server:
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            read(f"{server.url}/simple/", ssl.create_default_context())
        assert read(f"{server.url}/simple/", ssl.create_default_context(cafile=certificates.authority)) == 200


def test_client_certificate_can_be_required(certificates: Certificates) -> None:
    """Only who shows a certificate of the authority is served."""
    context = ssl.create_default_context(cafile=certificates.authority)
    with UpstreamServer(tls=certificates, require_client_certificate=True) as server:
        with pytest.raises(OSError):  # which one depends on when the alert arrives
            read(f"{server.url}/simple/", context)
        context.load_cert_chain(certificates.client, certificates.client_key)
        assert read(f"{server.url}/simple/", context) == 200


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("server", ["IP Address:127.0.0.1, DNS:localhost", "CA:FALSE", "Digital Signature", "Server Authentication"]),
        ("client", ["CA:FALSE", "Digital Signature", "Client Authentication"]),
        ("authority", ["CA:TRUE", "Certificate Sign, CRL Sign"]),
    ],
)
def test_extensions_are_those_that_strict_readers_want(
    certificates: Certificates, role: str, expected: list[str]
) -> None:
    """X.509 version 3 with each extension once."""
    path: Path = getattr(certificates, role)
    command = ["openssl", "x509", "-in", str(path), "-noout", "-text"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Version: 3" in text
    assert [(part, text.count(part)) for part in expected] == [(part, 1) for part in expected]
