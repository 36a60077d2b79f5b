"""The one table of what can be configured: the file, its check, ``config show`` and the reference page come from it.

Values stand here as they stand in the file. ``read`` turns them into what the program computes with, ``write`` back.
"""

from __future__ import annotations

from bandersnatch.config.defaults import PYPI
from bandersnatch.config.option import Kind, Option
from bandersnatch.config.selection_options import SELECTION_OPTIONS
from bandersnatch.config.statistics_options import STATISTICS_OPTIONS

SECTIONS = {
    "select": "What to mirror. Nothing is mirrored until you set projects, or everything = true. Whatever one key "
    "or one item admits is mirrored, unless a section below says otherwise.",
    "exclude": "What not to mirror of it.",
    "releases": "Which releases of a project are wanted.",
    "files": "Which files of a release are wanted, and what is fetched beside them. A file has to pass every rule.",
    "environments": "The machines that install from this mirror, each in a table with a name of your choice. "
    "files.environments and select.dependencies use them.",
    "metadata": "What the core metadata of a release has to say. Each field has a list of patterns: a whole "
    "value, * and ? allowed in it, or a /regular expression/ that is searched for in the value.",
    "cool-down": "How long new files wait, so that others find out first what is wrong with them. "
    "Until then the pages do not list them.",
    "advisories": "Versions that are known to be malicious or vulnerable are not mirrored, by a local copy of OSV.",
    "usage": "Only what is used, by the statistics of this mirror's own downloads. While these are missing, too young "
    "or interrupted, everything counts as used.",
    "rules": "Options of rules that are installed beside bandersnatch, each in a table with the rule's name.",
    "removal": "What becomes of files that left upstream or the selection: follow removes them, hide takes them off "
    "the pages and keeps them for a while, keep leaves them. And the brake on runs that would remove too much.",
    "mirror": "Where the mirror lives and what a run may use.",
    "upstream": "How the index is reached that is mirrored.",
    "publish": "What is written for the mirror's clients.",
    "statistics": "Download statistics, which bandersnatch update-stats makes from the web server's access logs.",
    "hooks": "Commands that are run and URLs that are called after a run, each in a table with a name of your choice.",
    "verify": "A verification that goes round the mirror bit by bit, at the end of each run. The next run repairs "
    "what it finds.",
    "log": "What the program says while it works.",
}
"""Every section with its purpose, in the order of the file."""

