"""What [mirror] and the sections of storage and statistics become."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

from bandersnatch.config import defaults
from bandersnatch.config.option import Written
from bandersnatch.config.pypa import scalars
from bandersnatch.config.pypa.ini import Entry
from bandersnatch.config.pypa.translation import Draft
from bandersnatch.errors import Problem

Handler = Callable[[Draft, Entry], None]


def translate(draft: Draft) -> None:
    """Everything of [mirror] but ``release-files``, which is about what is selected."""
    entries = [entry for entry in draft.of_section("mirror") if entry.lines]
    for entry in entries:
        handler = _HANDLERS.get(entry.key)
        if handler is None:
            continue
        try:
            handler(draft, entry)
        except ValueError as error:
            draft.refuse(entry, str(error))
    if "directory" not in {entry.key for entry in entries}:
        line = draft.ini.sections.get("mirror")
        message = "is missing; it has to say where the mirror lives"
        draft.refused.append(Problem(message, draft.ini.file, line, "[mirror] directory"))
    _other_sections(draft)


# --- ways of handling an option ------------------------------------------------------------------------------------


def _becomes(name: str, read: Callable[[str], Written] = str) -> Handler:
    """The value is that of our key *name*."""

    def handle(draft: Draft, entry: Entry) -> None:
        draft.put(name, read(entry.value), entry)

    return handle


def _has_no_effect(why: str, *usual: str) -> Handler:
    """The option does nothing here; where it does not say what is *usual*, the operator is told *why*."""

    def handle(draft: Draft, entry: Entry) -> None:
        if entry.value.lower() not in usual:
            draft.note(entry, f"has no effect here: {why}")

    return handle


def _refused_if_true(why: str) -> Handler:
    def handle(draft: Draft, entry: Entry) -> None:
        if scalars.switch(entry.value):
            draft.refuse(entry, why)

    return handle


# --- single options ------------------------------------------------------------------------------------------------


def _master(draft: Draft, entry: Entry) -> None:
    """Upstream's address, below which ``simple/`` is; a user and a password in it have keys of their own here."""
    try:
        parts = urlsplit(entry.value)
        port = parts.port
    except ValueError:  # what the library says of it could quote a password
        raise ValueError("wants an address such as https://index.example.org") from None
    if parts.hostname in (urlsplit(defaults.PYPI).hostname, defaults.FORMER_PYPI_HOST) and not port:
        draft.put("mirror.upstream", defaults.PYPI, entry)
        return
    userinfo, _, host = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    for name, value in (("upstream.username", user), ("upstream.password", password)):
        if value:
            draft.put(name, unquote(value), entry)
    path = parts.path.rstrip("/").removesuffix("/simple")
    draft.put("mirror.upstream", urlunsplit(parts._replace(netloc=host, path=f"{path}/simple/")), entry)


def _simple_format(draft: Draft, entry: Entry) -> None:
    form = entry.value.upper()
    if form not in ("ALL", "HTML", "JSON"):
        raise ValueError("wants ALL, HTML or JSON")
    draft.put("publish.html", form != "JSON", entry)
    if form == "HTML":
        draft.note(entry, "pages are written as JSON as well: installers prefer it, and it is small")


def _download_mirror(draft: Draft, entry: Entry) -> None:
    draft.put("upstream.download-mirrors", (entry.value,), entry)
    alone = draft.get("mirror", "download-mirror-no-fallback")
    if alone and scalars.switch(alone.value):
        draft.refuse(
            alone,
            "what a download mirror does not have is always fetched from upstream here; take this line out, or make "
            "the download mirror the master if it has pages as well",
        )


def _gone_projects(draft: Draft, entry: Entry) -> None:
    draft.put("removal.deleted", "follow" if scalars.switch(entry.value) else "keep", entry)


def _storage(draft: Draft, entry: Entry) -> None:
    if entry.value != "filesystem":
        draft.refuse(
            entry,
            "the mirror is written to a directory here; give one as [mirror] directory, take this line out, and copy "
            "the folder web/ in it to the object store after each run",
        )


