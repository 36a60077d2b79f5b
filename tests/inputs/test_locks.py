"""The locks of package managers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inputs.sheets import lines, read, refused, texts, warned

ONE, TWO = "1" * 64, "2" * 64
INDEX, OTHER = "https://example.org/simple", "https://user:secret@other.example.org/simple"

PYLOCK = f"""\
lock-version = "1.0"
created-by = "hand"
extras = ["x"]

[[packages]]
name = "six"
version = "1.17.0"
index = "{INDEX}"
sdist = {{ name = "six-1.17.0.tar.gz", url = "https://example.org/six-1.17.0.tar.gz", hashes = {{ sha256 = "{ONE}" }} }}
wheels = [{{ url = "https://example.org/six-1.17.0-py3-none-any.whl", hashes = {{ sha256 = "{TWO}" }} }}]

[[packages]]
name = "idna"
version = "3.7"
index = "{INDEX}"
marker = "python_version < '3.12'"
wheels = [{{ url = "https://example.org/idna-3.7-py3-none-any.whl", hashes = {{ sha256 = "{TWO}" }} }}]

[[packages]]
name = "rich"
version = "14.0"
index = "{INDEX}"
marker = "'x' in extras and os_name == 'nt'"
wheels = [{{ url = "https://example.org/rich-14.0-py3-none-any.whl", hashes = {{ sha256 = "{TWO}" }} }}]

[[packages]]
name = "here"
directory = {{ path = "." }}

[[packages]]
name = "repo"
vcs = {{ type = "git", url = "https://example.org/repo", commit-id = "abc" }}

[[packages]]
name = "archive"
archive = {{ url = "https://example.org/archive.zip", hashes = {{ sha256 = "{ONE}" }} }}
"""

UV = f"""\
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "app"
version = "0.1"
source = {{ virtual = "." }}
dependencies = [{{ name = "six" }}]

[[package]]
name = "member"
source = {{ editable = "packages/member" }}

[[package]]
name = "repo"
version = "1.0"
source = {{ git = "https://example.org/repo?rev=1#abc" }}

[[package]]
name = "local"
version = "1.0"
source = {{ registry = "../wheels" }}

[[package]]
name = "six"
version = "1.17.0"
source = {{ registry = "{INDEX}" }}
sdist = {{ url = "https://example.org/six.tar.gz", hash = "sha256:{ONE}", size = 1 }}
wheels = [
    {{ url = "https://example.org/six.whl", hash = "sha256:{TWO}", size = 1 }},
]

[[package]]
name = "numpy"
version = "2.2"
source = {{ registry = "{INDEX}" }}
resolution-markers = [
    "python_full_version < '3.12'",
    "os_name == 'nt'",
]

[[package]]
name = "inner"
version = "1.0"
source = {{ registry = "{OTHER}" }}
"""

POETRY = f"""\
[[package]]
name = "six"
version = "1.17.0"
description = ""
optional = false
python-versions = ">=3.8"
groups = ["main", "dev"]
files = [
    {{file = "six-1.17.0.tar.gz", hash = "sha256:{ONE}"}},
]

[[package]]
name = "idna"
version = "3.7"
groups = ["main"]
markers = "python_version < \\"3.12\\""
files = []

[[package]]
name = "rich"
version = "14.0"
optional = true
groups = ["main", "dev"]
markers = {{main = "extra == \\"x\\"", dev = "os_name == \\"nt\\""}}

[[package]]
name = "tomli"
version = "2.0"
groups = ["main", "dev"]
markers = {{main = "python_version < \\"3.11\\"", dev = "os_name == \\"nt\\""}}

[[package]]
name = "attrs"
version = "25.1"
groups = ["main", "dev"]
markers = {{main = "python_version < \\"3.11\\""}}

[[package]]
name = "repo"
version = "1.0"

[package.source]
type = "git"
url = "https://example.org/repo"

[[package]]
name = "inner"
version = "1.0"

[package.source]
type = "legacy"
url = "{OTHER}"

[metadata]
lock-version = "2.1"
content-hash = "{ONE}"
"""

PDM = f"""\
[metadata]
groups = ["default"]
lock_version = "4.5.0"
content_hash = "sha256:{ONE}"

[[package]]
name = "six"
version = "1.17.0"
groups = ["default"]
files = [
    {{file = "six-1.17.0.tar.gz", hash = "sha256:{ONE}"}},
]

[[package]]
name = "idna"
version = "3.7"
marker = "python_version < \\"3.12\\""

[[package]]
name = "repo"
version = "1.0"
git = "https://example.org/repo"

