"""What is written is what is read, in both forms."""

from __future__ import annotations

import re

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.model import File, Held, Project
from bandersnatch.simple import html, json
from bandersnatch.values import replace
from tests.simple.cases import CASES, PROJECTS, URL, A, B, as_read, held, pages, provenance, urls

# What HTML cannot hold, as an independent reading of the standard: control characters that are not white space.
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")


def in_html(file: File) -> File:
    """*file* as an HTML page can give it."""
    clean = {
        key: None if text is None else CONTROLS.sub("\ufffd", text)
        for key, text in (("yanked", file.yanked), ("requires_python", file.requires_python))
    }
    said = None if file.core_metadata is False else file.core_metadata
    return replace(file, size=file.size or None, core_metadata=said, **clean)


@pytest.mark.parametrize("one", CASES.values(), ids=CASES.keys())
def test_json_round_trip(one: Held) -> None:
    """A held file written to a JSON page is read from it with all its facts."""
    page = json.parse(json.render("foo", 5, [one], Project("foo"), urls, provenance), URL, "foo")
    assert (page.files, page.rejected, page.serial) == ((as_read(one),), (), 5)


@pytest.mark.parametrize("one", CASES.values(), ids=CASES.keys())
def test_html_round_trip(one: Held) -> None:
    """A held file written to an HTML page is read from it with all the facts that HTML has."""
    page = html.parse(html.render("foo", 5, [one], Project("foo"), urls, provenance), URL, "foo")
    assert (page.files, page.rejected, page.serial) == ((in_html(as_read(one)),), (), 5)


@pytest.mark.parametrize("form", [json, html], ids=["json", "html"])
@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS.keys())
def test_project_round_trip(form: object, project: Project) -> None:
    """A project's status, its reason and PEP 708's URLs survive both forms; a page without files is read as one."""
    assert form in (json, html)
    module = json if form is json else html
    assert module.parse(module.render("foo", None, [], project, urls, provenance), URL, "foo") == project


@given(pages, st.none() | st.integers(0, 2**62 - 1))
def test_any_page_round_trip(page: list[Held], serial: int | None) -> None:
    """Whatever the mirror holds, both pages name the same files in the same order, with the same facts."""
    value = Project("foo", status="archived")
    from_json = json.parse(json.render("foo", serial, page, value, urls, provenance), URL, "foo")
    from_html = html.parse(html.render("foo", serial, page, value, urls, provenance), URL, "foo")
    assert from_json.rejected == from_html.rejected == ()
    assert from_json.serial == from_html.serial == serial
    assert tuple(map(in_html, from_json.files)) == from_html.files
    assert {as_read(one) for one in page} == set(from_json.files)


@given(pages)
def test_rendering_what_was_read_is_stable(page: list[Held]) -> None:
    """A page made from what was read of a page is the same page, byte for byte, whatever order it came in."""
    for form in (json, html):
        first = form.render("foo", 1, page[::-1], Project("foo"), urls, provenance)
        by_name = {one.file.filename: one for one in page}
        read = form.parse(first, URL, "foo")
        again = [by_name[file.filename] for file in read.files]
        assert form.render("foo", 1, again, Project("foo"), urls, provenance) == first


@given(pages, st.text(max_size=20))
def test_html_says_nothing_else(page: list[Held], reason: str) -> None:
    """An HTML5 parser finds in the page exactly our elements and attributes, whatever upstream's texts hold."""
    project = Project("foo", status="archived", status_reason=reason)
    body = html.render("foo", 1, page, project, urls, provenance)
    tree = html5lib.parse(body, namespaceHTMLElements=False, transport_encoding="utf-8")
    found = [element.tag for element in tree.iter()]
    metas = ["meta"] * (3 + bool(reason))
    assert found == ["html", "head", *metas, "title", "body", "h1", *["a", "br"] * len(page)]
    by_name = {one.file.filename: one for one in page}
    for link in tree.iter("a"):
        one = by_name.pop(link.text or "")
        assert dict(link.attrib) == expected_attributes(one)
    assert not by_name


def expected_attributes(one: Held) -> dict[str, str]:
    """The attributes of a held file's link, as the specification names them."""
    maybe = {
        "href": f"{urls(one)}#sha256={one.file.sha256}",
        "data-size": str(one.size) if one.size else None,
        "data-upload-time": one.file.upload_time,
        "data-requires-python": one.file.requires_python and CONTROLS.sub("\ufffd", one.file.requires_python),
        "data-yanked": None if one.file.yanked is None else CONTROLS.sub("\ufffd", one.file.yanked),
        "data-core-metadata": one.metadata and f"sha256={one.metadata}",
        "data-provenance": provenance(one),
    }
    return {key: value for key, value in maybe.items() if value is not None}