OPTIONS = (
    *SELECTION_OPTIONS,
    Option(
        "mirror", "directory", Kind.PATH, "/srv/pypi",
        "Where the mirror lives: web/ in it is for the web server, state/ is what the mirror remembers.",
        "/data/pypi",
    ),
    Option(
        "mirror", "upstream", Kind.ADDRESS, PYPI,
        "The index to mirror. Where the address itself does not answer as an index, simple/ below it is one.",
        "https://index.example.org/simple/",
    ),
    Option(
        "mirror", "reserve", Kind.SIZE, "1 GiB",
        "Disk space that a run leaves free: it stops before a file, core metadata or a page would take more.",
        "50 GB",
    ),
    Option(
        "mirror", "grace", Kind.DURATION, "1h",
        "How long a file stays in storage after it left every page, for clients that have read an older page.",
        "1d",
    ),
    Option(
        "mirror", "workers", Kind.NUMBER, 64,
        "How many projects are worked on at the same time.",
        8, minimum=1, maximum=1000,
    ),
    Option(
        "mirror", "wait", Kind.DURATION, "0s",
        "How long to wait for another run that holds the mirror's lock; 0s gives up at once.",
        "10m",
    ),
    Option(
        "mirror", "diff-file", Kind.PATH, "",
        "A file that each run replaces by the list of what it brought: absolute paths, one a line, for rsync or an "
        "archive. In a folder, it is called mirrored-files. Empty: none.",
        "/srv/pypi/mirrored-files",
    ),
    Option(
        "mirror", "diff-append-epoch", Kind.SWITCH, False,
        "Append a dash and the time in seconds since 1970 to the name of diff-file, so that each run has its own.",
        True,
    ),
    Option(
        "upstream", "connections", Kind.NUMBER, 4,
        "How many requests are under way at once to a host that speaks HTTP/1.1, each on its own connection.",
        2, minimum=1, maximum=10,
    ),
    Option(
        "upstream", "streams", Kind.NUMBER, 100,
        "How many requests are under way at once to a host that speaks HTTP/2, all on one connection.",
        16, minimum=1, maximum=1000,
    ),
    Option(
        "upstream", "bandwidth", Kind.RATE, "",
        "The most that is received, in bytes per second, from all hosts together. Empty: no limit.",
        "20 MB/s", minimum=1000,
    ),
    Option(
        "upstream", "minimum-rate", Kind.RATE, "1 KiB/s",
        "What has to arrive of a file over half a minute, or it is tried again later, from there on. It rises by as "
        "much each minute, up to 64 times, so that who drips holds up nobody. 0 B/s: any.",
        "100 B/s", minimum=0,
    ),
    Option(
        "upstream", "timeout", Kind.DURATION, "60s",
        "How long upstream may be silent before a request has failed.",
        "30s", minimum=1, maximum=3600,
    ),
    Option(
        "upstream", "tries", Kind.NUMBER, 4,
        "How often a request is made before the project waits for a later run.",
        2, minimum=1, maximum=20,
    ),
    Option(
        "upstream", "allow-http", Kind.SWITCH, False,
        "Allow http:// addresses besides those of this machine. "
        "Anybody on the way can then change what is mirrored and read the password.",
        True,
    ),
    Option(
        "upstream", "changes", Kind.TEXT, "auto",
        "How changed projects are found: in the changelog, by the serials in the list of projects, or by asking for "
        "every page. auto: the changelog if changelog-url is set, else the list, else the pages.",
        "changelog", choices=("auto", "changelog", "list", "pages"),
    ),
    Option(
        "upstream", "changelog-url", Kind.ADDRESS, "",
        "The XML-RPC address of the changelog. Empty: /pypi on upstream's host.",
        "https://index.example.org/pypi",
    ),
    Option(
        "upstream", "file-hosts", Kind.HOST, (),
        "Hosts that files may come from besides upstream's own. "
        "Empty: the host of the first file that upstream shows us, and one that it redirects files to.",
        ("files.example.org", "files.example.org:8443"),
    ),
    Option(
        "upstream", "page-hosts", Kind.HOST, (),
        "Hosts that may answer for the index when it redirects a page there; else such a page counts as not found. "
        "With a public index here, anybody can put files under the names of your projects (dependency confusion).",
        ("pages.example.org",),
    ),
    Option(
        "upstream", "download-mirrors", Kind.ADDRESS, (),
        "Mirrors that are asked for files before upstream, in this order. "
        "What comes from them is verified like everything else.",
        ("https://mirror.example.org/",),
    ),
    Option(
        "upstream", "proxy", Kind.PROXY, "",
        "The proxy for all requests (http, https, socks5, socks5h), with user and password if it wants them. "
        "Empty: the one that HTTPS_PROXY, HTTP_PROXY and NO_PROXY say, if any.",
        "http://user:password@proxy.example.org:3128", secret=True,
    ),
    Option(
        "upstream", "ca-file", Kind.PATH, "",
        "A file of certificates (PEM) to trust besides those of the system. Empty: none.",
        "/etc/ssl/company.pem",
    ),
    Option(
        "upstream", "client-certificate", Kind.PATH, "",
        "A file with the certificate and the key (PEM) that upstream wants of us. Only upstream's own host, file-hosts "
        "and page-hosts are shown it. Empty: none.",
        "/etc/bandersnatch/client.pem",
    ),
    Option(
        "upstream", "username", Kind.TEXT, "",
        "The user for upstream. Empty: the one that netrc has for its host, if any.",
        "mirror",
    ),
    Option("upstream", "password", Kind.TEXT, "", "The user's password.", "correct horse", secret=True),
    Option(
        "upstream", "token", Kind.TEXT, "",
        "A token that is sent instead of user and password (Authorization: Bearer). Empty: none.",
        "eyJhbGciOi", secret=True,
    ),
    Option(
        "upstream", "token-file", Kind.PATH, "",
        "A file that holds the token, read at the start of each run. Empty: none.",
        "/run/secrets/token",
    ),
    Option(
        "upstream", "user-agent-contact", Kind.TEXT, "",
        "How upstream's operators can reach you; sent with every request. Empty: nothing is sent.",
        "mirrors@example.org",
    ),
    Option(
        "publish", "base-url", Kind.HTTPS, "",
        "The mirror's own address, for whole addresses in legacy JSON and for links to provenance. "
        "Empty: legacy JSON has paths from the server's root, and provenance links lead upstream.",
        "https://pypi.example.org/",
    ),
    Option(
        "publish", "html", Kind.SWITCH, True,
        "Write pages as HTML (PEP 503) beside the JSON (PEP 691), for old clients and for people.",
        False,
    ),
    Option(
        "publish", "legacy-json", Kind.TEXT, "project",
        "PyPI's older JSON, which some tools read though no standard describes it: of each project, /pypi/NAME/json; "
        "of its releases as well, /pypi/NAME/VERSION/json, a file and a folder for each; or none.",
        "releases", choices=("project", "releases", "none"), switch=("releases", "none"),
    ),
    Option(
        "publish", "freshness-file", Kind.KEY, "",
        "A file below web/ that says after each run, as JSON, how fresh the mirror is: for other people's monitors. "
        "Empty: none.",
        "freshness.json",
    ),
    *STATISTICS_OPTIONS,
    Option(
        "verify", "files-per-day", Kind.NUMBER, 0,
        "How many files are read and compared in a day. 0: none, unless share-per-day says so.",
        50_000, minimum=0,
    ),
    Option(
        "verify", "share-per-day", Kind.RATIO, "0%",
        "Which share of all files is read and compared in a day, if that is more: 1% reads a mirror once in 100 days.",
        "1%",
    ),
    Option(
        "verify", "bandwidth", Kind.RATE, "",
        "The most that is read for it, in bytes per second. Empty: no limit.",
        "50 MB/s", minimum=1000,
    ),
    Option(
        "log", "format", Kind.TEXT, "text",
        "Lines for people, or one JSON object on each line for programs.",
        "json", choices=("text", "json"),
    ),
    Option(
        "log", "level", Kind.TEXT, "warning",
        "What is printed where there is no terminal: runs that fail (error), all bad news (warning), plan and summary "
        "as well (info), or every project and file (debug). With format json, every event.",
        "info", choices=("error", "warning", "info", "debug"),
    ),
    Option(
        "log", "file", Kind.PATH, "",
        "A file that every run appends its events to, in the format above, whatever is printed. It may be moved away "
        "at any time, as logrotate does: the next line begins a new one. Empty: none.",
        "/var/log/bandersnatch/bandersnatch.log",
    ),
    Option(
        "log", "file-level", Kind.TEXT, "info",
        "What is written to the file; the words are those of level.",
        "debug", choices=("error", "warning", "info", "debug"),
    ),
)  # fmt: skip
"""Every option, section by section in the order of the file."""

NAMED = {
    "environments": """\
[environments.linux]
implementation = "cpython"
python = ["3.11", "3.12", "3.13"]
platforms = ["manylinux_2_28_x86_64", "manylinux_2_28_aarch64"]
""",
    "hooks": """\
[hooks.purge]
on = ["changed"]
command = ["/usr/local/bin/purge", "--soft"]
list = "paths"
timeout = "5m"

[hooks.alarm]
on = ["behind", "refused", "disk", "recovered"]
url = "https://alarm.example.org/mirror"
token-file = "/run/secrets/alarm"
""",
    "rules": """\
[rules.our-licences]
allowed = ["MIT", "BSD-3-Clause"]
""",
}
"""The sections that hold tables with names of the operator's choice, and an example of each."""

BY_NAME = {option.name: option for option in OPTIONS}


def of_section(section: str) -> tuple[Option, ...]:
    """The options of *section*, in the order of the file."""
    return tuple(option for option in OPTIONS if option.section == section)
