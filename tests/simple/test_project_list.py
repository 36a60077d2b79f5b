"""The list of projects: read as it arrives, cut anywhere, and written as a stream."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bandersnatch import names
from bandersnatch.errors import BadContent
from bandersnatch.model import Listed
from bandersnatch.simple.lines import ListingHead
from bandersnatch.simple.listing import render_html, render_json
from bandersnatch.simple.listing_html import HtmlListing
from bandersnatch.simple.listing_json import JsonListing

URL = "https://example.org/simple/"


def read(parser: JsonListing | HtmlListing, body: bytes, *cuts: int) -> tuple[list[Listed], ListingHead]:
    """All that *parser* makes of *body*, given to it in pieces that end at *cuts*."""
    found = []
    ends = sorted(cut % (len(body) + 1) for cut in cuts)
    for start, end in zip([0, *ends], [*ends, len(body)], strict=True):
        found += parser.feed(body[start:end])
    rest, head = parser.finish()
    return found + rest, head


def in_json(body: bytes, *cuts: int) -> tuple[list[Listed], ListingHead]:
    return read(JsonListing(URL), body, *cuts)


def in_html(body: bytes, *cuts: int) -> tuple[list[Listed], ListingHead]:
    return read(HtmlListing(URL), body, *cuts)


def page(*projects: object, **keys: object) -> bytes:
    """A list in JSON."""
    return json.dumps({"meta": {"api-version": "1.4", "_last-serial": 9}, "projects": projects} | keys).encode()


def listed(*displays: str) -> list[Listed]:
    return [Listed(names.normalise(display), display) for display in displays]


@pytest.mark.parametrize("text", ["-1", "a-", "a" * (names.MAX_NAME + 1)])
def test_a_text_that_is_no_name(text: str) -> None:
    """Then the address names the project, wherever the network cuts."""
    body = f'<html><body><a href="one/">{text}</a><a href="two/">two</a></body></html><!--SERIAL 3-->'.encode()
    for cut in (0, 15, 40):
        assert [one.name for one in in_html(body, cut)[0]] == ["one", "two"]


# --- both ------------------------------------------------------------------------------------------------------------

project_names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,12}[A-Za-z0-9])?", fullmatch=True)
serials = st.none() | st.integers(0, 2**62 - 1)
lines = st.lists(st.tuples(project_names, serials).map(lambda line: Listed(names.normalise(line[0]), *line)))
cuts = st.lists(st.integers(0, 10_000), max_size=8)


@given(lines, serials, cuts)
def test_json_round_trip(projects: list[Listed], serial: int | None, at: list[int]) -> None:
    """What is written in JSON is what is read, wherever the network cuts it."""
    assert in_json(b"".join(render_json(projects, serial)), *at) == (projects, ListingHead(serial, 0))


@given(lines, serials, cuts)
def test_html_round_trip(projects: list[Listed], serial: int | None, at: list[int]) -> None:
    """What is written in HTML is what is read, without the projects' serials, wherever the network cuts it."""
    without = [Listed(one.name, one.display) for one in projects]
    assert in_html(b"".join(render_html(projects, serial)), *at) == (without, ListingHead(serial, 0))


def many() -> Iterator[Listed]:
    """More projects than fit into a few slices."""
    return (Listed(f"project-{number}", f"Project_{number}", number) for number in range(20_000))


def test_chunks() -> None:
    """The lists are written in chunks of at least 64 KiB, but for the last."""
    for render in (render_json, render_html):
        sizes = [len(chunk) for chunk in render(many(), 1)]
        assert len(sizes) > 5
        assert min(sizes[:-1]) >= 64 * 1024
        assert max(sizes) < 512 * 1024
        for length in range(65_536 - 300, 65_536):  # the list's end begins, or just does not begin, a chunk of its own
            assert all(render([Listed("x", "x" * length)], None))


@pytest.mark.parametrize(("parser", "render"), [(JsonListing, render_json), (HtmlListing, render_html)])
def test_memory_is_flat(parser: type[JsonListing | HtmlListing], render: type) -> None:
    """A list is neither read nor written as a whole: memory does not grow with it."""
    reader, count = parser(), 0
    tracemalloc.start()
    try:
        for chunk in render(many(), 1):
            count += len(reader.feed(chunk))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    rest, head = reader.finish()
    assert (count + len(rest), head.serial) == (20_000, 1)
    assert peak < 4 << 20


# --- JSON ------------------------------------------------------------------------------------------------------------

ODD_NAMES = [
    'a"},{"name":"x',
    "}]",
    "],",
    "a\nb",
    "",
    "-",
    "_",
    "a-",
    "é",
    "../x",
    "x" * 201,
    "\\",
    '\\"},',
    "{[",
    "1\n",
]


