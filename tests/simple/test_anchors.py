"""Taking links out of HTML: what the standard says, however it comes, on every Python."""

from __future__ import annotations

from typing import Any

import pytest
from html5lib._tokenizer import HTMLTokenizer
from html5lib.constants import tokenTypes
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bandersnatch.errors import BadContent
from bandersnatch.simple.anchors import MAX_TAG, MAX_TEXT, Anchor, Anchors, Head

RAW = {"title": "rcdata", "textarea": "rcdata", "script": "scriptData"} | dict.fromkeys(
    ("style", "xmp", "iframe", "noembed", "noframes"), "rawtext"
)
WANTED = {"href", "data-yanked", "name", "content"}


def read(*pieces: str, whole: bool = True, most: int = 100_000, tags: int = 1_000_000) -> tuple[list[Anchor], Head]:
    """What is found in a page that comes in *pieces*."""
    anchors = Anchors("here", most=most, tags=tags)
    for piece in pieces:
        anchors.read(piece)
    anchors.finish(whole=whole)
    return anchors.found, anchors.head


def outcome(*pieces: str, most: int = 100_000, tags: int = 1_000_000) -> object:
    """What is found, or how it is refused."""
    try:
        return read(*pieces, most=most, tags=tags)
    except BadContent as error:
        return str(error)


def by_the_standard(text: str) -> list[dict[str, str]]:
    """The attributes of the ``<a>`` in *text*, as another program tokenises it."""
    tokens: Any = HTMLTokenizer(text)
    found = []
    for token in tokens:
        if token["type"] != tokenTypes["StartTag"]:
            continue
        name = token["name"]
        if name == "a":
            found.append({key: value for key, value in token["data"].items() if key in WANTED})
        if name in RAW and not token["selfClosing"]:
            tokens.state = getattr(tokens, f"{RAW[name]}State")
    return found


markup = st.lists(
    st.sampled_from(
        [
            *("<", ">", "/", "=", '"', "'", " ", "\n", "&", "&amp;", "&copy=", "&lt", "&#62;", "&notin", "x", "b"),
            *("<a ", "<A ", "</a>", "href=", "HREF = ", "data-yanked", "<!--", "-->", "--!>", "<!", "<?", "</", "</ "),
            *("<![CDATA[", "]]>", "<script>", "</script>", "</SCRIPT ", "<title>", "</title>", "<style>", "</style/"),
            *("<br/>", "<p title='<a href=x>'>", '<a href="foo-1.zip">foo</a>', "<!DOCTYPE html>", "<a/href=x>"),
        ]
    ),
    max_size=14,
).map("".join)


@given(markup)
@example("<![foo[<a href=x>]]><a href=y>")
@example("<!--><a href=x>--><a href=y>")
@example("<a href='x'href=y data-yanked>")
@example('<a href="a?b=c&copy=d&copy;&#62">')
def test_as_the_standard_has_it(text: str) -> None:
    """The links of a page are those that the HTML standard sees in it, with their attributes."""
    assume("<script" not in text or "<!--" not in text)  # a script's comments are a grammar of their own
    closed = f"{text}</a></title></style></script><a href=last></a>"
    try:
        found, _ = read(closed)
    except BadContent:
        return  # cut off: a link, a tag or a comment that has not ended
    assert [one.attributes for one in found] == by_the_standard(closed)


