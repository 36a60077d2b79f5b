"""How upstream is reached, and where the state is, as the configuration says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from bandersnatch import __version__
from bandersnatch.config.schema import Config
from bandersnatch.upstream import credentials
from bandersnatch.upstream.settings import Settings

STATE = "state"
"""The folder of what the mirror remembers, in its directory."""


def upstream_settings(config: Config, environment: Mapping[str, str]) -> Settings:
    """How upstream is reached. Raises UsageError."""
    chosen = config.upstream
    token_file = Path(chosen.token_file) if chosen.token_file else None
    url = config.mirror.upstream
    return Settings(
        url=url,
        user_agent=user_agent(chosen.user_agent_contact),
        changelog=chosen.changes == "changelog" or chosen.changelog_url is not None,
        changelog_url=chosen.changelog_url,
        connections=chosen.connections,
        streams=chosen.streams,
        bandwidth=chosen.bandwidth,
        minimum_rate=chosen.minimum_rate,
        timeout=chosen.timeout,
        tries=chosen.tries,
        file_hosts=chosen.file_hosts,
        page_hosts=chosen.page_hosts,
        allow_http=chosen.allow_http,
        download_mirrors=chosen.download_mirrors,
        proxy=chosen.proxy,
        ca_file=Path(chosen.ca_file) if chosen.ca_file else None,
        client_certificate=Path(chosen.client_certificate) if chosen.client_certificate else None,
        credentials=_credentials(config) or credentials.find(url, environment, token_file=token_file),
    )


def reach(config: Config) -> str:
    """
    Changes, as good as always, with the keys that say how upstream is reached.

    There are passwords among them, so it is too short for anybody to find one by it.
    """
    return hashlib.sha256(repr((config.mirror.upstream, asdict(config.upstream))).encode()).hexdigest()[:4]


def _credentials(config: Config) -> credentials.Credentials | None:
    chosen = config.upstream
    if chosen.token:
        return credentials.Credentials(chosen.token)
    if chosen.username:
        return credentials.Credentials(chosen.password or "", user=chosen.username)
    return None


def user_agent(contact: str | None) -> str:
    """What names us to upstream's operators, as PEP 381 wants."""
    name = f"bandersnatch/{__version__}"
    return f"{name} ({contact})" if contact else name
