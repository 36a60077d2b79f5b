"""What the upstream of these tests holds: one project for each thing that an installer has to get right."""

from __future__ import annotations

from bandersnatch.testing import Index

INSTALLED = {"alpha": "1.0", "beta": "1.5", "gamma_dots": "1.0", "capital": "1.0"}
"""What ``alpha`` and all that it needs comes to, by the names that are imported."""


NEEDS = ["beta>=1,<2", "Gamma.Dots", "capital"]
"""What ``alpha`` needs."""


def fill(index: Index) -> None:
    """Put the projects into *index*."""
    index.upload("alpha", "1.0", requires_dist=NEEDS, padding=200_000, provenance=True)
    # Newer, and impossible, as its core metadata says: nobody needs to fetch all of it to find out.
    index.upload("alpha", "1.9", requires_dist=["beta>=9"], padding=200_000)
    index.upload("alpha", "2.0")
    index.yank("alpha", "2.0", 'broken, see "#1" & <others>')
    index.upload("alpha", "3.0", requires_python=">=3.99")
    for version in ("0.9", "1.0", "1.5", "2.0"):
        index.upload("beta", version)
        index.upload("beta", version, "sdist")
    index.upload("Gamma.Dots", "1.0", "sdist")
    # pip 22.3 to 23.1.1 refuse the core metadata of a project that is asked for in another case than its own.
    index.upload("Capital", "1.0", filename="Capital-1.0-py3-none-any.whl")
    index.upload("dated", "1.0", upload_time="2021-02-03T04:05:06.000000Z")
    index.upload("dated", "2.0", upload_time="2025-06-07T08:09:10Z")
    index.upload("old", "1.0", "egg", python="py2.7")
    index.upload("old", "1.0", "wininst", platform="win32")
    index.upload("old", "1.0", "zip")
    index.create("empty")
