"""Reading project pages in HTML, of every age."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bandersnatch.errors import BadContent
from bandersnatch.model import File, Project
from bandersnatch.simple import html
from tests.simple.cases import UPLOADED, URL, A, B


def page(*links: str, head: str = "", after: str = "") -> bytes:
    """A page of foo with *links*."""
    lines = "\n".join(links)
    text = f"<!DOCTYPE html><html><head><title>Links for foo</title>{head}</head><body>{lines}</body></html>{after}"
    return text.encode()


def link(attributes: str = "", *, href: str = f"foo-1.tar.gz#sha256={A}") -> str:
    """One link, with *attributes* as they stand in the page."""
    return f'<a href="{href}" {attributes}>foo-1.tar.gz</a>'


def read(*links: str, head: str = "") -> File:
    """The one file of a page."""
    project = html.parse(page(*links, head=head), URL, "foo")
    assert not project.rejected
    assert len(project.files) == 1
    return project.files[0]


@pytest.mark.parametrize(
    ("attributes", "field", "expected"),
    [
        ("", "yanked", None),
        ("data-yanked", "yanked", ""),
        ('data-yanked=""', "yanked", ""),
        ('data-yanked="a &lt;b&gt; &amp;amp; &#34;c&#34;"', "yanked", 'a <b> &amp; "c"'),
        ('data-requires-python="&gt;=3.6, &lt;4"', "requires_python", ">=3.6, <4"),
        ("data-requires-python='>=3.6'", "requires_python", ">=3.6"),
        ('data-requires-python=""', "requires_python", None),
        (f'data-core-metadata="sha256={B}"', "core_metadata", B),
        ('data-core-metadata="sha256=x"', "core_metadata", True),
        ('data-core-metadata="true" data-dist-info-metadata="false"', "core_metadata", True),
        (f'data-dist-info-metadata="sha256={B}"', "core_metadata", B),
        ('data-core-metadata="false"', "core_metadata", False),
        ("data-core-metadata", "core_metadata", None),
        ("", "core_metadata", None),
        ('data-provenance="https://example.org/p"', "provenance", "https://example.org/p"),
        ('data-provenance="/p"', "provenance", None),
        ('data-size="12"', "size", 12),
        ("", "size", None),
        (f'data-upload-time="{UPLOADED}"', "upload_time", UPLOADED),
        ('DATA-YANKED="x" data-yanked="y"', "yanked", "x"),
        ('data-yanked="&#' + "9" * 5000 + ';"', "yanked", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_facts_of_a_file(attributes: str, field: str, expected: object) -> None:
    """Each attribute of PEP 503, 592, 658, 714 and 740, and the two that only uv reads, are read unescaped."""
    assert getattr(read(link(attributes)), field) == expected


@pytest.mark.parametrize(
    ("href", "url", "filename"),
    [
        ("x/foo-1.tar.gz", "https://example.org/simple/foo/x/foo-1.tar.gz", "foo-1.tar.gz"),
        ("foo-1%2B2.tar.gz", "https://example.org/simple/foo/foo-1%2B2.tar.gz", "foo-1+2.tar.gz"),
        ("foo-1+2.tar.gz", "https://example.org/simple/foo/foo-1+2.tar.gz", "foo-1+2.tar.gz"),
        ("foo 1.zip", "https://example.org/simple/foo/foo%201.zip", "foo 1.zip"),
        ("https://f.example.org/foo-1.zip?a=b/c", "https://f.example.org/foo-1.zip?a=b/c", "foo-1.zip"),
    ],
)
def test_links(href: str, url: str, filename: str) -> None:
    """The file's name is the last part of its address, unquoted; the address is made absolute."""
    file = read(link(href=f"{href}#egg=x&amp;sha256={A}"))
    assert (file.url, file.filename) == (url, filename)


@pytest.mark.parametrize("base", ["https://b.example.org/d/", "/d/", "../../d/"])
def test_base(base: str) -> None:
    """The page's base is honoured, absolute or relative."""
    assert read(link(), head=f'<base href="{base}">').url.endswith(".org/d/foo-1.tar.gz")


def test_facts_of_the_project() -> None:
    """The metas and the trailing comment are read."""
    head = (
        '<meta name="pypi:repository-version" content="1.4"/>'
        '<meta name="pypi:project-status" content="archived"><meta name="pypi:project-status-reason" content="a &lt;">'
        '<meta name="pypi:tracks" content="https://a.example.org/"><meta name="pypi:tracks" content="x">'
        '<meta name="pypi:alternate-locations" content="https://b.example.org/">'
    )
    assert html.parse(page(head=head, after="\n<!--SERIAL 12-->"), URL, "foo") == Project(
        "foo",
        serial=12,
        status="archived",
        status_reason="a <",
        tracks=("https://a.example.org/",),
        alternate_locations=("https://b.example.org/",),
    )


@pytest.mark.parametrize(
    "odd",
    [
        link(href="foo-2.tar.gz#md5=d41d8cd9"),
        link(href="foo-2.tar.gz#sha512=x"),
        link(href=f"..%2f..%2fetc%2fpasswd#sha256={A}"),
        link(href=f"../#sha256={A}"),
        link(href=f"javascript:foo-2.zip#sha256={A}"),
        link(href=f"//[x/foo-2.zip#sha256={A}"),
        link('data-size="-5"', href=f"foo-2.zip#sha256={A}"),
        link(href=f"&#x0;#sha256={A}"),
    ],
)
def test_one_bad_link_spoils_nothing_else(odd: str) -> None:
    """A link that cannot be used is rejected; the next is taken. An anchor without an address is not a link."""
    project = html.parse(page('<a name="top">x</a>', odd, link()), URL, "foo")
    assert [file.filename for file in project.files] == ["foo-1.tar.gz"]
    assert len(project.rejected) == 1


MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(
    ("fragment", "expected"),
    [
        (f"#md5={MD5}", (("md5", MD5),)),
        (f"#sha512={A}{A}", (("sha512", A + A),)),
        (f"#egg=foo-1.0&md5={MD5}", (("md5", MD5),)),
        (f"#MD5={MD5.upper()}", (("md5", MD5),)),
        (f"#{A}", ()),
        (f"#sha256-{A}", ()),
        ("#shake_256=aa", ()),
        ("", ()),
    ],
)
def test_other_digests(fragment: str, expected: object) -> None:
    """The digest may be any that hashlib knows and that has one length; a link without one is a file all the same."""
    file = read(link('data-size="many"', href=f"foo-2.zip{fragment}"))
    assert (file.filename, file.sha256, file.digests, file.size) == ("foo-2.zip", "", expected, None)


def test_variants() -> None:
    """What tells of a release's variants (PEP 817) is a file, with a digest and without."""
    for fragment in ("", f"#sha256={A}"):
        assert read(link(href=f"foo-1-variants.json{fragment}")).filename == "foo-1-variants.json"


NAVIGATION = [
    "../", "..", "/", "", "#", "#top", "?C=N;O=D", "?sort=name&order=desc", "/simple/", "/ops/dev/", "/login",
    "about.html", "mailto:ops@example.org", "javascript:history.back()", "JavaScript:void(0)", "data:text/plain,x",
    "https://example.org/", "https://example.org/foo", "//example.org", "foo-1.tar.gz.asc", "sha256sums.txt", "//[",
    "foo-1-py3-none-any.whl.metadata",
]  # fmt: skip


@pytest.mark.parametrize("href", NAVIGATION)
def test_navigation_is_no_file(href: str) -> None:
    """A link that has neither the name of a file nor a digest leads elsewhere: it is neither taken nor refused."""
    project = html.parse(page(link(href=href), link()), URL, "foo")
    assert ([file.filename for file in project.files], project.rejected) == (["foo-1.tar.gz"], ())


@pytest.mark.parametrize(
    "href",
    [
        "git+https://git.example.org/acme/foo@0.2#egg=foo-0.2",
        "git+ssh://git.example.org/acme/foo@0.2",
        "hg+http://example.org/foo",
        "https://example.org/acme/foo/tarball/master#egg=foo-dev",
    ],
)
def test_source_code_is_no_file(href: str) -> None:
    """A link to source code, which pip would build from, cannot be mirrored and is named."""
    project = html.parse(page(link(href=href), link()), URL, "foo")
    assert len(project.files) == 1
    assert ["source code" in one.reason for one in project.rejected] == [True]


def test_scripts() -> None:
    """What a script holds is no link, whatever it looks like."""
    script = f"""<script>t = "<a class='x'>" + n + "</a>"; if (a < b) w('<a href="evil-9.zip#sha256={A}">')</script>"""
    assert read(link(), head=script).filename == "foo-1.tar.gz"


def test_whole() -> None:
    """A page whose ``</html>`` is left out is taken if its transfer says that all of it came."""
    cut = page(link()).removesuffix(b"</body></html>")
    assert len(html.parse(cut, URL, "foo", whole=True).files) == 1
    with pytest.raises(BadContent, match="may be cut off"):
        html.parse(cut, URL, "foo")


def test_old_markup() -> None:
    """Upper case, missing quotes, an anchor that is never closed, and no end of the page where it never began."""
    file = read(f"<A HREF=foo-1.tar.gz#sha256={A} >foo", "<a>")
    assert file.filename == "foo-1.tar.gz"
    bare = html.parse(link().encode(), URL, "foo")
    assert len(bare.files) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"<html><head><title>Log in</title></head><body><a href='/login'>Log in</a></body></html>",
        page(link())[:-20],
        page(link())[:150],
        b"<html><body>" + link().encode() + b"<a href=",
        b"<!--",
        page(link(), head='<meta name="pypi:repository-version" content="2.0">'),
        page(link(), head='<meta name="pypi:repository-version" content="x">'),
        page(link(), head='<base href="//[">'),
        page(link(), after="<!--SERIAL -1-->"),
        page(link(), after="<!--SERIAL 99999999999999999999-->"),
        page(link(), after="<!--" + "x>" * 100_000),
        page(link("x='" + "y" * 200_000 + "'")),
    ],
)
def test_what_is_no_page(body: bytes) -> None:
    """A page that is cut off, newer, absurd, or of something else entirely is BadContent, which names the URL."""
    with pytest.raises(BadContent) as caught:
        html.parse(body, URL, "foo")
    assert caught.value.url == URL
    assert URL in str(caught.value)


pieces = st.sampled_from(
    f"< > <a </a> href= \" ' x.zip#sha256={A} <!-- --> SERIAL 9 <! [ ]]> <? &# &#x; &amp <script> <title> <base \0"
    " <html> </html> //[ :".split(" ")
)


@given(st.lists(pieces | st.text(max_size=4), max_size=30).map("".join) | st.text())
@example("<![")
def test_hostile_bytes(text: str) -> None:
    """Whatever comes, it is a project or BadContent."""
    try:
        project = html.parse(text.encode("utf-8", "replace"), URL, "foo")
    except BadContent:
        return
    assert project.name == "foo"
