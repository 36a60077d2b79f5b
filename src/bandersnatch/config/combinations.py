"""What is wrong with values that are right one by one."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeAlias
from urllib.parse import urlsplit

from bandersnatch.config import spelling, syntax
from bandersnatch.config.options import BY_NAME
from bandersnatch.config.read import read
from bandersnatch.config.schema import Config, ReleasesOptions, value_of
from bandersnatch.config.selection_options import EVERY
from bandersnatch.config.write import key
from bandersnatch.errors import UsageError
from bandersnatch.upstream.address import conceal
from bandersnatch.values import Struct


class Contradiction(Struct, frozen=True):
    """What cannot be meant, and the option to change."""

    name: str
    """``section.key``."""
    message: str
    item: int | None = None
    """The position in the option's list, if it is about one item of it."""


def contradictions(config: Config) -> Iterator[Contradiction]:
    """Whatever cannot be meant together."""
    for rule in _RULES:
        yield from rule(config)


def _everything(config: Config) -> Iterator[Contradiction]:
    """What means everything has to say so."""
    for name, message in _EVERYTHING.items():
        for position, item in enumerate(_items(config, name)):
            if syntax.is_everything(item):
                yield Contradiction(name, f'"{item}" is {message}', position)


def _pages(config: Config) -> Iterator[Contradiction]:
    if config.upstream.changes != "pages":
        return
    wanted = (*config.select.projects, *config.select.index_only)
    needs = ["everything = true"] if config.select.everything else []
    needs += [f'"{item}"' for item in wanted if syntax.is_pattern(item)]
    if needs:
        yield Contradiction(
            "upstream.changes", f"{needs[0]} takes upstream's list of projects, which pages do not give"
        )


def _idle(config: Config) -> Iterator[Contradiction]:
    for name, (works, missing) in _IDLE.items():
        option = BY_NAME[name]
        if value_of(config, name) != read(option, option.default)[0] and not works(config):
            yield Contradiction(name, f"it changes nothing without {missing}; set that as well, or drop this")


def _limits(config: Config) -> Iterator[Contradiction]:
    releases = config.releases
    if 0 < releases.at_most < releases.at_least:
        yield Contradiction("releases.at-most", "it is less than at-least, which no project can fulfil")
    match config.files.uploaded_after, config.files.uploaded_before:
        case datetime() as after, datetime() as before if after >= before:
            yield Contradiction("files.uploaded-before", _NO_TIME)
        case timedelta() as oldest, timedelta() as youngest if oldest <= youngest:
            yield Contradiction("files.uploaded-before", _NO_TIME)


def _advisories(config: Config) -> Iterator[Contradiction]:
    chosen = config.advisories
    if chosen.directory and not (chosen.malicious or chosen.severity or chosen.ids):
        message = "nothing that is there would block anything; set malicious, severity or ids, or drop this"
        yield Contradiction("advisories.directory", message)


def _environments(config: Config) -> Iterator[Contradiction]:
    known = list(config.environments)
    for position, name in enumerate(config.files.environments):
        if name == EVERY and len(config.files.environments) > 1:
            yield Contradiction("files.environments", f'"{EVERY}" is for all machines: write it alone', position)
        elif name not in (*known, EVERY):
            near = spelling.nearest(name, known)
            there = f"there are {', '.join(known)}" if known else f"write its table, [environments.{key(name)}]"
            hint = f'did you mean "{near}"?' if near else there
            yield Contradiction("files.environments", f'no environment is called "{name}"; {hint}', position)


def _statistics(config: Config) -> Iterator[Contradiction]:
    chosen = config.statistics
    wrong = _what_is_wrong_with(chosen.format)
    if wrong:
        yield Contradiction("statistics.format", wrong)
    usage = config.usage
    looks_back = {"usage.unused-for": usage.unused_for, "usage.share": usage.share_over if usage.share else 0.0}
    for name, seconds in looks_back.items():
        if 0 < chosen.keep <= seconds:
            yield Contradiction(name, "it looks back further than [statistics] keep; keep more, or look back less far")
    if not _is_time_zone(chosen.timezone):
        yield Contradiction(
            "statistics.timezone", f'no time zone is called "{chosen.timezone}"; one is "Europe/Berlin"'
        )


def _what_is_wrong_with(form: str) -> str:
    """Why lines of the format *form* cannot be read; empty if they can."""
    if form == "auto":
        return ""
    from bandersnatch.accesslog.formats import reader

    try:
        reader(form)
    except UsageError as error:
        return str(error)
    return ""


def _is_time_zone(name: str) -> bool:
    if name == "UTC":
        return True
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return True


def _credentials(config: Config) -> Iterator[Contradiction]:
    upstream = config.upstream
    if upstream.token and upstream.token_file:
        yield Contradiction("upstream.token", "token and token-file are both set; keep one of the two")
    if upstream.password and not upstream.username:
        yield Contradiction("upstream.password", "a password needs a username")
    if upstream.username and (upstream.token or upstream.token_file):
        yield Contradiction("upstream.username", "upstream takes a user or a token, not both; keep one of the two")