@given(markup | st.text(max_size=20), st.data())
@example("<html><a href=x>x</a></html>\n", None)
@example("<script></script>", None)
def test_however_it_comes(text: str, data: st.DataObject | None) -> None:
    """A page is the same at once, letter by letter, and cut anywhere."""
    expected = outcome(text)
    assert outcome(*text) == expected
    for at in range(len(text)) if data is None else [data.draw(st.integers(0, len(text)))]:
        assert outcome(text[:at], text[at:]) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<a href=x>one <b>two</b>&amp;</a>", "one two&"),
        ("<a href=x>1 < 2</a>", "1 < 2"),
        ("<a href=x>one<a href=y>two</a>", "one"),
        ("<a href=x>one</html>", "one"),
        ("<a href=x>" + "x" * 2 * MAX_TEXT + "</a>", "x" * MAX_TEXT),
        ("<a href=x>&#" + "9" * 4000 + ";</a>", "\N{REPLACEMENT CHARACTER}"),
        ("<a href=x>" + "&#" + "9" * 5000 + ";" + "</a>", None),
    ],
)
def test_text(text: str, found: str | None) -> None:
    """A link's text is what stands in it without its tags, with an end."""
    assert found is None or read(text)[0][0].text == found


HOSTILE = {
    "tags in a link": "<a href=x>" + "x<b>" * 500_000,
    "text in a link": "<a href=x>" + "x" * 4_000_000,
    "openings": "<" * 900_000,
    "half tags": "<a " * 20_000,
    "attributes": "<a" + " b=c" * 16_000,
    "half comments": "<!-" * 20_000,
    "comments": "<!--" + "--" * 30_000,
    "half scripts": "<script>" + "</scrip" * 500_000,
    "equals": "<a " + "=" * 60_000,
    "quotes": "<a b='" + '"' * 60_000,
    "references": "<a href=x>" + "&" * 60_000,
    "spaces before an equals sign": "<a b" + " " * 60_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_time_is_linear(text: str) -> None:
    """What is made to be read again and again is not: also if it comes in small pieces, megabytes take a moment."""
    assert "cut off" in str(outcome(text + "<"))
    assert "cut off" in str(outcome(*(text[at : at + 16] for at in range(0, len(text), 16)), "<"))


@pytest.mark.parametrize(
    "text",
    [
        "<a href=x></a>" * 1_001,
        "<meta name='pypi:tracks'>" * 1_001,
        "<b>" * 10_001,
        "<!-->" * 10_001,
        "< " * 10_001,
        "<a x='" + "y" * MAX_TAG + "'>",
        "<!--" + "y" * MAX_TAG + "-->",
    ],
    ids=["links", "metas", "tags", "comments", "less", "a long tag", "a long comment"],
)
def test_bounds(text: str) -> None:
    """More links or tags than any page has, and one without an end, are refused rather than held, however they come."""
    expected = str(outcome(text, most=1_000, tags=10_000))
    assert "more than" in expected
    half = len(text) // 2
    assert outcome(text[:half], text[half:], most=1_000, tags=10_000) == expected


def test_only_what_is_wanted_is_kept() -> None:
    """Attributes that say nothing to a mirror are not held."""
    noise = "".join(f" x{number}=y" for number in range(5_000))
    assert read(f"<a{noise} href=x></a>")[0] == [Anchor({"href": "x"})]


@pytest.mark.parametrize("end", ["", "</p>", "</table>\n", "<!--SERIAL 1-->", "</html>", "</body>", "</html>\n\n"])
def test_a_page_without_its_end(end: str) -> None:
    """HTML lets ``</html>`` be left out: where all came for certain, it is not missed; where nobody knows, it is."""
    text = f"<!DOCTYPE html><html><body><p><a href=x>x</a>{end}"
    assert len(read(text)[0]) == 1
    if end.startswith(("</html", "</body")):
        assert len(read(text, whole=False)[0]) == 1
        return
    with pytest.raises(BadContent, match="may be cut off: it has no </html>"):
        read(text, whole=False)


@pytest.mark.parametrize("text", ["<html><a href=x>x", "<html><a href=x>x</a><a hre", "<html><title>x", "<html><!-- x"])
def test_a_page_that_ends_in_the_middle(text: str) -> None:
    """A page that ends within a link, a tag or a comment is cut off, whatever its transfer says."""
    with pytest.raises(BadContent, match="is cut off"):
        read(text)
