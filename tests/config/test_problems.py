from __future__ import annotations

from pathlib import Path

import pytest

from bandersnatch.config import options
from bandersnatch.config.document import is_pypa_ini
from bandersnatch.config.option import Kind
from tests.config.helpers import problems

SIZE = 'wants a size such as "1 GiB"; not '

SECTIONS = ", ".join(f"[{section}]" for section in options.SECTIONS)
PROJECTS = f"wants a list, each item {Kind.PROJECT.value}"
PATTERN = Kind.METADATA_PATTERN.value

CASES = {
    "no TOML": (
        "[mirror]\nworkers = 3\nx y",
        "b.conf:3: not TOML: Expected '=' after a key in a key/value pair at column 3",
    ),
    "unquoted text": (
        "[select]\n[mirror]\ndirectory = /srv/pypi\n",
        'b.conf:3: not TOML: Invalid value at column 13; text stands in quotes: key = "value"',
    ),
    "cut off": ("[select]\nprojects = [\n", "b.conf:2: not TOML: Invalid value at the end of the file; text stands"),
    "key twice": (
        "[log]\nlevel = 'info'\nlevel = 'info'\n",
        "b.conf:3: not TOML: Cannot overwrite a value at column 15",
    ),
    "long number": (f"a = {'9' * 5000}", "b.conf: a number is too long to be read"),
    "deep": ("a = " + "[" * 5000, "b.conf: lists or tables are nested too deeply"),
    "section": ("[mirorr]\n", "b.conf:1: mirorr: unknown section; did you mean [mirror]?"),
    "strange section": (
        '["a\\nb"]\n',
        f'b.conf:1: "a\\nb": unknown section; there are {SECTIONS}',
    ),
    "section of keys": ("\nselect = 1", "b.conf:2: select: wants to be a section, [select]; not the number 1"),
    "section twice": ("[[select]]", "b.conf:1: select: wants to be a section, [select]; not [[…]]"),
    "loose": (
        "directory = '/x'",
        "b.conf:1: directory: this key stands outside every section; it belongs under [advisories] or [mirror]",
    ),
    "loose, unknown": ("foo = 1", "b.conf:1: foo: unknown key, outside every section"),
    "near key": ("[mirror]\n\nworker = 3", 'b.conf:3: mirror.worker: unknown key; did you mean "workers"?'),
    "underscore": (
        "[upstream]\nallow_http = true",
        'b.conf:2: upstream.allow_http: unknown key; did you mean "allow-http"?',
    ),
    "key elsewhere": (
        "[mirror]\ntimeout = '9s'",
        "b.conf:2: mirror.timeout: unknown key here; it belongs under [upstream]",
    ),
    "near key elsewhere": (
        "[mirror]\ntime_out = '9s'",
        'b.conf:2: mirror.time_out: unknown key; did you mean "timeout", under [upstream]?',
    ),
    "far key": ("[log]\nqqq = 1", "b.conf:2: log.qqq: unknown key; [log] has format, level, file, file-level"),
    "text for number": (
        "[mirror]\nworkers = '3'",
        'b.conf:2: mirror.workers: wants a whole number, from 1 to 1000; not "3"',
    ),
    "float for number": (
        "[mirror]\nworkers = 3.5",
        "b.conf:2: mirror.workers: wants a whole number, from 1 to 1000; not the number 3.5",
    ),
    "bool for number": (
        "[mirror]\nworkers = true",
        "b.conf:2: mirror.workers: wants a whole number, from 1 to 1000; not true",
    ),
    "number for bool": ("[files]\nmetadata = 1", "b.conf:2: files.metadata: wants true or false; not the number 1"),
    "list for text": (
        "[log]\nlevel = []",
        'b.conf:2: log.level: wants one of "error", "warning", "info", "debug"; not a list',
    ),
    "table for text": ("[mirror]\ndirectory.x = 1", "b.conf:2: mirror.directory: wants an absolute path; not a table"),
    "date for duration": (
        "[mirror]\ngrace = 2020-01-01",
        'b.conf:2: mirror.grace: wants a duration such as "90s"; not a date or a time',
    ),
    "number for duration": (
        "[mirror]\ngrace = 90",
        'b.conf:2: mirror.grace: wants a duration such as "90s"; not the number 90',
    ),
    "range": (
        "[upstream]\nconnections = 11",
        "b.conf:2: upstream.connections: wants a whole number, from 1 to 10; not the number 11",
    ),
    "range of duration": (
        "[upstream]\ntimeout = '2h'",
        'b.conf:2: upstream.timeout: wants a duration such as "90s", from "1s" to "1h"; not "2h"',
    ),
    "range of rate": (
        "[upstream]\nbandwidth = '1 B/s'",
        'b.conf:2: upstream.bandwidth: wants a rate such as "20 MB/s", at least "1 kB/s"; not "1 B/s"',
    ),
    "choice": ("[log]\nformat = 'xml'", 'b.conf:2: log.format: wants one of "text", "json"; not "xml"'),
    "choice or switch": (
        "[publish]\nlegacy-json = 'yes'",
        (
            'b.conf:2: publish.legacy-json: wants one of "project", "releases", "none"; '
            'true is "releases", false is "none"; not "yes"'
        ),
    ),
    "size": (
        "[mirror]\nreserve = '1 GIB'",
        f'b.conf:2: mirror.reserve: {SIZE}"1 GIB": no unit is called "GIB"; did you mean "GiB"?',
    ),
    "negative size": (
        "[mirror]\nreserve = -1",
        f"b.conf:2: mirror.reserve: {SIZE}the number -1: no disk has so many bytes",
    ),
    "switch for size": ("[mirror]\nreserve = true", f"b.conf:2: mirror.reserve: {SIZE}true"),
    "ratio": (
        "[removal]\nmax-ratio = '0.1'",
        'b.conf:2: removal.max-ratio: wants a percentage such as "0.1%"; not "0.1": the unit is missing (%)',
    ),
    "relative path": (
        "[mirror]\ndirectory = 'x'",
        'b.conf:2: mirror.directory: wants an absolute path; not "x": it has to begin with "/"',
    ),
    "tilde": (
        "[mirror]\ndirectory = '~/x'",
        'b.conf:2: mirror.directory: wants an absolute path; not "~/x": ~ is not expanded here',
    ),
    "root": (
        "[mirror]\ndirectory = '/./'",
        'b.conf:2: mirror.directory: wants an absolute path; not "/./": that is the root of everything',
    ),
    "empty": ("[mirror]\ndirectory = ''", 'b.conf:2: mirror.directory: wants an absolute path; not "": it is empty'),
    "control character": (
        '[upstream]\nuser-agent-contact = "a\\r\\nHost: b"',
        'b.conf:2: upstream.user-agent-contact: wants text; not "a??Host: b": it holds a control character',
    ),
    "space": (
        "[upstream]\nusername = 'a '",
        'b.conf:2: upstream.username: wants text; not "a ": it begins or ends with a space',
    ),
    "not a list": (
        "[select]\nprojects = 'six'",
        f'b.conf:2: select.projects: {PROJECTS}; not "six"',
    ),
    "host": (
        "[upstream]\nfile-hosts = ['https://x/']",
        (
            'b.conf:2: upstream.file-hosts: wants a host such as "files.example.org"; not "https://x/": '
            'it is "host" or "host:port", nothing before and nothing after'
        ),
    ),
    "everything by pages": (
        "[select]\neverything = true\n[upstream]\nchanges = 'pages'",
        "b.conf:4: upstream.changes: everything = true takes upstream's list of projects, which pages do not give",
    ),
    "pattern by pages": (
        "[select]\nprojects = ['six', 'a-*']\n[upstream]\nchanges = 'pages'",
        'b.conf:4: upstream.changes: "a-*" takes upstream\'s list of projects, which pages do not give',
    ),
    "everything as a glob": (
        "[select]\nprojects = [\n'six',\n'**']",
        'b.conf:4: select.projects: "**" is everything; if that is meant, write everything = true',
    ),
    "everything as an expression": (
        "[exclude]\nprojects = ['/[a-z0-9-]+/']",
        'b.conf:2: exclude.projects: "/[a-z0-9-]+/" is everything, so nothing would be mirrored; name what to exclude',
    ),
    "unknown environment": (
        (
            "[files]\nenvironments = [\n'linux',\n'linus']\n"
            "[environments.linux]\npython = ['3.11']\nplatforms = ['win_amd64']"
        ),
        'b.conf:4: files.environments: no environment is called "linus"; did you mean "linux"?',
    ),
    "all machines and more": (
        "[files]\nenvironments = ['*', 'linux']\n[environments.linux]\npython = ['3.11']\nplatforms = ['win_amd64']",
        'b.conf:2: files.environments: "*" is for all machines: write it alone',
    ),
    "no environment": (
        "[files]\nenvironments = ['linux']",
        'b.conf:2: files.environments: no environment is called "linux"; write its table, [environments.linux]',
    ),
    "environment without a name": (
        "[environments]\npython = ['3.11']",
        "b.conf:2: environments.python: wants to be a table, [environments.NAME]; not a list",
    ),
    "environment, singular": (
        "[environment.linux]",
        "b.conf:1: environment: unknown section; did you mean [environments]?",
    ),
    "rule without a table": (
        "[rules]\nx = 1",
        "b.conf:2: rules.x: wants to be a table, [rules.NAME]; not the number 1",
    ),
    "newest by nothing": (
        "[releases]\nnewest-by = 'time'",
        "b.conf:2: releases.newest-by: it changes nothing without newest; set that as well, or drop this",
    ),
    "exempt from no number": (
        "[releases]\ncount-exempt = ['six']",
        (
            "b.conf:2: releases.count-exempt: it changes nothing without at-least or at-most; "
            "set that as well, or drop this"
        ),
    ),
    "exempt from no size": (
        "[files]\nmax-project-size-exempt = ['six']",
        (
            "b.conf:2: files.max-project-size-exempt: it changes nothing without max-project-size; "
            "set that as well, or drop this"
        ),
    ),
    "everything exempt": (
        "[files]\nmax-project-size = '1 GB'\nmax-project-size-exempt = ['six',\n'*']",
        (
            'b.conf:4: files.max-project-size-exempt: "*" is everything, so no project would be too large; '
            "name what is exempt"
        ),
    ),
    "nothing to waive": (
        "[releases]\nat-most = 5\nwaive-for = 'pins'",
        (
            "b.conf:3: releases.waive-for: it changes nothing without a key of this section that refuses versions; "
            "set that as well, or drop this"
        ),
    ),
    "versions of no dependencies": (
        "[select]\ndependency-versions = 'newest 3'",
        (
            "b.conf:2: select.dependency-versions: it changes nothing without dependencies = true; "
            "set that as well, or drop this"
        ),
    ),
    "hidden by nothing": (
        "[removal]\nhidden-for = '1d'",
        (
            'b.conf:2: removal.hidden-for: it changes nothing without a "hide" in this section; '
            "set that as well, or drop this"
        ),
    ),
    "advisories from nowhere": (
        "[advisories]\nseverity = 'high'",
        "b.conf:2: advisories.severity: it changes nothing without directory; set that as well, or drop this",
    ),
    "advisories for nothing": (
        "[advisories]\ndirectory = '/osv'\nmalicious = false",
        (
            "b.conf:2: advisories.directory: nothing that is there would block anything; "
            "set malicious, severity or ids, or drop this"
        ),
    ),
    "clock of no cool-down": (
        "[cool-down]\nclock = 'first-seen'",
        "b.conf:2: cool-down.clock: it changes nothing without age or not-after; set that as well, or drop this",
    ),
    "share of nothing": (
        "[usage]\nshare-over = '30d'",
        "b.conf:2: usage.share-over: it changes nothing without share; set that as well, or drop this",
    ),
    "statistics forgotten before they are used": (
        "[usage]\nunused-for = '180d'\n[statistics]\nkeep = '180d'",
        "b.conf:2: usage.unused-for: it looks back further than [statistics] keep; keep more, or look back less far",
    ),
    "a zone that there is not": (
        "[statistics]\ntimezone = 'Europe/Wonderland'",
        'b.conf:2: statistics.timezone: no time zone is called "Europe/Wonderland"; one is "Europe/Berlin"',
    ),
    "logs without a time": (
        "[statistics]\nformat = '$request $status'",
        'b.conf:2: statistics.format: the log format "$request $status" lacks the time ($time_local or %t)',
    ),
    "crossed numbers": (
        "[releases]\nat-least = 5\nat-most = 4",
        "b.conf:3: releases.at-most: it is less than at-least, which no project can fulfil",
    ),
    "crossed dates": (
        "[files]\nuploaded-after = '2025-01-01'\nuploaded-before = 2024-01-01T00:00:00Z",
        "b.conf:3: files.uploaded-before: it is not later than uploaded-after, so no file is wanted",
    ),
    "crossed spans": (
        "[files]\nuploaded-after = '30d'\nuploaded-before = '8w'",
        "b.conf:3: files.uploaded-before: it is not later than uploaded-after, so no file is wanted",
    ),
    "time without a zone": (
        "[files]\nuploaded-after = 2025-01-01T12:00:00",
        (
            f"b.conf:2: files.uploaded-after: wants {Kind.MOMENT.value}; not a date or a time: "
            'the time zone is missing; end it in "Z" for UTC'
        ),
    ),
    "time of day": (
        "[cool-down]\nnot-after = 12:00:00",
        f"b.conf:2: cool-down.not-after: wants {Kind.DATE.value}; not a date or a time",
    ),
    "span for a date": (
        "[cool-down]\nnot-after = '90d'",
        (
            f'b.conf:2: cool-down.not-after: wants {Kind.DATE.value}; not "90d": '
            'it is neither "YYYY-MM-DD" nor "YYYY-MM-DDThh:mm:ssZ"'
        ),
    ),
    "no such day": (
        "[cool-down]\nnot-after = '2025-02-30'",
        f'b.conf:2: cool-down.not-after: wants {Kind.DATE.value}; not "2025-02-30": that day or time does not exist',
    ),
    "versions where none can be": (
        "[select]\nindex-only = ['torch>=2']",
        (
            f"b.conf:2: select.index-only: wants {Kind.WHOLE_PROJECT.value}"
            '; not "torch>=2": versions cannot be told apart here; name the project alone'
        ),
    ),
    "range where one version is wanted": (
        "[cool-down]\nbreak-glass = ['django>=5']",
        (
            f"b.conf:2: cool-down.break-glass: wants {Kind.PIN.value}; "
            'not "django>=5": it is "NAME==VERSION", and nothing else'
        ),
    ),
    "neither advisory nor version": (
        "[advisories]\ndirectory = '/osv'\nallow = ['django']",
        (
            f"b.conf:3: advisories.allow: wants {Kind.ADVISORY_OR_VERSIONS.value}; "
            'not "django": it is neither an id nor "NAME==VERSION"'
        ),
    ),
    "name for an advisory": (
        "[advisories]\ndirectory = '/osv'\nids = ['zope-interface']",
        (
            f"b.conf:3: advisories.ids: wants {Kind.ADVISORY.value}; "
            'not "zope-interface": an id has letters, a dash and a number'
        ),
    ),
    "versions of dependencies": (
        "[select]\ndependencies = true\ndependency-versions = 'locked 3'",
        f'b.conf:3: select.dependency-versions: wants {Kind.DEPENDENCY_VERSIONS.value}; not "locked 3"',
    ),
    "file of no name": (
        "[select]\nfrom-files = ['a.toml#']",
        'b.conf:2: select.from-files: wants the path of a file; not "a.toml#": nothing stands behind "#"',
    ),
    "type": (
        "[files]\ntypes = ['wheels']",
        f'b.conf:2: files.types: wants {options.BY_NAME["files.types"].wanted}; not "wheels"',
    ),
    "no table": (
        "[metadata]\nwanted = ['x']",
        (
            'b.conf:2: metadata.wanted: wants a table { FIELD = ["PATTERN", …], … } with fields of core metadata; '
            "not a list"
        ),
    ),
    "unknown field": (
        "[metadata]\nwanted = { clasifier = ['x'] }",
        'b.conf:2: metadata.wanted: core metadata has no field clasifier; did you mean "classifier"?',
    ),
    "field twice": (
        "[metadata.all]\nclassifier = ['x']\nClassifier = ['y']",
        "b.conf:3: metadata.all: the field Classifier is there twice; keep one of the two",
    ),
    "empty field": (
        "[metadata.unwanted]\nsummary = []",
        f"b.conf:2: metadata.unwanted: summary wants a list, each item {PATTERN}; not an empty one",
    ),
    "bad pattern": (
        "[metadata.unwanted]\nsummary = [\n'x',\n'/(/']",
        (
            f'b.conf:4: metadata.unwanted: summary wants {PATTERN}; not "/(/": '
            "not a regular expression: missing ), unterminated subpattern at position 0"
        ),
    ),
    "changelog unread": (
        "[upstream]\nchanges = 'list'\nchangelog-url = 'https://x.example.org/pypi'",
        'b.conf:3: upstream.changelog-url: with changes = "list" the changelog is never read; drop one',
    ),
    "two tokens": (
        "[upstream]\ntoken = 'a'\ntoken-file = '/b'",
        "b.conf:2: upstream.token: token and token-file are both set; keep one of the two",
    ),
    "token and user": (
        "[upstream]\nusername = 'a'\ntoken-file = '/b'",
        "b.conf:2: upstream.username: upstream takes a user or a token, not both; keep one of the two",
    ),
    "password alone": ("[upstream]\npassword = 'a'", "b.conf:2: upstream.password: a password needs a username"),
    "plain http": (
        "[mirror]\nupstream = 'http://index.example.org/'",
        (
            'b.conf:2: mirror.upstream: "http://index.example.org/" is not encrypted; '
            "use https, or set allow-http = true under [upstream]"
        ),
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_a_problem_names_file_line_and_key(tmp_path: Path, text: str, expected: str) -> None:
    """Each kind of mistake is one problem, at its line and key, that says what is there and what is wanted."""
    [problem] = problems(tmp_path, text)
    assert problem.startswith(expected) if "at the end of the file" in expected else problem == expected


NOT_ADDRESSES = {
    "ftp://x/": "it has to begin with https:// or http://",
    "index.example.org": "it has no usable host and port",
    "https://": "it has no usable host and port",
    "https:///simple/": "it has no usable host and port",
    "https://-x/": "it has no usable host and port",
    "https://x:0/": "it has no usable host and port",
    "https://x:99999/": "its host or its port cannot be read",
    "https://[v1.a:b]/": "it has no usable host and port",
    "https://[::1/": "its host or its port cannot be read",
    "https://a b/": "an address is ASCII, without spaces, quotes or backslashes",
    "https://bücher.example.org/": "an address is ASCII, without spaces, quotes or backslashes",
    "https://x\\\\y/": "an address is ASCII, without spaces, quotes or backslashes",
    "https://x/?a=b": 'it cannot have a part after "?" or "#"',
    "https://x/#a": 'it cannot have a part after "?" or "#"',
}


@pytest.mark.parametrize(("address", "reason"), NOT_ADDRESSES.items())
def test_an_unusable_address_is_refused_with_its_reason(tmp_path: Path, address: str, reason: str) -> None:
    """An upstream that could not be asked is refused before anything is asked."""
    [problem] = problems(tmp_path, f'[mirror]\nupstream = "{address}"')
    assert problem.endswith(f": {reason}")


REQUIREMENTS = {
    "'a b c'": "not a requirement (PEP 508)",
    "'six @ https://example.org/six.whl'": "a mirror cannot select by URL; name the project",
    "'six', 'Six'": '"Six" repeats "six"; keep one of the two',
    "'s.i>=1,<2', 's-i<2,>=1'": '"s-i<2,>=1" repeats "s.i>=1,<2"; keep one of the two',
    "'a-*', 'A_*'": '"A_*" repeats "a-*"; keep one of the two',
    "'/a-[0-9]+'": "a regular expression stands between slashes",
    "'/a(/'": "not a regular expression: missing )",
    "'a-*>>1'": "not a requirement (PEP 508)",
    "1": "not the number 1",
    "'six\\n'": "it holds a control character",
}


@pytest.mark.parametrize(("items", "reason"), REQUIREMENTS.items())
def test_an_unusable_requirement_is_refused_with_its_reason(tmp_path: Path, items: str, reason: str) -> None:
    """What cannot be selected, and what is selected twice, is refused with the reason."""
    quoted = items.replace("'", '"')
    [problem] = problems(tmp_path, f"[select]\nprojects = [{quoted}]")
    assert problem.startswith("b.conf:2: select.projects: ")
    assert reason in problem


def test_an_item_is_named_by_its_own_line(tmp_path: Path) -> None:
    """In a list over many lines, each problem has the line of its item."""
    found = problems(tmp_path, '[select]\nprojects = [\n  "six",\n  "a b",\n  "idna",\n  "SIX",\n]\n')
    assert [problem.split(": ")[0] for problem in found] == ["b.conf:4", "b.conf:6"]


def test_all_problems_come_at_once_in_reading_order(tmp_path: Path) -> None:
    """One look at the report is enough to mend the file, the environment and the command line."""
    text = "[mirror]\nworkers = 0\nworker = 1\n[log]\nlevel = 1\n[select]\nprojects = ['six', 'SIX']\n[x]"
    env = {"BANDERSNATCH_UPSTREAM_TRIES": "many", "BANDERSNATCH_UPSTREM_TOKEN": "x"}
    assert problems(tmp_path, text, env, mirror__wait="soon", nothing="x") == [
        "b.conf:2: mirror.workers: wants a whole number, from 1 to 1000; not the number 0",
        'b.conf:3: mirror.worker: unknown key; did you mean "workers"?',
        'b.conf:5: log.level: wants one of "error", "warning", "info", "debug"; not the number 1',
        'b.conf:7: select.projects: "SIX" repeats "six"; keep one of the two',
        f"b.conf:8: x: unknown section; there are {SECTIONS}",
        "command line: nothing: unknown key",
        'command line: mirror.wait: wants a duration such as "90s"; not "soon": it has to be a number and a unit',
        "environment: BANDERSNATCH_UPSTREM_TOKEN: unknown variable; did you mean BANDERSNATCH_UPSTREAM_TOKEN?",
        'environment: BANDERSNATCH_UPSTREAM_TRIES: wants a whole number, from 1 to 20; not "many"',
    ]


def test_a_file_that_is_no_toml_does_not_hide_the_other_sources(tmp_path: Path) -> None:
    """Mistakes outside the file are reported even if nothing of the file can be read."""
    found = problems(tmp_path, "[", {"BANDERSNATCH_MIRROR_WORKERS": "0"})
    assert [problem.split(": ")[0] for problem in found] == ["b.conf:1", "environment"]


INI = {
    "usual": "[mirror]\ndirectory = /srv/pypi\nworkers = 3\n",
    "plugins": "; comment\n[mirror]\nworkers = 3\n[plugins]\nenabled =\n    all\n",
    "colon, in another section too": "[s3]\nregion_name = x\n[mirror]\ndirectory: /srv/pypi\n",
}


@pytest.mark.parametrize("text", INI.values(), ids=INI)
def test_an_ini_of_pypa_bandersnatch_is_recognised(text: str) -> None:
    """The older program's file is told from a file of ours, whatever stands in it."""
    assert is_pypa_ini(text)


@pytest.mark.parametrize(
    "text",
    [
        "[select]\n[mirror]\ndirectory = /srv/pypi\n",
        "[mirror]\ndirectory = '/srv/pypi\n",
        "directory = /srv/pypi\n",
        "[other]\ndirectory = /srv/pypi\n",
    ],
)
def test_our_own_file_with_a_mistake_is_not_called_an_ini(tmp_path: Path, text: str) -> None:
    """A missing quote in a file of ours is reported at its line."""
    [problem] = problems(tmp_path, text)
    assert "not TOML" in problem
    assert "INI" not in problem
