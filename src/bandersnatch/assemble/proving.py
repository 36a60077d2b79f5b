"""What ``prove`` works with: a mirror as an index of its own, and the resolver, which knows no other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bandersnatch.closure import site
from bandersnatch.closure.locked import Question
from bandersnatch.config.schema import Config
from bandersnatch.errors import UsageError
from bandersnatch.resolver import uv
from bandersnatch.upstream.base import Upstream
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.index import IndexUpstream
from bandersnatch.upstream.settings import Settings, index_url
from bandersnatch.values import Struct


class Stand(Struct, frozen=True):
    """The mirror on its stand, to be looked at."""

    question: Question
    mirror: Upstream


@asynccontextmanager
async def stand(
    config: Config,
    environment: Mapping[str, str],
    *,
    url: str | None = None,
    constraints: Sequence[str] = (),
    build: bool = False,
) -> AsyncIterator[Stand]:
    """
    The mirror's directory, served on this machine for the time being; or, with *url*, the mirror that is served there.

    *build*: as in ``resolver.base.Resolver``. Raises UsageError if there is no mirror, and if uv is not installed.
    """
    program = uv.find(environment)
    with ExitStack() as stack:
        index = url or stack.enter_context(site.serve(_web(config)))
        settings = _settings(index, config)
        reader = IndexUpstream(settings, Client(settings))
        question = Question(
            uv.UvResolver(program, environment),
            tuple(constraints),
            build=build,
        )
        try:
            yield Stand(question, reader)
        finally:
            await reader.close()


def _web(config: Config) -> Path:
    web = Path(config.mirror.directory, "web")
    if not (web / "simple").is_dir():
        raise UsageError(f"{config.mirror.directory}: nothing was mirrored here yet; bandersnatch mirror does that")
    return web


def _settings(url: str, config: Config) -> Settings:
    """How the mirror is read: from its own host, and no other is learned, since its pages link no other's files."""
    return Settings(
        url=index_url(url),
        user_agent="bandersnatch prove",
        tries=1,
        file_hosts=(urlsplit(url).netloc,),
        allow_http=True,
        ca_file=Path(config.upstream.ca_file) if config.upstream.ca_file else None,
    )
