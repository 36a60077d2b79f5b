"""The closure of dependencies as part of a mirror's selection, where the configuration wants it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from bandersnatch.config.schema import Config
from bandersnatch.errors import CatalogueError, Problem
from bandersnatch.sync.mirror import Mirror
from bandersnatch.values import Struct, replace


class Closed(Struct, frozen=True):
    """A mirror whose selection has the closure of its requirements."""

    mirror: Mirror
    warnings: tuple[Problem, ...] = ()


async def close(
    mirror: Mirror,
    config: Config,
    environment: Mapping[str, str],
    now: float,
    *,
    constraints: tuple[str, ...] = (),
    anew: bool = False,
) -> Closed:
    """
    *mirror* with exactly what its requirements need, if the configuration wants their dependencies.

    *constraints* (PEP 508) narrow what is needed and need nothing themselves. *anew* finds the closure again, however
    fresh the kept one is. What cannot be resolved is told in the mirror's ``unresolved``. Raises UsageError, and
    UpstreamError where nobody answers.
    """
    if not config.select.dependencies:
        return Closed(mirror)
    from bandersnatch.assemble.dependencies import needed

    return Closed(*await needed(mirror, config, environment, now, constraints=constraints, anew=anew))


def recall(mirror: Mirror, config: Config, constraints: tuple[str, ...] = ()) -> Closed | None:
    """
    As ``close``, with the closure that was found last, however old; upstream is not asked. Blocks.

    None if none was found, or only for other requirements: what is needed is not known then.
    """
    if not config.select.dependencies:
        return Closed(mirror)
    from bandersnatch.assemble.dependencies import recalled

    selection = recalled(mirror, config, constraints)
    return None if selection is None else Closed(replace(mirror, selection=selection))


def notes(config: Config) -> tuple[Problem, ...]:
    """What a mirror that is there does otherwise than a new one with the same configuration would."""
    if not config.select.dependencies:
        return ()
    from bandersnatch.assemble import catalogue_to_read
    from bandersnatch.assemble.dependencies import keeps_all

    try:
        catalogue = catalogue_to_read(config)
    except CatalogueError:
        return ()  # whoever needs it says so
    if catalogue is None:
        return ()
    with closing(catalogue):
        if not keeps_all(config, catalogue):
            return ()
    names = ", ".join(f'"{name}"' for name in config.environments)
    message = (
        f"not set, so {config.mirror.directory} goes on to hold wheels for all machines, as it was begun; "
        f'write [{names}] to have those of your environments only, as a new mirror would, or ["*"] to keep all'
    )
    return (Problem(message, key="files.environments"),)