def _changes(config: Config) -> Iterator[Contradiction]:
    upstream = config.upstream
    if upstream.changelog_url and upstream.changes in ("list", "pages"):
        yield Contradiction(
            "upstream.changelog-url", f'with changes = "{upstream.changes}" the changelog is never read; drop one'
        )


def _plain_http(config: Config) -> Iterator[Contradiction]:
    if config.upstream.allow_http:
        return
    addresses = [("mirror.upstream", config.mirror.upstream), ("upstream.changelog-url", config.upstream.changelog_url)]
    addresses += [("upstream.download-mirrors", address) for address in config.upstream.download_mirrors]
    for name, address in addresses:
        if address and urlsplit(address).scheme == "http" and not _is_loopback(urlsplit(address).hostname or ""):
            yield Contradiction(
                name, f'"{conceal(address)}" is not encrypted; use https, or set allow-http = true under [upstream]'
            )


def _hooks(config: Config) -> Iterator[Contradiction]:
    if not config.hooks:
        return
    from bandersnatch.hooks.base import Form, Occasion

    for hook in config.hooks.values():
        name, url = f"hooks.{hook.name}", urlsplit(hook.url or "")
        if hook.form is Form.URLS and config.publish.base_url is None and Occasion.CHANGED in hook.on:
            yield Contradiction(
                name, 'lists of URLs need the mirror\'s own; set base-url under [publish], or list = "keys"'
            )
        if url.scheme == "http" and not (config.upstream.allow_http or _is_loopback(url.hostname or "")):
            yield Contradiction(name, "its url is not encrypted; use https, or set allow-http = true under [upstream]")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _items(config: Config, name: str) -> tuple[str, ...]:
    items = value_of(config, name)
    assert isinstance(items, tuple), f"{name} is a list"
    return items


def _refuses_versions(releases: ReleasesOptions) -> bool:
    admits_all = releases.prereleases and releases.development and releases.yanked
    return bool(not admits_all or releases.newest or releases.unwanted)


_NO_TIME = "it is not later than uploaded-after, so no file is wanted"

_EVERYTHING = {
    "select.projects": "everything; if that is meant, write everything = true",
    "exclude.projects": "everything, so nothing would be mirrored; name what to exclude",
    "cool-down.exempt": "everything, so nothing would wait; name what is exempt",
    "usage.exempt": "everything, so use would not count; name what is exempt",
    "releases.count-exempt": "everything, so no number would count; name what is exempt",
    "files.max-project-size-exempt": "everything, so no project would be too large; name what is exempt",
}
"""Lists that may not hold an item which means all projects, and what to say of it."""

_Works: TypeAlias = Callable[[Config], bool]

_NEWEST: tuple[_Works, str] = (lambda config: config.releases.newest > 0, "newest")
_ADVISORIES: tuple[_Works, str] = (lambda config: config.advisories.directory is not None, "directory")
_IDLE: dict[str, tuple[_Works, str]] = {
    "select.dependency-builds": (lambda config: config.select.dependencies, "dependencies = true"),
    "select.dependency-versions": (lambda config: config.select.dependencies, "dependencies = true"),
    "releases.newest-by": _NEWEST,
    "releases.newest-counts-prereleases": _NEWEST,
    "releases.count-exempt": (
        lambda config: config.releases.at_least > 0 or config.releases.at_most > 0,
        "at-least or at-most",
    ),
    "releases.waive-for": (
        lambda config: _refuses_versions(config.releases),
        "a key of this section that refuses versions",
    ),
    "files.max-project-size-exempt": (lambda config: config.files.max_project_size is not None, "max-project-size"),
    "metadata.missing": (lambda config: bool(config.metadata.wanted or config.metadata.all), "wanted or all"),
    "cool-down.clock": (
        lambda config: config.cool_down.age > 0 or config.cool_down.not_after is not None,
        "age or not-after",
    ),
    "advisories.malicious": _ADVISORIES,
    "advisories.severity": _ADVISORIES,
    "advisories.ids": _ADVISORIES,
    "advisories.allow": _ADVISORIES,
    "usage.share-over": (lambda config: config.usage.share is not None, "share"),
    "usage.exempt": (
        lambda config: config.usage.share is not None or config.usage.unused_for > 0,
        "unused-for or share",
    ),
    "removal.hidden-for": (lambda config: "hide" in config.removal.policies, 'a "hide" in this section'),
}
"""Options that say something about another one, which they need: whether it is there, and what to call it."""

_RULES: tuple[Callable[[Config], Iterator[Contradiction]], ...] = (
    _everything, _pages, _idle, _limits, _advisories, _environments, _statistics, _credentials, _changes, _plain_http,
    _hooks,
)  # fmt: skip