MIXED = [
    held("foo-1.10.tar.gz", upload_time="2024-01-02T03:04:05Z", requires_python=">=3.8"),
    held("foo-1.9-py3-none-any.whl", metadata=B, yanked="bad <build>", provenance_held=True),
    held("foo-2004d.zip", yanked=""),
    held("foo-1.9.tar.gz"),
]

GOLDEN_JSON = (
    '{"meta":{"api-version":"1.4","_last-serial":7},"name":"foo",'
    '"project-status":{"status":"deprecated","reason":"use bar"},'
    '"versions":["2004d","1.9","1.10"],"files":['
    '{"filename":"foo-2004d.zip","url":"../../packages/aa/aa/AAA/foo-2004d.zip","hashes":{"sha256":"AAAA"},"size":7,'
    '"yanked":true,"core-metadata":false},'
    '{"filename":"foo-1.9-py3-none-any.whl","url":"../../packages/aa/aa/AAA/foo-1.9-py3-none-any.whl",'
    '"hashes":{"sha256":"AAAA"},"size":7,"yanked":"bad <build>","core-metadata":{"sha256":"BBBB"},'
    '"provenance":"https://example.org/integrity/foo/1/foo-1.9-py3-none-any.whl/provenance"},'
    '{"filename":"foo-1.9.tar.gz","url":"../../packages/aa/aa/AAA/foo-1.9.tar.gz","hashes":{"sha256":"AAAA"},"size":7,'
    '"yanked":false,"core-metadata":false},'
    '{"filename":"foo-1.10.tar.gz","url":"../../packages/aa/aa/AAA/foo-1.10.tar.gz","hashes":{"sha256":"AAAA"},'
    '"size":7,"upload-time":"2024-01-02T03:04:05Z","requires-python":">=3.8","yanked":false,"core-metadata":false}]}'
)

GOLDEN_HTML = """\
<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="pypi:repository-version" content="1.4">
    <meta name="pypi:project-status" content="deprecated">
    <meta name="pypi:project-status-reason" content="use bar">
    <title>Links for foo</title>
  </head>
  <body>
    <h1>Links for foo</h1>
    <a href="../../packages/aa/aa/AAA/foo-2004d.zip#sha256=AAAA" data-size="7" data-yanked="">foo-2004d.zip</a><br>
    <a href="../../packages/aa/aa/AAA/foo-1.9-py3-none-any.whl#sha256=AAAA" data-size="7" \
data-core-metadata="sha256=BBBB" data-yanked="bad &lt;build&gt;" \
data-provenance="https://example.org/integrity/foo/1/foo-1.9-py3-none-any.whl/provenance">foo-1.9-py3-none-any.whl</a><br>
    <a href="../../packages/aa/aa/AAA/foo-1.9.tar.gz#sha256=AAAA" data-size="7">foo-1.9.tar.gz</a><br>
    <a href="../../packages/aa/aa/AAA/foo-1.10.tar.gz#sha256=AAAA" data-size="7" \
data-upload-time="2024-01-02T03:04:05Z" data-requires-python="&gt;=3.8">foo-1.10.tar.gz</a><br>
  </body>
</html>
<!--SERIAL 7-->
"""


def spelled_out(golden: str) -> bytes:
    """*golden* with its digests at full length."""
    return golden.replace("AAAA", A).replace("AAA", A[4:]).replace("BBBB", B).encode()


def test_golden_pages() -> None:
    """Both pages of one value, to the byte: versions that PEP 440 does not know come first, then by age."""
    project = Project("foo", versions=("9.9", "1.10"), status="deprecated", status_reason="use bar")
    assert json.render("foo", 7, MIXED, project, urls, provenance) == spelled_out(GOLDEN_JSON)
    assert html.render("foo", 7, MIXED, project, urls, provenance) == spelled_out(GOLDEN_HTML)


def test_no_serial_no_mention() -> None:
    """A page without a serial does not speak of one."""
    for form in (json, html):
        assert b"serial" not in form.render("foo", None, MIXED, Project("foo"), urls, provenance).lower()
