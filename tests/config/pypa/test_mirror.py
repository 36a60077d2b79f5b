"""[mirror] and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bandersnatch.config import defaults, pypa
from bandersnatch.config.load import load
from bandersnatch.config.option import Written
from tests.config.pypa.helpers import FILE, ini, notes, refused, values

BECOMES: Mapping[str, Mapping[str, Written]] = {
    "master = https://index.example.org": {"mirror.upstream": "https://index.example.org/simple/"},
    f"master = {defaults.PYPI.removesuffix('/simple/')}": {"mirror.upstream": defaults.PYPI},
    f"master = https://{defaults.FORMER_PYPI_HOST}": {"mirror.upstream": defaults.PYPI},
    "master = https://me:s%%40fe@index.example.org:8443/inner": {
        "mirror.upstream": "https://index.example.org:8443/inner/simple/",
        "upstream.username": "me",
        "upstream.password": "s@fe",
    },
    "proxy = socks5://proxy.example.org:1080": {"upstream.proxy": "socks5://proxy.example.org:1080"},
    "proxy =": {},
    "timeout = 10": {"upstream.timeout": "10s"},
    "timeout = 90.5": {"upstream.timeout": "90500ms"},
    "allow-non-https = True": {"upstream.allow-http": True},
    "download-mirror = https://near.example.org/\ndownload-mirror-no-fallback = false": {
        "upstream.download-mirrors": ("https://near.example.org/",)
    },
    "json = yes": {"publish.legacy-json": "project"},
    "json = off": {"publish.legacy-json": "none"},
    "core-metadata = off": {"files.metadata": False},
    "simple-format = all": {"publish.html": True},
    "simple-format = JSON": {"publish.html": False},
    "delete-packages = true": {"removal.deleted": "follow"},
    "delete_missing_packages = false": {"removal.deleted": "keep"},
    "api-method = xmlrpc": {"upstream.changes": "changelog"},
    "api-method = simple": {},
    "storage-backend = filesystem": {},
    "hash-index = false": {},
    "diff-file = {{mirror_directory}}/new\ndiff-append-epoch = true": {
        "mirror.diff-file": "/srv/pypi/new",
        "mirror.diff-append-epoch": True,
    },
    "[statistics]\naccess-log-pattern = /var/log/nginx/*access*": {"statistics.logs": ("/var/log/nginx/*access*",)},
    "release-files = true": {},
}


@pytest.mark.parametrize(("text", "expected"), BECOMES.items(), ids=BECOMES)
def test_options_with_an_equivalent(text: str, expected: Mapping[str, Written]) -> None:
    """Each option sets the key that means the same, and the operator is told nothing."""
    assert values(text) == {"select.everything": True, **expected}
    assert notes(text) == []


NOTED = {
    "workers = 10": "upstream.connections and upstream.streams",
    "verifiers = 5": "no crawl",
    "stop-on-error = true": "holds back no other",
    "global-timeout = 60": "as long as bytes come in",
    "compare-method = stat": "mirror --full",
    "digest_name = md5": "SHA-256",
    "keep_index_versions = 2": "[removal]",
    "keep-index-versions = 2": "[removal]",
    "cleanup = true": "normalised names",
    "cleanup_todo = true": "could get stuck",
    "root_uri = https://cdn.example.org": "beside the pages",
    "log-config = /etc/log.conf": "[log]",
    "storage-filesystem-manage-permissions = false": "umask",
    "simple-format = HTML": "JSON as well",
}


@pytest.mark.parametrize(("text", "why"), NOTED.items(), ids=NOTED)
def test_options_without_effect(text: str, why: str) -> None:
    """An option that does nothing here is named with its line, and why it is not needed."""
    [note] = notes(text)
    assert note.startswith(f"{FILE}:3: [mirror] {text.partition(' =')[0]}: ")
    assert why in note
    assert set(values(text)) <= {"select.everything", "publish.html"}


USUAL = """
    workers = 3
    verifiers = 3
    stop-on-error = false
    global-timeout = 1800
    compare-method = hash
    digest_name = sha256
    keep-index-versions = 0
    cleanup = false
    cleanup_todo = false
    root_uri =
    diff-file =
    diff-append-epoch = false
    log-config =
    storage-filesystem-manage-permissions = true
