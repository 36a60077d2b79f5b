"""Advisories from disk: records in the OSV format, good and broken, in each form that they come in."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from bandersnatch.errors import UsageError
from bandersnatch.inputs import advisories, osv, severity
from bandersnatch.selection.affected import Advisory, Severity

HOLE: dict[str, Any] = {
    "schema_version": "1.7.3",
    "id": "GHSA-bbbb-cccc-dddd",
    "modified": "2099-03-02T10:00:00Z",
    "published": "2099-03-01T10:00:00Z",
    "aliases": ["CVE-2099-0001", "PYSEC-2099-1"],
    "summary": "Pressure can be\n read by \u001b[31manybody",
    "details": "### Impact\nEverything.",
    "severity": [
        {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"},
        {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"},
    ],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Barometer", "purl": "pkg:pypi/barometer"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.4"}]}],
            "versions": ["1.0", "1.2"],
            "ecosystem_specific": {"affected_functions": ["barometer.read"]},
            "database_specific": {"source": "https://example.org/advisories/1"},
        },
        {
            "package": {"ecosystem": "PyPI", "name": "barometer"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "2.0"}, {"last_affected": "2.1"}]},
                {
                    "type": "GIT",
                    "repo": "https://example.org/barometer",
                    "events": [{"introduced": "0"}, {"fixed": "f00"}],
                },
            ],
        },
        {"package": {"ecosystem": "npm", "name": "@weather/barometer"}, "versions": ["9.9"]},
        {"package": {"ecosystem": "PyPI", "name": "weather_station"}, "versions": ["3.0"]},
        {"ranges": [{"type": "GIT", "repo": "https://example.org/x", "events": [{"introduced": "0"}]}]},
    ],
    "references": [{"type": "WEB", "url": "https://example.org/advisories/1"}],
    "credits": None,
    "database_specific": {"cwe_ids": ["CWE-200"], "severity": "HIGH", "github_reviewed": True},
}

MALWARE: dict[str, Any] = {
    "id": "MAL-2099-7",
    "modified": "2099-03-02T10:00:00Z",
    "summary": "Malicious code in barometre (PyPI)",
    "details": "It sends the environment to somebody.",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "barometre"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
            "versions": ["0.0.1", "0.0.2"],
        }
    ],
    "database_specific": {"malicious-packages-origins": [{"source": "example", "sha256": "00", "versions": ["0.0.1"]}]},
}

OTHER: dict[str, Any] = {"id": "GO-2099-1", "affected": [{"package": {"ecosystem": "Go", "name": "example.org/x"}}]}


def simple(id: str = "PYSEC-2099-1", name: str = "barometer", **more: Any) -> dict[str, Any]:  # noqa: A002 # OSV's word
    """A record about version 1.0 of one project."""
    return {"id": id, "affected": [{"package": {"ecosystem": "PyPI", "name": name}, "versions": ["1.0"]}], **more}


def parsed(record: Any) -> dict[str, Advisory]:
    """What a record comes to, by project."""
    return dict(osv.parse(json.dumps(record).encode()).advisories)


def written(place: Path, *lines: Any) -> str:
    """A file at *place* with the records, one in each line; text goes in as it is."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return str(place)


# --- one record ----------------------------------------------------------------------------------------------------


def test_a_record() -> None:
    """Of a record stays what judges versions: one advisory for each project on PyPI, whatever else it is about."""
    assert parsed(HOLE) == {
        "barometer": Advisory(
            "GHSA-bbbb-cccc-dddd",
            "1.0\n1.2",
            ((("introduced", "0"), ("fixed", "1.4")), (("introduced", "2.0"), ("last_affected", "2.1"))),
            ("CVE-2099-0001", "PYSEC-2099-1"),
            "Pressure can be read by ?[31manybody",
            Severity.HIGH,
        ),
        "weather-station": Advisory(
            "GHSA-bbbb-cccc-dddd",
            "3.0",
            (),
            ("CVE-2099-0001", "PYSEC-2099-1"),
            "Pressure can be read by ?[31manybody",
            Severity.HIGH,
        ),
    }


def test_summaries() -> None:
    """A long summary is cut, and without one the details begin the line."""
    assert parsed(simple(summary="word " * 500))["barometer"].summary == ("word " * 500)[: osv.MAX_SUMMARY - 1] + "…"
    assert parsed(simple(details="### Impact\n\nNone."))["barometer"].summary == "### Impact None."