@pytest.mark.parametrize("odd", ODD_NAMES)
def test_what_is_not_a_name(odd: str) -> None:
    """A line whose name is none is counted and left out, whatever it is made of; its neighbours stay."""
    body = page({"name": "a"}, {"name": odd}, {"name": "B.b"})
    for end in range(len(body)):
        assert in_json(body, end) == (listed("a", "B.b"), ListingHead(9, 1))


def test_what_only_begins_as_a_name() -> None:
    """Among names, a text that ends where a name cannot is none, on every Python."""
    assert in_json(page({"name": "a-"}, {"name": "b"}, {"name": "c"})) == (listed("b", "c"), ListingHead(9, 1))


@pytest.mark.parametrize("odd", [None, 1, "x", [], {}, {"name": None}, {"name": ["x"]}, {"nam": "x"}, [{"name": "x"}]])
def test_what_is_not_a_project(odd: object) -> None:
    """A line of another shape is counted and left out; its neighbours stay."""
    body = page({"name": "a"}, odd, {"name": "b"})
    for end in range(0, len(body), 3):
        assert in_json(body, end, end + 1) == (listed("a", "b"), ListingHead(9, 1))
    assert in_json(page(odd)) == ([], ListingHead(9, 1))


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        *((good, int(good)) for good in (5, "5", 0, 2**62 - 1)),
        *((bad, None) for bad in (None, -1, 2**62, 10**40, 1.5, "x", "-5", True, ["]"], {"a": "}]"})),
    ],
)
def test_serials(serial: object, expected: int | None) -> None:
    """Serials are numbers or digits, of the list and of its lines; an absurd one counts as not said."""
    found, head = in_json(page({"name": "a", "_last-serial": serial}, meta={"_last-serial": serial}))
    assert (found, head) == ([Listed("a", "a", expected)], ListingHead(expected, 0))


def test_a_number_beyond_all_bounds() -> None:
    """A serial that is too large even for a float spoils neither its project nor the list."""
    body = b'{"projects": [{"name": "a", "_last-serial": 1e999}, {"name": "b", "_last-serial": 2}]}'
    assert in_json(body)[0] == [Listed("a", "a"), Listed("b", "b", 2)]


@pytest.mark.parametrize(
    "body",
    [
        b'{"projects":[{"name":"a"},{"name":"b"}],"meta":{"_last-serial":9,"x":{"a":[{}]}}}',
        b'{"meta":{"_last-serial":9},"projects":[{"name":"a"},{"name":"b"}]}',
        (
            b' { "x" : [ {"projects":[{"name":"z"}]}, "projects" ] , "projects"\r\n:\t[ {"name":"a"} ,\n{"name":"b"} ],'
            b'"meta":{"_last-serial":"9"} , "z":[{"name":"z"},{"name":"z"}]}\n\n'
        ),
        b'{"projects":[{"name":"a","x":{"y":[{"name":"z"},{}]}},{"name":"b","x":"},{"}],"meta":{"_last-serial":9}}',
        b'{"a\\"":"\\\\","projects":[{"\\u006eame":"a"},{"name":"b"}],"meta":{"_last-serial":9}}',
    ],
)
def test_any_order_and_space(body: bytes) -> None:
    """The array is found wherever it stands, among any other keys, and ends where it ends; every cut is survived."""
    for end in range(len(body)):
        assert in_json(body, end) == (listed("a", "b"), ListingHead(9, 0))
    assert in_json(body, *range(len(body))) == (listed("a", "b"), ListingHead(9, 0))