"""


def test_what_says_the_usual_is_passed_over() -> None:
    """Options that every example file has, with the value that it has there, are no news."""
    assert notes(USUAL) == []
    assert values(USUAL) == {"select.everything": True}


def test_diff_file() -> None:
    """Its second option says nothing alone; what {{section_option}} in its path stands for has to be there."""
    assert "mirror.diff-append-epoch" not in values("diff-append-epoch = true")
    assert "{{mirror_nothing}} stands for [mirror] nothing" in str(refused("diff-file = {{mirror_nothing}}/new"))


REFUSED = {
    "hash-index = true": "rules for /simple/ out of the web server's configuration",
    "storage-backend = s3": "copy the folder web/",
    "download-mirror = https://near.example.org/\ndownload-mirror-no-fallback = true": "take this line out",
    "simple-format = XML": "wants ALL, HTML or JSON",
    "master = https://me:secret": "wants an address such as https://index.example.org",
    "timeout = soon": "wants a number of seconds",
    "json = maybe": "wants true or false",
    "release-files = maybe": "wants true or false",
    "api-method = rest": "wants simple or xmlrpc",
    "workres = 3": "unknown option; did you mean workers?",
    "enabled = all": "unknown option; it belongs under [plugins]",
}


@pytest.mark.parametrize(("text", "why"), REFUSED.items(), ids=REFUSED)
def test_options_that_are_refused(text: str, why: str) -> None:
    """What has no equivalent, and what is a mistake, is refused by name and line, with what to write instead."""
    [problem] = refused(text)
    last = text.splitlines()[-1]
    assert problem.startswith(f"{FILE}:{2 + len(text.splitlines())}: [mirror] {last.partition(' =')[0]}: ")
    assert why in problem


def test_the_directory_has_to_be_there() -> None:
    """Nothing is mirrored to a place that nobody named."""
    [problem] = pypa.read("; nothing\n[mirror]\nworkers = 3\n", FILE).refused
    assert str(problem) == "b.conf:2: [mirror] directory: is missing; it has to say where the mirror lives"


def test_sections_of_what_is_not_used() -> None:
    """Options of an unused object store do nothing, and that is said."""
    text = "[s3]\nregion_name = x\nconfig_param_A = b\n"
    assert notes(text) == ["b.conf:3: [s3]: has no effect: storage-backend is another"]


SHIPPED = {
    "1.x": """
        master = https://{old}
        timeout = 10
        workers = 3
        hash-index = false
        stop-on-error = false
        delete-packages = true
        [statistics]
        access-log-pattern = /var/log/nginx/*access*
    """,
    "2.x": """
        json = false
        master = https://{old}
        timeout = 10
        workers = 3
        hash-index = false
        stop-on-error = false
        delete-packages = true
        [blacklist]
        packages =
          example1
          example2
    """,
    "3.x": """
        json = false
        master = {pypi}
        timeout = 10
        workers = 3
        hash-index = false
        stop-on-error = false
        verifiers = 3
    """,
    "4.x and 5.x": """
        json = false
        release-files = true
        cleanup = false
        master = {pypi}
        timeout = 10
        global-timeout = 1800
        workers = 3
        hash-index = false
        stop-on-error = false
        storage-backend = filesystem
        verifiers = 3
        compare-method = hash
    """,
    "6.x to 8.x": """
        json = false
        release-files = true
        core-metadata = true
        cleanup = false
        master = {pypi}
        timeout = 10
        global-timeout = 1800
        workers = 3
        hash-index = false
        simple-format = ALL
        stop-on-error = false
        cleanup_todo = false
        delete_missing_packages = false
        storage-backend = filesystem
        storage-filesystem-manage-permissions = true
        verifiers = 3
        compare-method = hash
    """,
    "4.x to 8.x, with plugins": """
        json = false
        cleanup = false
        master = {pypi}
        timeout = 10
        global-timeout = 18000
        workers = 3
        diff-file = {{mirror_directory}}/mirrored-files
        diff-append-epoch = false
        [plugins]
        enabled = all
        [blocklist]
        packages =
            example1
            example2
    """,
}


@pytest.mark.parametrize("text", SHIPPED.values(), ids=SHIPPED)
def test_the_files_that_every_version_brings(tmp_path: Path, text: str) -> None:
    """The options of the example file of each version, with their values, are loaded as they are."""
    path = tmp_path / "bandersnatch.conf"
    path.write_text(
        ini(text).replace("{old}", defaults.FORMER_PYPI_HOST).replace("{pypi}", defaults.PYPI.removesuffix("/simple/"))
    )
    config = load(path, {}).config
    assert (config.mirror.directory, config.mirror.upstream) == ("/srv/pypi", defaults.PYPI)
    assert config.select.everything
    assert config.upstream.timeout == 10
