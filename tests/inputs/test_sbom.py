"""Bills of materials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.inputs.pins import Pin
from bandersnatch.inputs.sbom import pin_of
from tests.inputs.sheets import lines, read, refused, texts, warned

CYCLONEDX_JSON = """\
{
  "bomFormat": "CycloneDX", "specVersion": "1.6",
  "metadata": {
    "component": {"type": "application", "name": "app", "purl": "pkg:pypi/app@1.0"},
    "tools": {"components": [{"type": "application", "name": "tool", "purl": "pkg:pypi/tool@1.0"}]}
  },
  "components": [
    {"type": "library", "name": "six", "purl": "pkg:pypi/six@1.17.0",
     "components": [
       {"type": "library", "name": "idna", "purl": "pkg:pypi/idna@3.7"}
     ],
     "pedigree": {"ancestors": [{"type": "library", "name": "old", "purl": "pkg:pypi/old@1.0"}]}},
    {"type": "library", "name": "left-pad", "purl": "pkg:npm/left-pad@1.0.0"},
    {"type": "library", "name": "nameless"},
    {"type": "library", "name": "loose", "purl": "pkg:pypi/loose"},
    {"type": "library", "name": "repo", "purl": "pkg:pypi/repo@1.0?vcs_url=git%2Bhttps://example.org/repo"}
  ]
}
"""

CYCLONEDX_XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.6">
  <metadata>
    <tools><components><component><name>tool</name><purl>pkg:pypi/tool@1.0</purl></component></components></tools>
    <component type="application"><name>app</name><purl>pkg:pypi/app@1.0</purl></component>
  </metadata>
  <components>
    <component type="library"><name>six</name>
      <purl>pkg:pypi/six@1.17.0</purl>
      <pedigree><ancestors><component><purl>pkg:pypi/old@1.0</purl></component></ancestors></pedigree>
      <components><component>
        <purl>pkg:pypi/idna@3.7</purl>
      </component></components>
    </component>
    <component><purl>pkg:npm/left-pad@1.0.0</purl></component>
    <component><purl>pkg:pypi/loose</purl></component>
    <component><purl>pkg:pypi/repo@1.0?vcs_url=git%2Bhttps://example.org/repo&amp;x=y</purl></component>
  </components>
</bom>
"""

SPDX2_JSON = """\
{
  "spdxVersion": "SPDX-2.3",
  "packages": [
    {"name": "app"},
    {"name": "six", "externalRefs": [
      {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x:six"},
      {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:pypi/six@1.17.0"}]},
    {"name": "idna", "externalRefs": [
      {"referenceCategory": "PACKAGE_MANAGER", "referenceType": "purl", "referenceLocator": "pkg:pypi/idna@3.7"}]},
    {"name": "loose", "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/loose"}]},
    {"name": "repo", "externalRefs": [
      {"referenceType": "purl", "referenceLocator": "pkg:pypi/repo@1.0?vcs_url=git%2Bhttps:%2F%2Fexample.org%2Frepo"}]}
  ]
}
"""

SPDX3_JSON = """\
{
  "@context": "https://example.org/spdx-context.jsonld",
  "@graph": [
    {"type": "software_Package", "name": "six", "software_packageUrl": "pkg:pypi/six@1.17.0",
     "externalIdentifier": [{"externalIdentifierType": "packageUrl", "identifier": "pkg:pypi/six@1.17.0"}]},
    {"type": "software_Package", "name": "idna",
     "externalIdentifier": ["https://example.org/other",
                            {"externalIdentifierType": "packageUrl", "identifier": "pkg:pypi/idna@3.7"}]},
    {"type": "software_Package", "software_packageUrl": "pkg:pypi/loose"},
    {"type": "software_Package", "software_packageUrl": "pkg:pypi/repo@1.0?vcs_url=git"},
    {"type": "Person", "name": "somebody"}
  ]
}
"""

SPDX_TAGS = """\
SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0

PackageName: six
PackageVersion: 1.17.0
ExternalRef: SECURITY cpe23Type cpe:2.3:a:x:six
ExternalRef: PACKAGE-MANAGER purl pkg:pypi/six@1.17.0
PackageComment: <text>was once
ExternalRef: PACKAGE-MANAGER purl pkg:pypi/old@1.0
</text>

PackageName: idna
ExternalRef: PACKAGE_MANAGER purl pkg:pypi/idna@3.7
PackageComment: <text>one line</text>
ExternalRef: PACKAGE_MANAGER purl pkg:pypi/loose
ExternalRef: PACKAGE_MANAGER purl pkg:pypi/repo@1.0?vcs_url=git
"""