def test_long_lists() -> None:
    """A list of many slices is read whole, with odd lines in between."""
    projects = [{"name": f"a{number}"} if number % 1000 else {"name": "},"} for number in range(30_000)]
    found, head = in_json(page(*projects), *range(0, 500_000, 65_536))
    assert (len(found), head.rejected) == (29_970, 30)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<!DOCTYPE html>",
        b'{"projects": {}}',
        b'{"projects": null}',
        b'{"meta": {"projects": []}}',
        b'["projects": [{"name": "a"}]]',
        b'{"projects": [',
        b'{"projects": [{"name": "a"}',
        b'{"projects": [{"name": "a"},',
        b'{"projects": [{"name": "a"}, {"name": "b',
        b'{"projects": [{"name": "a"}]',
        b'{"projects": [{"name": "a"}], "meta": {}',
        b'{"projects": [{"name": "a"},]}',
        b'{"projects": [,{"name": "a"}]}',
        b'{"projects": [{"name": "a"},,{"name": "b"}]}',
        b'{"projects": [,]}',
        b'{"projects": [{"name": "a"} {"name": "b"}]}',
        b'{"projects": [{"name": "a"}}]}',
        b'{"projects": [{"name": NaN}, {"name": "b"}]}',
        b'{"projects": []} {}',
        b'{"projects": []]}',
        b'{"projects": [{"name": "a"}], "projects": [{"name": "b"}]}',
        b'{"projects": [], "meta": {"api-version": "2.0"}}',
        b'{"projects": [], "meta": []}',
        b'{"x": "' + b"x" * 100_000 + b'", "projects": []}',
        b'{"projects": [], "x": "' + b"x" * 100_000 + b'"}',
        b'{"projects": [{"name": "' + b"x" * 100_000,
        b'{"projects": [' + b"[" * 500_000 + b"]" * 500_000 + b"]}",
    ],
)
def test_what_is_no_list(body: bytes) -> None:
    """A list that is cut off, newer, not JSON or not a list is BadContent at the latest at its end."""
    for at in (0, len(body) // 2):
        with pytest.raises(BadContent) as caught:
            in_json(body, at)
        assert caught.value.url == URL


GOOD = page({"name": "a", "_last-serial": 5}, {"name": 'b"},{'}, {"name": "C_c", "x": [{}, "]"]})


@given(st.integers(0, len(GOOD)), st.binary(max_size=3) | st.sampled_from(list(b'"{}[],\\:')).map(lambda c: bytes([c])))
@example(0, b"")
def test_hostile_json(at: int, junk: bytes) -> None:
    """A damaged list is read or BadContent, and the same whether it comes at once or byte by byte."""
    body = GOOD[:at] + junk + GOOD[at + len(junk) :]
    outcomes: list[tuple[list[Listed], ListingHead] | None] = []
    for pieces in ((), range(len(body))):
        try:
            outcomes.append(in_json(body, *pieces))
        except BadContent:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]


# --- HTML ------------------------------------------------------------------------------------------------------------


def html(*links: str) -> bytes:
    """A list in HTML."""
    text = "\n".join(links)
    return f"<!DOCTYPE html>\n<html><head><title>Simple index</title></head><body>\n{text}\n</body></html>".encode()


@pytest.mark.parametrize(
    ("link", "display"),
    [
        ('<a href="/simple/foo-bar/">Foo.Bar</a>', "Foo.Bar"),
        ('<a href="foo/">foo</a><br/>', "foo"),
        ('<a href="foo/">foo</a><br />', "foo"),
        ("<a href='foo/'>foo</a>", "foo"),
        ("<A HREF=foo/>\n foo \n</A>", "foo"),
        ('<a class="x" href="foo/">f<b>oo</b></a>', "foo"),
        ('<a href="https://example.org/simple/very-long-name/">very-lon..&gt;</a>', "very-long-name"),
        ('<a href="/simple/foo">&#102;oo</a>', "foo"),
        ('<a href="/simple/foo%2Dbar/?x#y"></a>', "foo-bar"),
        ('<a href="./foo/">foo/</a>', "foo"),
        ('<a href="foo/index.html">foo</a>', "foo"),
        ('<a href="foo">Foo</a>', "Foo"),
        ('<a href="/elsewhere/simple/foo/">foo</a>', "foo"),
        ('<a href="zope.interface/">zope.interface</a>', "zope.interface"),
        ("<![foo[ x ]]><a href=foo/>foo</a>", "foo"),
    ],
)
def test_links(link: str, display: str) -> None:
    """A link names its project by its text, or by its address where the text is no name; every cut is survived."""
    body = html('<a href="a/">a</a>', link, '<a href="b/">b</a>')
    for end in range(len(body)):
        assert in_html(body, end) == (listed("a", display, "b"), ListingHead(None, 0))
    assert in_html(body, *range(len(body))) == (listed("a", display, "b"), ListingHead(None, 0))


@pytest.mark.parametrize("link", ['<a href="//[">!</a>', '<a href="é/">é</a>', '<a href="a-/">a-</a>'])
def test_links_to_no_project(link: str) -> None:
    """A link that names no project is counted and left out."""
    assert in_html(html(link, '<a href="b/">b</a>')) == (listed("b"), ListingHead(None, 1))


NAVIGATION = [
    *('<a href="?C=N;O=D">Name</a>', '<a href="?C=M&amp;O=A">Last modified</a>', '<a href="/simple/?C=S;O=A">Size</a>'),
    *('<a href="./?sort=size&order=desc">Size</a>', '<a href="?sort=name">Description</a>'),
    *('<a href="/">Parent Directory</a>', '<a href="../">../</a>', '<a href="..">up</a>', '<a href="../">home</a>'),
    *('<a href="./">simple</a>', '<a href="/simple/">simple</a>', '<a href="index.html">index</a>', "<a>x</a>"),
    *('<a href="javascript:back()">back</a>', '<a href="mailto:ops@example.org">ops</a>', "<a name=top>top</a>"),
    *(
        '<a href="https://caddy.example/">Caddy</a>',
        '<a href="https://example.org/about/">About</a>',
        '<a href="">x</a>',
    ),
    *('<a href="/accounts/login">login</a>', '<a href="robots.txt">robots.txt</a>', "<a href=x.ico>x.ico</a>"),
    *('<a href="">x</a>', '<a href="index.v1_json">index.v1_json</a>', '<a href="foo-1.0.tar.gz">foo-1.0.tar.gz</a>'),
]