def _api(draft: Draft, entry: Entry) -> None:
    """How 7.x finds changes; the list of projects is what is read here where nothing else is said."""
    if entry.value not in ("simple", "xmlrpc"):
        raise ValueError("wants simple or xmlrpc")
    if entry.value == "xmlrpc":
        draft.put("upstream.changes", "changelog", entry)


def _diff_file(draft: Draft, entry: Entry) -> None:
    """A path in which ``{{mirror_directory}}`` and its like stand for other options."""

    def value(found: re.Match[str]) -> str:
        other = draft.get(found[1], found[2])
        if other is None:
            raise ValueError(f"{found[0]} stands for [{found[1]}] {found[2]}, which is not set")
        return other.value

    draft.put("mirror.diff-file", re.sub(r"\{\{ *([^_{} ]+)_([^{} ]+) *\}\}", value, entry.value), entry)


def _diff_append_epoch(draft: Draft, entry: Entry) -> None:
    if draft.get("mirror", "diff-file"):
        draft.put("mirror.diff-append-epoch", scalars.switch(entry.value), entry)


def _digest(draft: Draft, entry: Entry) -> None:
    if entry.value.lower() != "sha256":
        draft.note(entry, "has no effect here: files are verified by their SHA-256, and pages give that")


_HANDLERS: Mapping[str, Handler] = {
    "directory": _becomes("mirror.directory"),
    "master": _master,
    "proxy": _becomes("upstream.proxy"),
    "timeout": _becomes("upstream.timeout", scalars.seconds),
    "allow-non-https": _becomes("upstream.allow-http", scalars.switch),
    "download-mirror": _download_mirror,
    "json": _becomes("publish.legacy-json", lambda text: "project" if scalars.switch(text) else "none"),
    "core-metadata": _becomes("files.metadata", scalars.switch),
    "simple-format": _simple_format,
    "delete_missing_packages": _gone_projects,
    "delete-packages": _gone_projects,
    "storage-backend": _storage,
    "digest_name": _digest,
    "api-method": _api,
    "hash-index": _refused_if_true(
        "pages are written to simple/NAME/ only, where installers look for them; take this line out, and the rules "
        "for /simple/ out of the web server's configuration"
    ),
    "storage-filesystem-manage-permissions": _has_no_effect(
        "files get the permissions that the umask leaves them", "true", "1", "yes", "on"
    ),
    "global-timeout": _has_no_effect(
        "a download may take as long as bytes come in; upstream.timeout limits the silence", "1800", "18000"
    ),
    "workers": _has_no_effect(
        "upstream.connections and upstream.streams say how many requests are under way at once", "3"
    ),
    "verifiers": _has_no_effect("there is no crawl with workers of its own", "3"),
    "stop-on-error": _has_no_effect(
        "a project that fails is tried again later and holds back no other; the exit code says so",
        "false", "0", "no", "off",
    ),
    "compare-method": _has_no_effect(
        "the catalogue knows which files are whole, and mirror --full reads them all", "hash"
    ),
    "keep_index_versions": _has_no_effect("a suspicious list of projects removes nothing: see [removal]", "0"),
    "keep-index-versions": _has_no_effect("a suspicious list of projects removes nothing: see [removal]", "0"),
    "cleanup": _has_no_effect("pages are found under normalised names only", "false", "0", "no", "off"),
    "cleanup_todo": _has_no_effect("there is no list of things to do that could get stuck", "false", "0", "no", "off"),
    "root_uri": _has_no_effect(
        "links lead to the files beside the pages, or where upstream has those that are not mirrored"
    ),
    "diff-file": _diff_file,
    "diff-append-epoch": _diff_append_epoch,
    "log-config": _has_no_effect("see [log], and mirror --json for other programs"),
}  # fmt: skip
"""By option. Those that only qualify another one are looked at with that."""


def _other_sections(draft: Draft) -> None:
    backend = draft.get("mirror", "storage-backend")
    for section in ("s3", "swift"):
        if section in draft.ini.sections and not (backend and backend.value == section):
            line = draft.ini.sections[section]
            draft.notes.append(
                Problem("has no effect: storage-backend is another", draft.ini.file, line, f"[{section}]")
            )
    pattern = draft.get("statistics", "access-log-pattern")
    if pattern:
        draft.put("statistics.logs", (pattern.value,), pattern)
