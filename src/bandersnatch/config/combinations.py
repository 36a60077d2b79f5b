"""What is wrong with values that are right one by one."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from bandersnatch.config.schema import Config


def contradictions(config: Config) -> Iterator[tuple[str, str]]:
    """``(section.key, message)`` for whatever cannot be meant together."""
    for rule in _RULES:
        yield from rule(config)


def _selection(config: Config) -> Iterator[tuple[str, str]]:
    if config.select.everything and config.select.projects:
        yield "select.everything", "everything = true makes projects meaningless; keep one of the two"
    if config.select.everything and config.upstream.changes == "pages":
        yield "upstream.changes", "everything = true takes upstream's list of projects, which pages do not give"


def _credentials(config: Config) -> Iterator[tuple[str, str]]:
    upstream = config.upstream
    if upstream.token and upstream.token_file:
        yield "upstream.token", "token and token-file are both set; keep one of the two"
    if upstream.password and not upstream.username:
        yield "upstream.password", "a password needs a username"
    if upstream.username and (upstream.token or upstream.token_file):
        yield "upstream.username", "upstream takes a user or a token, not both; keep one of the two"


def _changes(config: Config) -> Iterator[tuple[str, str]]:
    upstream = config.upstream
    if upstream.changelog_url and upstream.changes in ("list", "pages"):
        yield "upstream.changelog-url", f'with changes = "{upstream.changes}" the changelog is never read; drop one'


def _plain_http(config: Config) -> Iterator[tuple[str, str]]:
    if config.upstream.allow_http:
        return
    addresses = [("mirror.upstream", config.mirror.upstream), ("upstream.changelog-url", config.upstream.changelog_url)]
    addresses += [("upstream.download-mirrors", address) for address in config.upstream.download_mirrors]
    for name, address in addresses:
        if address and urlsplit(address).scheme == "http" and not _is_loopback(urlsplit(address).hostname or ""):
            yield name, f'"{address}" is not encrypted; use https, or set allow-http = true under [upstream]'


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_RULES: tuple[Callable[[Config], Iterator[tuple[str, str]]], ...] = (_selection, _credentials, _changes, _plain_http)
