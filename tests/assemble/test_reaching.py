from __future__ import annotations

from bandersnatch.assemble.reaching import upstream_settings
from bandersnatch.config.load import load


def test_what_the_configuration_says_of_upstream() -> None:
    """What slowness is, and whose pages are taken, is the operator's to say."""
    said = {
        "upstream.minimum-rate": "0 B/s",
        "upstream.page-hosts": ["pages.example"],
        "mirror.upstream": "https://x.example/whl",
    }
    usual, changed = (upstream_settings(load(None, {}, one).config, {}) for one in ({}, said))
    assert (usual.minimum_rate, usual.page_hosts) == (1024, ())
    assert (changed.minimum_rate, changed.page_hosts) == (0, ("pages.example",))
    assert changed.addresses == ("https://x.example/whl/", "https://x.example/whl/simple/")