BILLS = {
    "bom.json": (CYCLONEDX_JSON, [8, 10]),
    "app.cdx.json": (CYCLONEDX_JSON, [8, 10]),
    "bom.xml": (CYCLONEDX_XML, [9, 12]),
    "app.spdx.json": (SPDX2_JSON, [7, 9]),
    "three.json": (SPDX3_JSON, [4, 8]),
    "app.spdx": (SPDX_TAGS, [7, 13]),
    "tags": (SPDX_TAGS, [7, 13]),
}


@pytest.mark.parametrize("name", BILLS)
def test_components(name: str, tmp_path: Path) -> None:
    """Each component of PyPI's kind is wanted, nested ones too; the product, its tools and ancestors are not."""
    text, places = BILLS[name]
    found = read(tmp_path, name, text)
    assert texts(found) == ["six==1.17.0", "idna==3.7"]
    assert lines(found) == places
    assert [one.hashes for one in found.items] == [(), ()]


@pytest.mark.parametrize("name", BILLS)
def test_skipped(name: str, tmp_path: Path) -> None:
    """What has no version or comes from a repository is named in a warning."""
    loose, repo = warned(read(tmp_path, name, BILLS[name][0]))
    assert loose.endswith("loose has no version: skipped")
    assert repo.endswith("repo 1.0 comes from a repository, which a mirror cannot hold: skipped")


@pytest.mark.parametrize(
    ("purl", "pin"),
    [
        ("pkg:pypi/six@1.0", Pin("six", "1.0", 7)),
        ("PKG:PyPI/six@1.0", Pin("six", "1.0", 7)),
        ("pkg://pypi/six@1.0#src/x", Pin("six", "1.0", 7)),
        ("pkg:pypi/six@1.0%2Bcpu?file_name=x.whl", Pin("six", "1.0+cpu", 7)),
        ("pkg:pypi/six@1!2.0+cpu", Pin("six", "1!2.0+cpu", 7)),
        ("pkg:pypi/six@", Pin("six", None, 7)),
        ("pkg:pypi/six@1?repository_url=https://example.org", Pin("six", "1", 7, index="https://example.org")),
        ("pkg:pypi/six@1?download_url=https://example.org/x", Pin("six", "1", 7, elsewhere="a URL")),
        ("pkg:npm/six@1.0", None),
        ("pypi/six@1.0", None),
        ("", None),
    ],
)
def test_package_urls(purl: str, pin: Pin | None) -> None:
    """A package URL is read with its qualifiers, percent-encoded or not."""
    assert pin_of(purl, 7) == pin


@given(st.text())
def test_any_package_url(text: str) -> None:
    """Whatever stands where a package URL should, is one or is none."""
    for purl in (text, f"pkg:pypi/{text}"):
        assert isinstance(pin_of(purl, None), Pin | None)


LAUGHS = """\
<?xml version="1.0"?>
<!DOCTYPE bom [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<bom><components><component><purl>pkg:pypi/&b;@1</purl></component></components></bom>
"""


@pytest.mark.parametrize(
    ("name", "text", "message", "line"),
    [
        ("bom.xml", LAUGHS, "has a document type declaration, which is not read", 2),
        ("bom.xml", '\n<!DOCTYPE bom SYSTEM "file:///etc/passwd"><bom/>', "has a document type declaration", 2),
        ("bom.xml", "<bom>\n<components>", "is not XML: no element found", 2),
        ("bom.xml", "<bom>\n&nbsp;</bom>", "is not XML: undefined entity", 2),
        ("bom.json", '{"bomFormat": "CycloneDX", "components": {}}', "Expected `array`, got `object`", None),
        ("bom.json", '{"bomFormat": "CycloneDX",\n"components": [}', "is not JSON", 2),
        ("bom.json", '{"bomFormat": "CycloneDX", "components": ' + "[" * 500_000, "is nested too deeply", None),
    ],
)
def test_refused(name: str, text: str, message: str, line: int | None, tmp_path: Path) -> None:
    """What is malformed or declares entities is refused, with the line where it is known."""
    [problem] = refused(tmp_path, name, text)
    assert message in problem.message
    assert problem.line == line


def test_deep_and_many(tmp_path: Path) -> None:
    """XML of any depth, and many components, are read in no time."""
    deep = "<bom>" + "<components><component>" * 20_000 + "<purl>pkg:pypi/six@1</purl>"
    found = read(tmp_path, "bom.xml", deep + "</component></components>" * 20_000 + "</bom>")
    assert texts(found) == ["six==1"]
    many = [{"purl": f"pkg:pypi/p{number}@1"} for number in range(20_000)]
    found = read(tmp_path, "bom.json", json.dumps({"bomFormat": "CycloneDX", "components": many}))
    assert len(found.items) == 20_000


def test_nothing_of_ours(tmp_path: Path) -> None:
    """A bill without anything of PyPI's kind is a warning."""
    found = read(tmp_path, "bom.xml", "<bom><components/></bom>")
    assert (found.items, warned(found)) == ((), ["None: names no project"])
