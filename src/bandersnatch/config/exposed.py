"""Files with a secret that everybody on the machine may read."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bandersnatch.config.load import Loaded
from bandersnatch.config.option import Kind
from bandersnatch.config.options import OPTIONS
from bandersnatch.config.schema import value_of
from bandersnatch.errors import Problem, UsageError
from bandersnatch.hooks.base import Hook
from bandersnatch.upstream import credentials

_LIKE_A_TOKEN = re.compile(r"[^/]{16,}")


def exposed(loaded: Loaded, environment: Mapping[str, str]) -> list[Problem]:
    """A problem for each file that holds a secret of *loaded* and that everybody may read."""
    found: dict[str, list[str]] = {}
    for path, what in _secrets(loaded, environment):
        if _is_open(path):
            found.setdefault(path, []).append(what)
    return [
        Problem(
            f"everybody on this machine may read it, and it holds {', '.join(what)}: chmod o-r {shlex.quote(path)}, "
            "and see that the user who runs the mirror may read it",
            path,
        )
        for path, what in found.items()
    ]


def _secrets(loaded: Loaded, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each file that is known to hold a secret, with what that is."""
    config, upstream = loaded.config, loaded.config.upstream
    for option in OPTIONS:
        value = value_of(config, option.name)
        without = option.kind is Kind.PROXY and "@" not in str(value)
        if option.secret and loaded.origins[option.name].source == "file" and value and not without:
            yield str(loaded.file), option.name
    for hook in config.hooks.values():
        if hook.headers or _has_a_token(hook):
            yield str(loaded.file), f"hooks.{hook.name}"
        if hook.token_file:
            yield hook.token_file, f"the token of hooks.{hook.name}"
    if upstream.token_file:
        yield upstream.token_file, "the token for upstream"
    elif not (upstream.token or upstream.username) and _is_in_netrc(loaded, environment):
        yield str(credentials.netrc_file(environment)), "the password for upstream"
    if upstream.client_certificate and "PRIVATE KEY" in _text(upstream.client_certificate):
        yield upstream.client_certificate, "a private key"


def _has_a_token(hook: Hook) -> bool:
    """Whether the address looks like one that only those shall know who may call it."""
    url = urlsplit(hook.url or "")
    return bool(url.password or url.query or _LIKE_A_TOKEN.search(url.path))


def _is_in_netrc(loaded: Loaded, environment: Mapping[str, str]) -> bool:
    try:
        return credentials.find(loaded.config.mirror.upstream, environment) is not None
    except UsageError:
        return False  # a run says so


def _is_open(path: str) -> bool:
    try:
        return bool(os.stat(path).st_mode & stat.S_IROTH)
    except OSError:
        return False


def _text(path: str) -> str:
    try:
        return Path(path).read_text("ascii", "replace")
    except OSError:
        return ""
