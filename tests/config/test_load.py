from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bandersnatch.config import defaults, show
from bandersnatch.config.defaults import PYPI
from bandersnatch.config.load import Loaded, load
from bandersnatch.config.option import Kind, Option, Written
from bandersnatch.config.options import BY_NAME, OPTIONS, SECTIONS
from bandersnatch.config.read import read
from bandersnatch.config.schema import value_of
from bandersnatch.config.write import key, literal
from bandersnatch.errors import UsageError
from tests.config.helpers import loaded
from tests.config.helpers import problems as problems_of
from tests.config.strategies import FILES, NAMED_TABLES

NO_TABLES: Mapping[str, Mapping[str, Mapping[str, object]]] = {}


def as_file(values: Mapping[str, Written], tables: Mapping[str, Mapping[str, Mapping[str, object]]] = NO_TABLES) -> str:
    """A file that sets *values*, by ``section.key``, and has *tables*, by section and name."""
    lines = []
    for section in SECTIONS:
        lines.append(f"[{section}]")
        lines += [
            f"{name.split('.')[1]} = {literal(value)}"
            for name, value in values.items()
            if name.startswith(f"{section}.")
        ]
        for name, table in tables.get(section, {}).items():
            lines += [f"[{section}.{key(name)}]", *(f"{key(one)} = {literal(value)}" for one, value in table.items())]
    return "\n".join(lines)


