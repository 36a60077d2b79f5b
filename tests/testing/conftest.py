"""Fixtures: an upstream that runs for one test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bandersnatch.testing import UpstreamServer


@pytest.fixture
def server() -> Iterator[UpstreamServer]:
    """PyPI as it is, empty."""
    with UpstreamServer() as running:
        yield running