@pytest.mark.parametrize(
    ("more", "malicious"),
    [
        ({}, False),
        ({"id": "MAL-2099-1"}, True),
        ({"aliases": ["CVE-2099-1", "MAL-2099-1"]}, True),
        ({"database_specific": {"malicious-packages-origins": []}}, True),
        ({"database_specific": {"cwe_ids": ["CWE-79", "CWE-506"]}}, True),
        ({"database_specific": {"cwe_ids": ["CWE-79"]}}, False),
        ({"database_specific": {"cwe_ids": "CWE-506"}}, False),
    ],
)
def test_malice(more: dict[str, Any], malicious: bool) -> None:
    """Malice is told by the OpenSSF's id or its mark, or by GHSA's class of weakness."""
    assert parsed({**simple(), **more})["barometer"].malicious is malicious


def test_withdrawn() -> None:
    """A record that was withdrawn does not count; null means it was not."""
    assert parsed(simple(withdrawn="2099-01-01T00:00:00Z")) == {}
    assert list(parsed(simple(withdrawn=None))) == ["barometer"]


@pytest.mark.parametrize(
    ("affected", "more", "version", "is_affected", "warning"),
    [
        ({"versions": ["1.0"]}, {}, "2.0", False, None),
        ({"ranges": [{"type": "SEMVER", "events": [{"introduced": "1.5"}]}]}, {}, "2.0", True, None),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "3.0"}]}]}, {}, "2.0", True, None),
        ({"ranges": [{"type": "ECOSYSTEM", "events": []}]}, {}, "2.0", True, None),
        ({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0", "limit": "*"}]}]}, {}, "2.0", True, None),
        (
            {"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "x"}]}]},
            {},
            "2.0",
            True,
            "fixed 'x'",
        ),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, {}, "2.0", False, "names no version"),
        ({"versions": None, "ranges": None}, {}, "2.0", False, "names no version"),
        ({}, {"id": "MAL-1"}, "2.0", True, None),
    ],
)
def test_versions(
    affected: dict[str, Any], more: dict[str, Any], version: str, is_affected: bool, warning: str | None
) -> None:
    """What cannot be compared reaches further, with a warning; malice that names no version is in all of them."""
    record = {**simple(), **more, "affected": [{"package": {"ecosystem": "PyPI", "name": "a"}, **affected}]}
    result = osv.parse(json.dumps(record).encode())
    assert result.advisories[0][1].affects(Version(version), version) is is_affected
    assert [warning in one for one in result.warnings if warning] == ([True] if warning else [])


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("{", "truncated"),
        ('"text"', "Expected `object`"),
        (json.dumps(simple()) + " {}", "malformed"),
        ({}, "missing required field `id`"),
        (simple(id=""), "not an id"),
        (simple(id="a b\n"), "not an id"),
        ({"id": 5}, "$.id"),
        ({"id": "X", "affected": {}}, "$.affected"),
        ({"id": "X", "affected": [{"package": {"ecosystem": "PyPI", "name": 5}}]}, "$.affected[0].package.name"),
        ({"id": "X", "affected": [{"versions": [1.0]}]}, "$.affected[0].versions[0]"),
        ({"id": "X", "affected": [{"package": {"ecosystem": "PyPI"}}]}, "not a project name"),
        ({"id": "X", "affected": [{"package": {"ecosystem": "PyPI", "name": "../x"}}]}, "not a project name"),
        ("[" * 100_000, "OSV"),
    ],
)
def test_what_is_no_record(record: Any, said: str) -> None:
    """A record that cannot be read says what is wrong with it."""
    with pytest.raises(ValueError) as caught:
        osv.parse((record if isinstance(record, str) else json.dumps(record)).encode())
    assert said in str(caught.value)


@given(
    st.binary(max_size=80)
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["id", "affected", "package", "ranges", "events", "severity", "name", "ecosystem"]),
                inner,
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_record(data: bytes) -> None:
    """Whatever bytes come, they are a record or say why not."""
    try:
        osv.parse(data)
    except ValueError as error:
        assert str(error)