@pytest.mark.parametrize("link", NAVIGATION)
def test_navigation_is_no_project(link: str) -> None:
    """What a web server puts around a list of folders, and links that lead up or elsewhere, name no project."""
    body = html('<a href="a/">a</a>', link, '<a href="b/">b/</a>')
    for end in range(len(body)):
        assert in_html(body, end) == (listed("a", "b"), ListingHead(None, 0))


@pytest.mark.parametrize(
    ("url", "href", "found"),
    [
        ("https://example.org/pypi/simple/", "/pypi/", None),
        ("https://example.org/pypi/simple/", "/pypi", None),
        ("https://example.org/pypi/simple/", "/pypi/simple/up/", "up"),
        ("https://example.org/pypi/simple/", "/simple/up/", "up"),
        ("https://example.org/pypi/simple/", "/up/", None),
        ("https://example.org/whl/cu130/", "/whl/", None),
        ("https://example.org/whl/cu130/", "/whl/cu130/up/", "up"),
        ("https://example.org/whl/cu130/", "../cu129/", None),
        ("https://example.org/", "/", None),
        ("https://example.org/", "/up/", "up"),
        ("https://example.org/simple/index.html", "up/index.html", "up"),
        ("https://example.org/simple", "/simple/up/", "up"),
        ("https://example.org/simple", "/up/", "up"),
    ],
)
def test_where_an_index_is(url: str, href: str, found: str | None) -> None:
    """Wherever the index is, the projects are below it, or where the index itself says that it is."""
    links = html(f'<a href="{href}">up</a>', f'<a href="{href}">Up, up</a>')
    assert {one.name for one in read(HtmlListing(url), links)[0]} == ({found} if found else set())


def test_a_list_without_its_end() -> None:
    """A list whose ``</html>`` is left out is taken if its transfer says that all of it came."""
    body = html('<a href="a/">a</a>').removesuffix(b"</body></html>")
    assert read(HtmlListing(URL, whole=True), body)[0] == listed("a")
    with pytest.raises(BadContent, match="may be cut off"):
        in_html(body)


@pytest.mark.parametrize(
    "hidden",
    [
        '<!-- <a href="x/">x</a> -->',
        '<!--\n<a href="x/">x</a>\n<a href="y/">y</a>\n-->',
        '<script>\n<a href="x/">x</a>\n</script>',
        '<p title="\n<a href=x/>x</a>\n">',
    ],
)
def test_what_only_looks_like_a_link(hidden: str) -> None:
    """The short cut for plain links is not taken where a link is only text; every cut is survived."""
    body = html('<a href="a/">a</a>', hidden, '<a href="b/">b</a>')
    for end in range(len(body)):
        assert in_html(body, end)[0] == listed("a", "b")


@pytest.mark.parametrize(
    ("comment", "serial"), [("SERIAL 12", 12), ("SERIAL -1", None), ("SERIAL x", None), ("", None)]
)
def test_serial_comment(comment: str, serial: int | None) -> None:
    """PyPI's trailing comment gives the list's serial, where it is one."""
    assert in_html(html('<a href="a/">a</a>') + f"\n<!--{comment}-->".encode())[1].serial == serial


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        html('<a href="a/">a</a>')[:-20],
        b'<html><body><a href="a/">a</a><a href="b',
        b'<a href="a/">a</a><a href="b/">b',
        b"<html><head><title>Log in</title></head><body>Log in</body></html>",
        html('<meta name="pypi:repository-version" content="2.0">'),
        html("<!--" + "x>" * 50_000),
    ],
)
def test_what_is_no_html_list(body: bytes) -> None:
    """A list that is cut off, newer, hostile, or something else altogether is BadContent at the latest at its end."""
    with pytest.raises(BadContent) as caught:
        in_html(body)
    assert caught.value.url == URL


@given(
    st.lists(st.sampled_from(['<a href="a/">', "a", "</a>", "<br>", "<!--", "-->", "<", ">", "&#", ";", "<script>"]))
)
def test_hostile_html(pieces: list[str]) -> None:
    """Whatever comes, it is a list or BadContent, and the same whether it comes at once or letter by letter."""
    body = html(*pieces) if len(pieces) % 2 else html("".join(pieces))
    outcomes: list[tuple[list[Listed], ListingHead] | None] = []
    for cuts_here in ((), range(len(body))):
        try:
            outcomes.append(in_html(body, *cuts_here))
        except BadContent:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]
