"""
Bills of materials: the components that have a package URL of type ``pypi``.

CycloneDX (https://cyclonedx.org/specification/overview/), SPDX 2 and 3 (https://spdx.dev/use/specifications/), package
URLs (https://github.com/package-url/purl-spec). Of formats this large only these few fields are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qs, unquote
from xml.parsers import expat

import msgspec

from bandersnatch.errors import Problem, UsageError
from bandersnatch.inputs import documents
from bandersnatch.inputs.findings import Findings
from bandersnatch.inputs.pins import Pin, collect


def pin_of(purl: str, line: int | None) -> Pin | None:
    """The version that a package URL names, or None where it is not of PyPI's kind."""
    scheme, _, rest = purl.strip().partition(":")
    rest, _, query = rest.partition("#")[0].partition("?")
    kind, _, rest = rest.lstrip("/").partition("/")
    if (scheme.lower(), kind.lower()) != ("pkg", "pypi"):
        return None
    name, _, version = rest.strip("/").partition("@")
    qualifiers = parse_qs(query)
    direct = {"vcs_url": "a repository", "download_url": "a URL"}
    return Pin(
        unquote(name),
        unquote(version) or None,
        line,
        index=qualifiers.get("repository_url", [""])[0],
        elsewhere=next((words for key, words in direct.items() if key in qualifiers), ""),
    )


def _collect(purls: Iterable[tuple[str, int | None]], findings: Findings) -> None:
    each_once: dict[str, int | None] = {}
    for purl, line in purls:
        each_once.setdefault(purl, line)
    collect((pin for purl, line in each_once.items() if (pin := pin_of(purl, line))), findings)


# --- CycloneDX -----------------------------------------------------------------------------------------------------


class _Component(msgspec.Struct):
    purl: str | None = None
    components: list[_Component] = []


class _CycloneDx(msgspec.Struct):
    components: list[_Component] = []


def read_cyclonedx_json(text: str, findings: Findings) -> None:
    """CycloneDX in JSON: components at any depth. Raises UsageError."""
    waiting = documents.json(text, findings.file, _CycloneDx).components[::-1]
    lines = documents.lines_of_strings(text)
    found = []
    while waiting:
        component = waiting.pop()
        waiting += component.components[::-1]
        if component.purl:
            found.append((component.purl, lines.get(component.purl)))
    _collect(found, findings)


def read_cyclonedx_xml(text: str, findings: Findings) -> None:
    """CycloneDX in XML: components at any depth. Raises UsageError, for a document type declaration too."""
    reader = _PurlReader(findings.file)
    try:
        reader.parser.Parse(text, True)
    except expat.ExpatError as error:
        message = f"is not XML: {expat.ErrorString(error.code)}"
        raise UsageError(Problem(message, findings.file, error.lineno)) from error
    _collect(reader.found, findings)


class _PurlReader:
    """
    Gathers the text of ``bom/components/component/purl``, components nested in components included.

    What stands elsewhere is not part of the product: tools that made the list, ancestors of a patched component.
    """

    _WANTED = re.compile(r"bom(/components/component)+/purl")

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[tuple[str, int | None]] = []
        self._path: list[str] = []
        self._purl: list[str] | None = None
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(":")[2])
        if self._path[-1] == "purl" and self._WANTED.fullmatch("/".join(self._path)):
            self._purl = []

    def _text(self, text: str) -> None:
        if self._purl is not None:
            self._purl.append(text)

    def _end(self, name: str) -> None:
        self._path.pop()
        if self._purl is not None:
            self.found.append(("".join(self._purl), self.parser.CurrentLineNumber))
            self._purl = None

    def _doctype(self, *declaration: object) -> None:
        # Entities can make a small document enormous, and no bill of materials needs them.
        message = "has a document type declaration, which is not read"
        raise UsageError(Problem(message, self.file, self.parser.CurrentLineNumber))


# --- SPDX ----------------------------------------------------------------------------------------------------------


class _Reference(msgspec.Struct, rename="camel"):
    reference_locator: str = ""


class _Package(msgspec.Struct, rename="camel"):
    external_refs: tuple[_Reference, ...] = ()


class _Identifier(msgspec.Struct, rename="camel"):
    identifier: str = ""


class _Element(msgspec.Struct):
    package_url: str = msgspec.field(name="software_packageUrl", default="")
    identifiers: tuple[_Identifier | str, ...] = msgspec.field(name="externalIdentifier", default=())


class _Spdx(msgspec.Struct):
    packages: tuple[_Package, ...] = ()
    graph: tuple[_Element, ...] = msgspec.field(name="@graph", default=())


def read_spdx_json(text: str, findings: Findings) -> None:
    """SPDX 2 in JSON and SPDX 3 in JSON-LD. Raises UsageError."""
    document = documents.json(text, findings.file, _Spdx)
    lines = documents.lines_of_strings(text)
    purls = [reference.reference_locator for package in document.packages for reference in package.external_refs]
    for element in document.graph:
        purls += [element.package_url, *(one.identifier for one in element.identifiers if not isinstance(one, str))]
    _collect(((purl, lines.get(purl)) for purl in purls), findings)


def read_spdx_tags(text: str, findings: Findings) -> None:
    """SPDX 2 as lines of "tag: value"."""
    _collect(_tagged(text), findings)


def _tagged(text: str) -> Iterator[tuple[str, int | None]]:
    reference = re.compile(r"ExternalRef:\s*PACKAGE[-_]MANAGER\s+purl\s+(\S+)\s*")
    quoted = False
    for number, line in enumerate(text.splitlines(), 1):
        found = None if quoted else reference.fullmatch(line)
        if found:
            yield found[1], number
        # A comment of several lines stands between <text> and </text>.
        if "<text>" in line:
            quoted = True
        if "</text>" in line:
            quoted = False