# --- severity ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Severity.CRITICAL),  # 9.8
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Severity.CRITICAL),  # 10.0
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Severity.HIGH),  # 7.5
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O", Severity.HIGH),  # 7.8
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", Severity.MEDIUM),  # 6.1
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N", Severity.LOW),  # 3.7
        ("CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", Severity.NONE),
        ("CVSS:3.1/AV:N/AC:L", None),
        ("CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Severity.CRITICAL),  # 9.3
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U", Severity.HIGH),  # 8.1
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N", Severity.MEDIUM),  # 6.9
        ("CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N", Severity.LOW),  # 0.3
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", Severity.NONE),
        ("CVSS:4.0/AV:N/AC:L/AT:N", None),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:Q", None),
        ("CVSS:5.0/AV:N/AC:L", None),
        ("AV:N/AC:L/Au:N/C:P/I:P/A:P", Severity.HIGH),  # 7.5
        ("a/b", None),
        ("7.0", Severity.HIGH),
        ("11", None),
        ("nan", None),
        ("Moderate", Severity.MEDIUM),
        ("medium", Severity.MEDIUM),
        ("urgent", None),
    ],
)
def test_severity(text: str, expected: Severity | None) -> None:
    """Words, scores and vectors of CVSS 2, 3 and 4 are understood; everything else says nothing."""
    assert severity.read(text) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"severity": None, "database_specific": None}, None),
        ({"database_specific": {"severity": "LOW"}}, Severity.LOW),
        ({"database_specific": {"severity": ["LOW"]}}, None),
        ({"severity": [{"type": "Ubuntu", "score": "high"}], "database_specific": {"severity": "LOW"}}, Severity.HIGH),
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}]}, None),
    ],
)
def test_worst_severity(more: dict[str, Any], expected: Severity | None) -> None:
    """The worst of all that a record says counts."""
    assert parsed(simple(**more))["barometer"].severity == expected


def test_severity_of_a_project() -> None:
    """What is said of one project counts for that one."""
    record = simple()
    record["affected"][0]["ecosystem_specific"] = {"severity": "critical"}
    record["affected"].append({"package": {"ecosystem": "PyPI", "name": "other"}, "severity": [{"score": "5.0"}]})
    found = parsed(record)
    assert (found["barometer"].severity, found["other"].severity) == (Severity.CRITICAL, Severity.MEDIUM)


def test_severity_of_an_alias(tmp_path: Path) -> None:
    """A record that does not say how bad it is takes that from those that share an id with it."""
    place = written(
        tmp_path / "all.jsonl",
        simple("PYSEC-2099-1", aliases=["CVE-2099-1"]),
        simple("GHSA-1", name="fork", aliases=["cve-2099-1"], database_specific={"severity": "LOW"}),
        simple("GHSA-2", aliases=["PYSEC-2099-1"], database_specific={"severity": "MODERATE"}),
        simple("PYSEC-2099-2"),
    )
    found = advisories.read(place).by_name["barometer"]
    assert [one.severity for one in found] == [Severity.MEDIUM, Severity.MEDIUM, None]


# --- where they stand ----------------------------------------------------------------------------------------------