def try_load(text: str) -> Loaded | None:
    """What *text* says, or None if there is a UsageError, each problem of which is in order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "b.conf")
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            return load(path, {})
        except UsageError as error:
            problems = error.problems
    assert problems
    assert all(problem.message and problem.file == str(path) for problem in problems)
    assert all(problem.line is None or 1 <= problem.line <= text.count("\n") + 1 for problem in problems)
    return None


def test_without_anything_the_defaults_are_in_force() -> None:
    """No file, no variables: every value is its default, PyPI is upstream, and nothing is selected."""
    config = load(None, {}).config
    assert config.mirror.upstream == PYPI
    assert config.mirror.directory == "/srv/pypi"
    assert (config.mirror.reserve, config.mirror.grace, config.mirror.wait) == (1 << 30, 3600.0, 0.0)
    assert (config.upstream.bandwidth, config.upstream.timeout, config.upstream.token) == (None, 60.0, None)
    assert (config.removal.max_projects, config.removal.max_ratio) == (500, 0.001)
    assert config.selects_nothing
    assert Path("/etc/bandersnatch.conf") == defaults.FILE


def test_the_command_line_goes_before_the_environment_before_the_file(tmp_path: Path) -> None:
    """Each source overrides the one below it, and every value knows where it comes from."""
    text = "[mirror]\nworkers = 1\nreserve = '1 MB'\n\nwait = '1s'\n"
    env = {"BANDERSNATCH_MIRROR_RESERVE": "2 MB", "BANDERSNATCH_MIRROR_WAIT": "2s"}
    got = loaded(tmp_path, text, env, mirror__wait="3s")
    assert (got.config.mirror.workers, got.config.mirror.reserve, got.config.mirror.wait) == (1, 2_000_000, 3.0)
    written = {name: str(origin) for name, origin in got.origins.items() if origin.source != "default"}
    assert written == {
        "mirror.workers": f"{tmp_path}/b.conf:2",
        "mirror.reserve": "environment BANDERSNATCH_MIRROR_RESERVE",
        "mirror.wait": "command line",
    }
    assert str(got.origins["mirror.grace"]) == "default"
    assert got.origins.keys() == BY_NAME.keys()


COMPANIONS = {
    "upstream.password": {"BANDERSNATCH_UPSTREAM_USERNAME": "mirror", "BANDERSNATCH_LOG_LEVEL": ""},
    "select.dependency-versions": {"BANDERSNATCH_SELECT_DEPENDENCIES": "true"},
    "select.dependency-builds": {"BANDERSNATCH_SELECT_DEPENDENCIES": "true"},
    "releases.count-exempt": {"BANDERSNATCH_RELEASES_AT_MOST": "9"},
    "releases.waive-for": {"BANDERSNATCH_RELEASES_PRERELEASES": "false"},
    "files.max-project-size-exempt": {"BANDERSNATCH_FILES_MAX_PROJECT_SIZE": "1 GB"},
    "releases.newest-by": {"BANDERSNATCH_RELEASES_NEWEST": "3"},
    "releases.newest-counts-prereleases": {"BANDERSNATCH_RELEASES_NEWEST": "3"},
    "metadata.missing": {"BANDERSNATCH_METADATA_WANTED": '{ license-expression = ["MIT"] }'},
    "usage.share-over": {"BANDERSNATCH_USAGE_SHARE": "99%"},
    "usage.exempt": {"BANDERSNATCH_USAGE_UNUSED_FOR": "180d"},
    "cool-down.clock": {"BANDERSNATCH_COOL_DOWN_AGE": "7d"},
    "removal.hidden-for": {"BANDERSNATCH_REMOVAL_DELETED": "hide"},
    **{
        f"advisories.{key}": {"BANDERSNATCH_ADVISORIES_DIRECTORY": "/osv", "BANDERSNATCH_ADVISORIES_IDS": '["MAL-1"]'}
        for key in ("malicious", "severity", "ids", "allow")
    },
}
"""What has to be set with a key, for it to mean anything."""


def test_every_key_can_be_set_by_its_variable() -> None:
    """BANDERSNATCH_<SECTION>_<KEY> sets any key; lists are written as in the file, an empty variable is none."""
    for option in OPTIONS:
        if option.name == "files.environments" or option.kind is Kind.FILE:
            continue  # one names tables, which variables do not hold; the other starts from the working directory
        text = option.example if isinstance(option.example, str) else literal(option.example)
        config = load(None, COMPANIONS.get(option.name, {}) | {option.variable: text}).config
        assert value_of(config, option.name) == read(option, option.example)[0]


@pytest.mark.parametrize(
    ("variable", "text", "wanted"),
    [
        ("BANDERSNATCH_SELECT_PROJECTS", "six idna", "wants a list, each item a project, a requirement such as"),
        ("BANDERSNATCH_METADATA_WANTED", "classifier", "wants a table { FIELD = ["),
        ("BANDERSNATCH_SELECT_PROJECTS", "[]\n[log]\nlevel = 1", "wants a list"),
        ("BANDERSNATCH_SELECT_EVERYTHING", "yes", 'wants true or false; not "yes"'),
        ("BANDERSNATCH_MIRROR_WORKERS", "3.5", 'wants a whole number, from 1 to 1000; not "3.5"'),
        ("BANDERSNATCH_MIRROR_WORKERS", "٣", 'wants a whole number, from 1 to 1000; not "٣"'),
    ],
)  # fmt: skip
def test_a_bad_variable_is_named(variable: str, text: str, wanted: str) -> None:
    """A problem in the environment names the variable."""
    with pytest.raises(UsageError) as raised:
        load(None, {variable: text})
    assert str(raised.value).startswith(f"environment: {variable}: {wanted}")


@pytest.mark.parametrize(
    ("written", "meant"), [("true", "releases"), ("false", "none"), ('"none"', "none"), ('"project"', "project")]
)
def test_true_and_false_are_choices(tmp_path: Path, written: str, meant: str) -> None:
    """A key that was a switch once takes true and false for what they meant, in the file and in its variable."""
    file = tmp_path / "b.toml"
    file.write_text(f"[publish]\nlegacy-json = {written}\n")
    assert load(file, {}).config.publish.legacy_json == meant
    variable = {"BANDERSNATCH_PUBLISH_LEGACY_JSON": written.strip('"')}
    assert load(None, variable).config.publish.legacy_json == meant


def test_variables_of_others_are_left_alone() -> None:
    """What Kubernetes makes of a service called bandersnatch-mirror, or an image of its version, is not ours."""
    names = ["MIRROR_SERVICE_HOST", "MIRROR_SERVICE_PORT", "MIRROR_PORT", "MIRROR_PORT_80_TCP_ADDR", "PORT", "VERSION"]
    load(None, {f"BANDERSNATCH_{name}": "x" for name in names} | {"BANDERSNATCH_CONFIG": "x"})


def test_overrides_have_the_types_of_the_file() -> None:
    """The command line gives text, or what the file would have."""
    config = load(None, {}, {"select.projects": ["six"], "mirror.workers": 3, "upstream.tries": "2"}).config
    assert (config.select.projects, config.mirror.workers, config.upstream.tries) == (("six",), 3, 2)


SELECTION = """
[select]
projects = [
    "six",
    "django",
    "django==1.11",  # stays, whatever newest says
    "apache-*>=2",
    "/zope-.+/",
]
from-files = ["requirements.txt", "/srv/pyproject.toml#group:test"]
[files]
environments = ["linux"]
max-size = "1 GiB"
uploaded-after = 2020-01-01
uploaded-before = "90d"
[environments.linux]
python = ["3.11"]
platforms = ["manylinux_2_28_x86_64"]
[metadata]
all = { Classifier = ["Typing :: Typed"] }
[metadata.wanted]
license-expression = ["MIT",
    "BSD-*"]
