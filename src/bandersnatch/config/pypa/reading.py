"""A file of PyPA bandersnatch, read as its documentation says it is meant: each option mapped, refused, or noted."""

from __future__ import annotations

from bandersnatch.config.pypa import filters, ini, known, lists, metadata, mirror, pinned, plugins
from bandersnatch.config.pypa.translation import Draft, Translation


def read(text: str, file: str) -> Translation:
    """
    What *text*, the content of *file*, means here.

    Nothing is looked up: neither the files that it names nor the environment. Raises UsageError where it is not even
    INI; what has no equivalent is in ``refused``.
    """
    draft = Draft(ini.parse(text, file))
    draft.refused += known.unknown(draft.ini)
    mirror.translate(draft)
    on = plugins.enabled(draft)
    lists.select(draft, on)
    lists.exclude(draft, on)
    filters.translate(draft, on)
    lists.exempt(draft, on)
    metadata.translate(draft, on)
    pinned.translate(draft)
    return draft.finished()