FORMS = {
    "one.json": (json.dumps(HOLE), 1),
    "indented.json": (json.dumps(HOLE, indent=2), None),
    "marked.json": ("\ufeff" + json.dumps(HOLE, indent=2), None),
    "list.json": (json.dumps([OTHER, HOLE]), 1),
    "indented-list.json": (json.dumps([OTHER, HOLE], indent=1), None),
    "lines.json": (f"{json.dumps(OTHER)}\n\n{json.dumps(HOLE)}\n", 3),
    "lines.jsonl": (f"\n{json.dumps(OTHER)}\r\n{json.dumps(HOLE)}", 3),
    "unnamed": (json.dumps(HOLE, indent=2), None),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file(tmp_path: Path, form: str) -> None:
    """A file has one record, a list of them, or one in each line, whatever it is called."""
    place, (text, line) = tmp_path / form, FORMS[form]
    place.write_bytes(text.encode())
    found = advisories.read(str(place)).checked()
    assert set(found.by_name) == {"barometer", "weather-station"}
    assert (found.by_name["barometer"][0].file, found.by_name["barometer"][0].line) == (str(place), line)
    assert found.warnings == ()


def test_a_directory(tmp_path: Path) -> None:
    """All files of the tree are read, in one order; hidden folders and files of other kinds are not."""
    written(tmp_path / "b" / "hole.json", HOLE)
    written(tmp_path / "a" / "more.ndjson", OTHER, simple("PYSEC-2099-3"))
    written(tmp_path / ".git" / "x.json", "{")
    written(tmp_path / "README.md", "x")
    found = advisories.read(str(tmp_path)).checked()
    where = [(one.id, one.file, one.line) for one in found.by_name["barometer"]]
    assert where == [
        ("PYSEC-2099-3", str(tmp_path / "a" / "more.ndjson"), 2),
        ("GHSA-bbbb-cccc-dddd", str(tmp_path / "b" / "hole.json"), 1),
    ]


def test_deep_folders(tmp_path: Path) -> None:
    """Folders in each other are read however deep they lie, also where Python's own walk would call itself."""
    place = tmp_path
    for _ in range(1200):
        place /= "d"
        place.mkdir()
    written(place / "hole.json", HOLE)
    found = advisories.read(str(tmp_path)).checked()
    subprocess.run(["rm", "-rf", "--", tmp_path / "d"], check=True)  # pytest's own removal would call itself as often
    assert set(found.by_name) == {"barometer", "weather-station"}


def test_a_zip_file(tmp_path: Path) -> None:
    """A zip file is read as the directory it was made from; a record is named by its place in it."""
    place = tmp_path / "all.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("MAL-2099-7.json", json.dumps(MALWARE))
        archive.writestr("x/GO-2099-1.json", json.dumps(OTHER))
        archive.writestr("LICENSE", "x")
    found = advisories.read(str(place)).checked()
    assert [one.file for each in found.by_name.values() for one in each] == [f"{place}/MAL-2099-7.json"]


# --- what goes wrong -----------------------------------------------------------------------------------------------


def test_nothing_there(tmp_path: Path) -> None:
    """A place that is not there is an error, and so is a file that cannot be opened."""
    with pytest.raises(UsageError, match=r"missing: the advisories cannot be read: No such file"):
        advisories.read(str(tmp_path / "missing"))


@pytest.mark.parametrize("files", [{}, {"all.zip.part": "x"}])
def test_nothing_in_it(tmp_path: Path, files: dict[str, str]) -> None:
    """A directory without records is a warning."""
    for name, text in files.items():
        written(tmp_path / name, text)
    found = advisories.read(str(tmp_path)).checked()
    assert found.by_name == {}
    assert [str(one) for one in found.warnings] == [
        f"{tmp_path}: has no file that ends with .json or .jsonl or .ndjson: no advisory is known"
    ]


def test_nothing_about_pypi(tmp_path: Path) -> None:
    """Records about other ecosystems only are a warning."""
    found = advisories.read(written(tmp_path / "a.json", OTHER)).checked()
    assert [one.message for one in found.warnings] == ["has no advisory about a project on PyPI"]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """Every record that cannot be read is a problem with its file and line, and the others are read all the same."""
    written(tmp_path / "a.json", "{")
    written(tmp_path / "b.jsonl", simple(), "{", {"id": 5}, [simple(), {}], "[")
    written(tmp_path / "c.json", "")
    (tmp_path / "d.json").symlink_to(tmp_path / "missing")
    found = advisories.read(str(tmp_path))
    assert len(found.by_name["barometer"]) == 2
    places = [(os.path.basename(one.file or ""), one.line) for one in found.problems]
    assert places == [
        ("a.json", None),
        ("b.jsonl", 2),
        ("b.jsonl", 3),
        ("b.jsonl", 4),
        ("b.jsonl", 5),
        ("c.json", None),
        ("d.json", None),
    ]
    with pytest.raises(UsageError) as caught:
        found.checked()
    assert caught.value.problems == found.problems


def test_many_problems(tmp_path: Path) -> None:
    """An error lists the first problems and counts the others; so do the warnings."""
    found = advisories.read(
        written(
            tmp_path / "a.jsonl",
            *["{"] * 50,
            *[simple(affected=[{"package": {"ecosystem": "PyPI", "name": "a"}}])] * 30,
        )
    )
    assert len(found.problems) == 50
    with pytest.raises(UsageError) as caught:
        found.checked()
    assert len(caught.value.problems) == 21
    assert caught.value.problems[-1].message == "and 30 more like these"
    assert found.warnings[-1].message == "and 10 more like these"


def broken(place: Path, change: tuple[bytes, bytes]) -> str:
    """A zip file with one good record, and one whose entry is changed."""
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("good.json", json.dumps(HOLE))
        archive.writestr("bad.json", json.dumps(MALWARE))
    place.write_bytes(place.read_bytes().replace(*change))
    return str(place)


@pytest.mark.parametrize("change", [(b"MAL-2099-7", b"MAL-2099-8"), (b"bad.json{", b"BAD.json{")])
def test_a_broken_zip_file(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    """A member that is damaged is a problem of its own."""
    found = advisories.read(broken(tmp_path / "all.zip", change))
    assert "barometer" in found.by_name
    assert [one.file for one in found.problems] == [f"{tmp_path}/all.zip/bad.json"]


def test_a_huge_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that unpacks to more than any record has is not unpacked."""
    monkeypatch.setattr(advisories, "MAX_MEMBER", len(json.dumps(MALWARE)))
    found = advisories.read(broken(tmp_path / "all.zip", (b"", b"")))
    assert [one.message.partition(",")[0] for one in found.problems] == [
        f"cannot be read: has {len(json.dumps(HOLE))} bytes"
    ]


def test_half_a_zip_file(tmp_path: Path) -> None:
    """A zip file that was cut off is never taken for one without records."""
    place = tmp_path / "all.zip"
    broken(place, (b"", b""))
    place.write_bytes(place.read_bytes()[:-30])
    assert advisories.read(str(place)).problems