[[package]]
name = "here"
version = "1.0"
path = "./here"
editable = true
"""

PIPFILE = f"""\
{{
    "_meta": {{
        "hash": {{"sha256": "{ONE}"}},
        "pipfile-spec": 6,
        "requires": {{}},
        "sources": [{{"name": "main", "url": "{INDEX}", "verify_ssl": true}}]
    }},
    "default": {{
        "six": {{
            "hashes": ["sha256:{ONE}"],
            "index": "main",
            "version": "==1.17.0"
        }},
        "idna": {{
            "markers": "python_version < '3.12'",
            "version": "==3.7"
        }},
        "here": {{"editable": true, "path": "."}},
        "repo": {{"git": "https://example.org/repo", "ref": "abc"}},
        "loose": {{"version": "*"}}
    }},
    "develop": {{
        "six": {{
            "hashes": ["sha256:{ONE}"],
            "version": "==1.17.0"
        }},
        "inner": {{"version": "==1.0", "index": "other"}}
    }}
}}
"""

IDNA = 'idna==3.7; python_version < "3.12"'


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("pylock.toml", PYLOCK, {"six==1.17.0": 5, IDNA: 12, "rich==14.0": 19}),
        (
            "uv.lock",
            UV,
            {
                "six==1.17.0": 25,
                'numpy==2.2; python_full_version < "3.12" or os_name == "nt"': 34,
                "inner==1.0": 43,
            },
        ),
        (
            "poetry.lock",
            POETRY,
            {
                "six==1.17.0": 1,
                IDNA: 12,
                "rich==14.0": 19,
                'tomli==2.0; python_version < "3.11" or os_name == "nt"': 26,
                "attrs==25.1": 32,
                "inner==1.0": 46,
            },
        ),
        ("pdm.lock", PDM, {"six==1.17.0": 6, IDNA: 14}),
        ("Pipfile.lock", PIPFILE, {"six==1.17.0": 9, IDNA: 14, "inner==1.0": 27}),
    ],
)
def test_pins(name: str, text: str, wanted: dict[str, int], tmp_path: Path) -> None:
    """Each version of an index is wanted where its marker is true, with its line; extras and groups do not narrow."""
    found = read(tmp_path, name, text)
    assert dict(zip(texts(found), lines(found), strict=True)) == wanted


@pytest.mark.parametrize(
    ("name", "text", "hashes"),
    [
        ("pylock.toml", PYLOCK, [ONE, TWO]),
        ("uv.lock", UV, [ONE, TWO]),
        ("poetry.lock", POETRY, [ONE]),
        ("pdm.lock", PDM, [ONE]),
        ("Pipfile.lock", PIPFILE, [ONE]),
    ],
)
def test_hashes(name: str, text: str, hashes: list[str], tmp_path: Path) -> None:
    """The hashes of all files of a version come with it."""
    found = read(tmp_path, name, text)
    [six] = [one for one in found.items if one.text == "six==1.17.0"]
    assert six.hashes == tuple(f"sha256:{one}" for one in hashes)


@pytest.mark.parametrize(
    ("name", "text", "skipped"),
    [
        ("pylock.toml", PYLOCK, ["here", "repo", "archive"]),
        ("uv.lock", UV, ["app", "member", "repo", "local"]),
        ("poetry.lock", POETRY, ["repo"]),
        ("pdm.lock", PDM, ["repo", "here"]),
        ("Pipfile.lock", PIPFILE, ["here", "repo", "loose"]),
    ],
)
def test_skipped(name: str, text: str, skipped: list[str], tmp_path: Path) -> None:
    """What comes from elsewhere than an index, or has no version, is named in a warning, and is not wanted."""
    found = read(tmp_path, name, text)
    assert [one.message.split()[0] for one in found.warnings if one.message.endswith(": skipped")] == skipped


@pytest.mark.parametrize(("name", "text"), [("uv.lock", UV), ("poetry.lock", POETRY), ("Pipfile.lock", PIPFILE)])
def test_another_index(name: str, text: str, tmp_path: Path) -> None:
    """What comes from another index than the rest is wanted with a warning, which shows no secret."""
    [warning] = [one for one in warned(read(tmp_path, name, text)) if "unlike most" in one]
    assert "inner comes from" in warning
    assert "secret" not in warning


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("pylock.toml", '"1.0"\ncreated', '"2.0"\ncreated', "is not a lock of PEP 751"),
        ("pylock.toml", 'name = "six"', 'name = "Six"', "'packages[0].name'"),
        ("uv.lock", "version = 1\n", "version = 2\n", "has version 2 of uv's format"),
        ("poetry.lock", 'lock-version = "2.1"', 'lock-version = "3.0"', "has version 3.0 of poetry's format"),
        ("pdm.lock", 'lock_version = "4.5.0"', 'lock_version = "5.0"', "has version 5.0 of PDM's format"),
        ("Pipfile.lock", '"pipfile-spec": 6', '"pipfile-spec": 7', "has version 7 of Pipenv's format"),
        ("uv.lock", "version = 1\n", 'version = "x"\n', "Expected `int`, got `str` - at `$.version`"),
        ("poetry.lock", "[metadata]", "[other]", "missing required field `metadata`"),
        ("Pipfile.lock", '"hashes": ["sha256', '"hashes": [1, "sha256', "Expected `str`, got `int`"),
        ("Pipfile.lock", '"version": "==3.7"', '"version": "==3.7"]', "is not JSON"),
        ("uv.lock", "python_full_version < '3.12'", "no marker", "is not a requirement"),
    ],
)
def test_refused(name: str, old: str, new: str, message: str, tmp_path: Path) -> None:
    """A version of a format that is not known, and what is not as the format has it, is refused."""
    text = {"pylock.toml": PYLOCK, "uv.lock": UV, "poetry.lock": POETRY, "pdm.lock": PDM, "Pipfile.lock": PIPFILE}[name]
    assert old in text
    [problem] = refused(tmp_path, name, text.replace(old, new, 1))
    assert message in problem.message


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("pylock.dev.toml", PYLOCK, 3),
        ("lock.toml", PYLOCK, 3),
        ("script.py.lock", UV, 3),
        ("old.lock", POETRY, 6),
        ("pdm.dev.lock", PDM, 2),
        ("locked.json", PIPFILE, 3),
    ],
)
def test_other_names(name: str, text: str, count: int, tmp_path: Path) -> None:
    """Under another name a lock is known by what it holds."""
    assert len(read(tmp_path, name, text).items) == count


BARE = """\
lock-version = "1.0"
created-by = "hand"

