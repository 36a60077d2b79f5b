"""The targets hold over the seeds, over pieces of them put together anew, and where others read the same."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pip._internal.index.collector import IndexContent, parse_links

from bandersnatch.simple import HTML, JSON, parse_page
from tests.fuzz.mutating import mutated
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS, URL


def test_every_target_has_seeds() -> None:
    """There is something to begin with for each, and nothing without a target."""
    assert SEEDS.keys() == TARGETS.keys()
    assert all(SEEDS.values())


@pytest.mark.parametrize("target", TARGETS)
def test_seeds(target: str) -> None:
    """Each seed, each of its beginnings, and a few hundred mutants of it."""
    chance = random.Random(target)
    for seed in SEEDS[target]:
        for data in {seed, seed[: len(seed) // 2], seed[:-1], *(mutated(SEEDS[target], chance) for _ in range(25))}:
            TARGETS[target](data)


@pytest.mark.parametrize("target", ["name", "filename", "url", "reference", "header", "page-json", "page-html"])
def test_anything(target: str) -> None:
    """Whatever hypothesis comes up with."""

    @settings(max_examples=60, database=None)
    @given(st.one_of(st.text(max_size=60).map(lambda it: it.encode("utf-8", "surrogatepass")), st.binary(max_size=80)))
    def holds(data: bytes) -> None:
        TARGETS[target](data)

    holds()


# --- where pip reads the same --------------------------------------------------------------------------------------

_FILENAMES = st.from_regex(r"\A[a-z]{1,4}-[0-9]\.[0-9](\.tar\.gz|-py3-none-any\.whl|\.zip)\Z")
_REASONS = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12))


@st.composite
def pages(draw: st.DrawFn) -> Sequence[tuple[str, str, str | None, str | None]]:
    """File names, digests, reasons of yanking, versions of Python."""
    listed = draw(st.lists(_FILENAMES, unique=True, max_size=5))
    digests = st.text("0123456789abcdef", min_size=64, max_size=64)
    pythons = st.one_of(st.none(), st.sampled_from([">=3.8", "<4,>3", ">=3.11,!=3.12.0"]))
    return [(one, draw(digests), draw(_REASONS), draw(pythons)) for one in listed]


@settings(max_examples=60)
@given(pages(), st.booleans())
def test_pip_reads_the_same(listed: Sequence[tuple[str, str, str | None, str | None]], as_json: bool) -> None:
    """From a page in either form pip takes the files, URLs, digests, yanks and versions of Python that we take."""
    body, kind = (_in_json(listed), JSON) if as_json else (_in_html(listed), HTML)
    ours = parse_page(kind, body, URL, "bad").files
    theirs = list(parse_links(IndexContent(body, kind, "utf-8", URL, cache_link_parsing=False)))
    assert [one.filename for one in ours] == [one.filename for one in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.url == other.url_without_fragment
        assert {"sha256": mine.sha256} == dict(other._hashes)
        assert mine.yanked == other.yanked_reason
        assert mine.requires_python == other.requires_python


def _in_json(listed: Sequence[tuple[str, str, str | None, str | None]]) -> bytes:
    import json

    files: list[dict[str, object]] = [
        {"filename": name, "url": f"x/{name}", "hashes": {"sha256": digest}, "requires-python": python}
        | ({} if yanked is None else {"yanked": yanked or True})
        for name, digest, yanked, python in listed
    ]
    return json.dumps({"meta": {"api-version": "1.0"}, "name": "bad", "files": files}).encode()


def _in_html(listed: Sequence[tuple[str, str, str | None, str | None]]) -> bytes:
    from html import escape

    links = [
        f'<a href="x/{name}#sha256={digest}"'
        + ("" if yanked is None else f' data-yanked="{escape(yanked)}"')
        + ("" if python is None else f' data-requires-python="{escape(python)}"')
        + f">{name}</a>"
        for name, digest, yanked, python in listed
    ]
    return ("<!DOCTYPE html><html><title>Links for bad</title><body>" + "\n".join(links) + "</body></html>").encode()