[cool-down]
age = "1.5d"
not-after = "2025-11-01T12:00:00+02:00"
[rules.ours]
limit = 3
inner.when = 2025-01-01
"""


def test_a_selection_is_read_as_it_is_meant(tmp_path: Path) -> None:
    """Times are in UTC or a span before now, fields of metadata in lower case, and named tables go by their names."""
    config = loaded(tmp_path, SELECTION).config
    assert config.select.projects == ("six", "django", "django==1.11", "apache-*>=2", "/zope-.+/")
    assert config.files.uploaded_after == datetime(2020, 1, 1, tzinfo=UTC)
    assert config.files.uploaded_before == timedelta(days=90)
    assert (config.files.max_size, config.files.max_project_size) == (1 << 30, None)
    assert config.metadata.all == {"classifier": ("Typing :: Typed",)}
    assert config.metadata.wanted == {"license-expression": ("MIT", "BSD-*")}
    assert (config.cool_down.age, config.cool_down.not_after) == (129600.0, datetime(2025, 11, 1, 10, tzinfo=UTC))
    assert config.environments["linux"].pythons == ("3.11",)
    assert config.rules == {"ours": {"limit": 3, "inner": {"when": date(2025, 1, 1)}}}


def test_every_item_has_its_line(tmp_path: Path) -> None:
    """What a verdict comes from can be told with the text, the file and the line of the very item."""
    got = loaded(tmp_path, SELECTION)
    file = str(tmp_path / "b.conf")
    lines = [("six", 4), ("django", 5), ("django==1.11", 6), ("apache-*>=2", 7), ("/zope-.+/", 8)]
    assert got.item_origins("select.projects") == tuple((text, file, line) for text, line in lines)
    assert (got.line_of("select.projects", 2), got.line_of("select.projects")) == (6, 3)
    assert (got.line_of("metadata.wanted", "license-expression", 1), got.line_of("files.max-size")) == (23, 13)
    assert (got.line_of("mirror.workers"), got.item_origins("exclude.projects")) == (None, ())
    assert {name: str(got.origins[name]) for name in ("environments.linux", "rules.ours")} == {
        "environments.linux": f"{file}:16", "rules.ours": f"{file}:27",
    }  # fmt: skip


def test_items_from_elsewhere_name_their_source(tmp_path: Path) -> None:
    """An item of a variable or of the command line has that in place of a file, and no line."""
    env = {"BANDERSNATCH_SELECT_PROJECTS": '["six"]'}
    got = loaded(tmp_path, SELECTION, env, exclude__projects=["idna"])
    assert got.item_origins("select.projects") == (("six", "environment BANDERSNATCH_SELECT_PROJECTS", None),)
    assert got.item_origins("exclude.projects") == (("idna", "command line", None),)


def test_paths_start_from_the_file_that_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means the same wherever the program is started; outside of the file it is the caller's."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    expected = (f"{tmp_path}/requirements.txt", "/srv/pyproject.toml#group:test")
    assert loaded(tmp_path, SELECTION).config.select.from_files == expected
    assert load(Path("../b.conf"), {}).config.select.from_files == expected
    config = load(None, {"BANDERSNATCH_SELECT_FROM_FILES": '["a.txt"]'}).config
    assert config.select.from_files == (f"{elsewhere}/a.txt",)


@pytest.mark.parametrize(
    "text", ["projects = ['six']", "everything = true", "from-files = ['a']", "index-only = ['*']"]
)
def test_whatever_admits_projects_is_a_selection(tmp_path: Path, text: str) -> None:
    """Each key that can admit a project is enough for a run."""
    assert not loaded(tmp_path, f"[select]\n{text}\n").config.selects_nothing


def test_everything_and_projects_go_together(tmp_path: Path) -> None:
    """Beside everything an item can keep a version that newest would drop."""
    loaded(tmp_path, "[select]\neverything = true\nprojects = ['django==1.11']\n[releases]\nnewest = 3\n")


def test_several_ranges_of_one_project_add_up(tmp_path: Path) -> None:
    """A project may be named once for each range that is wanted of it."""
    projects = loaded(tmp_path, '[select]\nprojects = ["django~=4.2", "django~=5.2"]').config.select.projects
    assert projects == ("django~=4.2", "django~=5.2")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "[::1]", "localhost:8080"])
def test_plain_http_is_taken_on_this_machine(tmp_path: Path, host: str) -> None:
    """Nobody listens between this machine and itself."""
    assert (
        loaded(tmp_path, f"[mirror]\nupstream = 'http://{host}/simple/'").config.mirror.upstream
        == f"http://{host}/simple/"
    )


def test_plain_http_is_taken_where_it_is_allowed(tmp_path: Path) -> None:
    """Allowing http covers every address; without, every one is a problem."""
    text = """
    [mirror]
    upstream = "http://10.0.0.1/"
    [upstream]
    changelog-url = "http://x.example.org/pypi"
    download-mirrors = ["https://y.example.org/", "http://z.example.org/"]
    """
    assert loaded(tmp_path, text + "allow-http = true").config.upstream.allow_http
    assert [problem.split(": ")[1] for problem in problems_of(tmp_path, text)] == [
        "mirror.upstream", "upstream.changelog-url", "upstream.download-mirrors",
    ]  # fmt: skip


def test_an_own_address_ends_in_a_slash(tmp_path: Path) -> None:
    """Keys can be appended to base-url, however it is written; without https it is refused."""
    for text in ("https://pypi.example.org/x", "https://pypi.example.org/x/"):
        assert (
            loaded(tmp_path, f"[publish]\nbase-url = '{text}'").config.publish.base_url == "https://pypi.example.org/x/"
        )
    [problem] = problems_of(tmp_path, "[publish]\nbase-url = 'http://pypi.example.org/'")
    assert problem.endswith("it has to begin with https://")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[mirror]\n[select]\n\n", 2),
        ("[mirror]\n[select]\nprojects = []\n", 3),
        ("[select]\n# a\n #  projects = []\n", 3),
        ("[select]\n[log]\n#projects = []\n", 1),
        ("[select]\neverything = false\n#projects = []", 3),
        ("select.everything = false\n", 1),
        ("", None),
    ],
)
def test_an_empty_selection_names_the_line_to_change(tmp_path: Path, text: str, line: int | None) -> None:
    """Selecting nothing is no error of loading, but says where to write what is wanted."""
    got = loaded(tmp_path, text)
    assert got.config.selects_nothing
    problem = got.nothing_selected()
    assert (problem.file, problem.line, problem.key) == (str(tmp_path / "b.conf"), line, "select.projects")
    assert problem.message == 'nothing is selected; write projects = ["NAME", …], or everything = true, under [select]'


def test_an_empty_selection_without_a_file_says_how_to_get_one() -> None:
    """Where there is no line to change, the command that writes the file is named."""
    assert str(load(None, {}).nothing_selected()).endswith("is written with: bandersnatch config init FILE")


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"[log]\n\xff = 1", "b.conf:2: this line is not UTF-8"), (None, "b.conf: cannot be read: Is a directory")],
)
def test_an_unreadable_file_is_a_problem(tmp_path: Path, content: bytes | None, expected: str) -> None:
    """A file that is no text, or no file, is reported like any mistake."""
    path = tmp_path / "b.conf"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        load(path, {})
    assert str(raised.value) == f"{tmp_path}/{expected}"


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """Files from editors that begin them with a mark are read."""
    assert loaded(tmp_path, "\ufeff[mirror]\nworkers = 2\n").config.mirror.workers == 2


@settings(max_examples=100, deadline=None)
@given(FILES, NAMED_TABLES)
def test_valid_files_round_trip(
    values: dict[str, Written], tables: Mapping[str, Mapping[str, Mapping[str, object]]]
) -> None:
    """What is set is in force; what ``config show`` prints of it, loaded again, is the same configuration."""
    values = {name: value for name, value in values.items() if not BY_NAME[name].secret}
    first = try_load(as_file(values, tables))
    if first is None:
        return  # right one by one, but contradictory
    assert first.config.rules == tables["rules"]
    assert first.config.environments.keys() == tables["environments"].keys()
    json.dumps(show.as_data(first), allow_nan=False)
    for name, value in values.items():
        assert value_of(first.config, name) == read(BY_NAME[name], value)[0]
        assert first.origins[name].source == "file"
    again = try_load(show.as_toml(first))
    assert again is not None
    assert again.config == first.config


SNIPPETS = st.sampled_from(
    [
        "[select]\n",
        "[mirror]\n",
        "[[upstream]]\n",
        "[x]\n",
        "projects = [",
        '"six"',
        "'a b'",
        "]",
        ",",
        "\n",
        "directory",
        " = ",
        '"/x"',
        "/x",
        "true",
        "12",
        "-1",
        "1.5",
        "nan",
        "{",
        "}",
        "#",
        '"""',
        "'''",
        "[plugins]\n",
        "[environments.x]\n",
        "[environments]\nimplementation = []\npython = 3.1\n",
        "[rules]\nx = 1\n",
        "[metadata]\nwanted = { Classifier = [1, '/(/'], x = [] }\n",
        "index-only = ['*']\n",
        "'/.*/'",
        "\\",
        "\0",
        "everything = true\n",
        'upstream = "http://u:p@[::1"\n',
        "timeout = '1 fortnight'\n",
        "2020-01-01",
        "a.b",
        "\r",
        "\u2028",
        "\ufeff",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(SNIPPETS, max_size=12).map("".join), st.text()))
@example("a = " + "{a=" * 5000)
@example("[select]\nprojects = ['a; " + "(" * 5000 + "']")
@example("[select]\nprojects = ['a" + "[" * 5000 + "']")
def test_any_text_is_loaded_or_refused_in_order(text: str) -> None:
    """Whatever the file holds, the answer is a configuration or a UsageError whose lines are in the file."""
    try_load(text)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(OPTIONS), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_of_a_variable_is_taken_or_refused(option: Option, text: str) -> None:
    """Whatever a variable holds, the answer is a configuration or a UsageError."""
    try:
        load(None, {option.variable: text})
    except UsageError as error:
        problems = error.problems
    else:
        problems = ()
    assert all((problem.file, problem.key) == ("environment", option.variable) for problem in problems)