[[packages]]
name = "torchy"
version = "2.6+cu124"
wheels = [
    { url = "https://example.org/torchy-2.6%2Bcu124-py3-none-any.whl", hashes = {} },
    { url = "https://example.org/torchy-2.6%2Bcu124-cp312-cp312-win32.whl" },
]

[[packages]]
name = "six"
version = "1.17.0"
sdist = { url = "https://example.org/six-1.17.0.tar.gz" }
wheels = [{ url = "https://example.org/six-1.17.0-py3-none-any.whl", hashes = { sha256 = "2" } }]

[[packages]]
name = "archive"
archive = { url = "https://example.org/archive.zip" }
"""


def test_without_hashes(tmp_path: Path) -> None:
    """A lock of an index that has no digests wants what it names; the hashes that it has are taken."""
    found = read(tmp_path, "pylock.toml", BARE)
    assert [(one.text, one.hashes) for one in found.items] == [
        ("torchy==2.6+cu124", ()),
        ("six==1.17.0", ("sha256:2",)),
    ]
    assert [line[:11] for line in warned(found)] == ["18: archive"]


@pytest.mark.parametrize(
    "wrong", ["packages = 1", "packages = [1]", "[[packages]]\nsdist = 1", "[[packages]]\nwheels=[1]"]
)
def test_without_sense(wrong: str, tmp_path: Path) -> None:
    """Whatever a lock has in the place of packages and files, it is refused and not tripped over."""
    assert refused(tmp_path, "pylock.toml", f'lock-version = "1.0"\ncreated-by = "hand"\n{wrong}\n')


@pytest.mark.parametrize(
    "key", ["a." * 20_000 + "a", '"a" . ' * 33 + "a", "'a'." * 33 + "a", "[" + "a." * 40 + "a]\nb"]
)
def test_deep_keys(key: str, tmp_path: Path) -> None:
    """A key of very many parts, which takes gigabytes to read, is refused before it is read."""
    [problem] = refused(tmp_path, "uv.lock", f"{key} = 1\n")
    assert "a key has more than 32 parts" in problem.message


@pytest.mark.parametrize(
    "text", ["[hunter2]\n[hunter2]", "a = {hunter2 = 1, hunter2 = 2}", "password: hunter2", "hunter2"]
)
def test_what_is_no_lock_is_not_shown(text: str, tmp_path: Path) -> None:
    """What is wrong with a file that is not TOML is told without a word of it."""
    [problem] = refused(tmp_path, "uv.lock", text)
    assert "is not TOML" in problem.message
    assert "hunter2" not in problem.message


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("settings.toml", "[tool]\nx = 1\n", "is TOML, but no lock that is known"),
        ("Cargo.lock", "version = 4\n", "has version 4 of uv's format"),
        ("data.json", "{}", "is JSON, but neither CycloneDX nor SPDX nor a Pipfile.lock"),
        ("data.json", '{"a": \n1', "is not JSON"),
        ("Pipfile.lock", '{"default": {"six": ' + "[" * 500_000, "is nested too deeply"),
    ],
)
def test_unknown(name: str, text: str, message: str, tmp_path: Path) -> None:
    """TOML and JSON of another kind is refused, not taken for a list of names."""
    [problem] = refused(tmp_path, name, text)
    assert message in problem.message


def test_lines_that_cannot_be_told(tmp_path: Path) -> None:
    """Where the tables of a lock do not stand under headers of their own, there are no lines."""
    text = 'version = 1\npackage = [{ name = "six", version = "1.0", source = { registry = "https://example.org" } }]\n'
    found = read(tmp_path, "uv.lock", text)
    assert (texts(found), lines(found)) == (["six==1.0"], [None])


@pytest.mark.parametrize(
    ("name", "version"), [("six", "1.0-final-7"), ("six @ https://x.example.org", "1"), ("", "1"), ("six", "1" * 5000)]
)
def test_names_and_versions_that_are_none(name: str, version: str, tmp_path: Path) -> None:
    """What no index can have is skipped, with a warning."""
    found = read(tmp_path, "uv.lock", f'version = 1\n[[package]]\nname = "{name}"\nversion = "{version}"\n')
    assert found.items == ()
    assert found.warnings[0].line == 2
