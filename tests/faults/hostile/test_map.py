"""Which row of the threat tables is tried by which row of ours, or by which other test; none is without."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.faults.hostile import attacks, documents, headers, names, urls
from tests.faults.hostile.test_hostile import ROWS

ROOT = Path(__file__).parents[3]

HOSTILE_ANSWERS = {
    "encoded dots and slashes in a file's URL": ("urls:encoded-dots", "urls:encoded-slashes", "urls:plain-dots"),
    "absolute or climbing project name": ("names:absolute", "names:parent", "names:encoded"),
    "script in a name or file name": ("names:script", "json:filename-script", "json:yanked-script"),
    "URL on another host, redirect": ("urls:other-host", "urls:redirect-to-other-host", "urls:four-hops"),
    "private or loopback address after DNS": ("urls:private-address", "tests/upstream/test_resolving.py::test_learned"),
    "gzip bomb": ("json:bomb", "json:list-bomb", "attacks:metadata-bomb"),
    "endless body": ("attacks:endless-file", "attacks:endless-page", "attacks:endless-list"),
    "md5 only, no hash, a path as hash": ("json:md5-only", "json:no-hash", "json:hash-a-path"),
    "wrong hash": ("attacks:wrong-bytes",),
    "same path with new bytes; a file name twice": ("attacks:same-path-other-bytes", "urls:digits-of-another"),
    "Unicode, case, trailing dot, control characters, device names, 300 bytes": (
        "names:cyrillic", "names:folds-to-ascii", "names:trailing-dot", "names:nul", "names:300-bytes",
        "names:two-spellings", "tests/domain/test_names.py::test_usable_filename",
    ),
    "line breaks in URLs and headers": ("urls:line-break", "urls:encoded-line-break", "headers:nul-in-value"),
    "symbolic link planted in the tree": ("attacks:planted-link", "attacks:planted-link-above",
                                          "attacks:planted-link-page"),
    "shapes of JSON": ("json:size-null", "json:list-for-dict", "json:many-files", "json:nan", "json:duplicate-keys",
                       "json:deep"),
    "absurd serials": ("json:serial-2-63", "json:serial-negative", "attacks:far-serial", "attacks:absurd-serial"),
}  # fmt: skip

TUF = {
    "rollback": ("attacks:older-page", "json:serial-older"),
    "freeze": ("tests/cli/test_mirror.py::test_status",),
    "mix and match": ("attacks:same-path-other-bytes", "attacks:older-page"),
    "endless data": ("attacks:endless-file", "attacks:endless-metadata"),
    "slow retrieval": (
        "tests/upstream/test_pacing.py::test_rate_is_measured_over_what_was_waited",
        "tests/upstream/test_client.py::test_a_drip_is_too_slow",
    ),
    "fast forward": ("attacks:far-serial",),
    "wrong software": ("attacks:wrong-bytes", "json:another-project"),
    "arbitrary files": ("urls:file", "json:filename-inner-path", "attacks:wheel-climbs"),
    "compromised mirror": ("tests/sync/test_download_mirrors.py::test_short_cut",),
}

PUBLISHED = {
    "CVE-2024-6915 (a cache takes what an attacker put under another's address)": ("urls:digits-of-another",),
    "CVE-2024-4956 (encoded slashes climb)": ("urls:encoded-slashes", "urls:double-encoded"),
    "CVE-2022-27907, CVE-2026-0600 (asks an internal host that a URL names)": (
        "urls:private-address",
        "urls:redirect-to-other-host",
    ),
    "CVE-2026-12701 (only a leading slash is looked at)": ("json:filename-inner-path", "names:slash"),
    "CVE-2026-90959 (file:// told by its prefix)": ("urls:file", "urls:file-in-capitals", "urls:redirect-to-file"),
    "CVE-2019-6802 (line breaks in headers)": ("urls:line-break", "urls:encoded-line-break"),
    "CVE-2025-66418 (chain of content codings)": ("headers:two-codings", "headers:many-codings"),
    "CVE-2025-66471, CVE-2025-69223 (small body, large when decoded)": ("json:bomb", "json:list-bomb"),
    "CVE-2026-21441 (a redirect's body is decoded)": ("attacks:bomb-behind-redirect",),
    "CVE-2026-44432, CVE-2026-128131 (a server keeps the client busy)": (
        "headers:interim-10000",
        "attacks:endless-page",
    ),
}
"""
Of the advisories on other mirrors, indexes and HTTP libraries, those of which a mirror's client could have the like.
CVE-2024-7923 is about a header that a server takes from a proxy: this program takes none, as it serves nothing.
"""

FEWEST = {"names": 20, "urls": 16, "json": 14, "headers": 10, "attacks": 15}


@pytest.mark.parametrize("table", [HOSTILE_ANSWERS, TUF, PUBLISHED], ids=["answers", "tuf", "published"])
def test_every_threat_is_tried(table: dict[str, tuple[str, ...]]) -> None:
    """Each threat has rows or tests, all of which there are."""
    ours = {row.id for row in ROWS}
    for threat, rows in table.items():
        assert rows, threat
        for row in rows:
            assert row in ours or ("::" in row and _exists(row)), f"{threat}: there is no {row}"


def test_tables_are_as_large_as_promised() -> None:
    """No table lost rows; each row has a name of its own."""
    assert len({row.id for row in ROWS}) == len(ROWS)
    for module in (names, urls, documents, headers, attacks):
        name = module.ROWS[0].id.partition(":")[0]
        assert len(module.ROWS) >= FEWEST[name]


def _exists(test: str) -> bool:
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text("utf-8")) if (ROOT / path).exists() else ast.Module([], [])
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name for node in ast.walk(tree)
    )
