from __future__ import annotations

from collections.abc import Iterator

import pytest

from bandersnatch.testing import Certificates, UpstreamServer, make_certificates


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    """Neither the proxies nor the authorities of this machine count; its many authorities would take time to read."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.client))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[UpstreamServer]:
    with UpstreamServer() as server:
        yield server


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))
