"""What the operator wants of upstream, decided file by file, with reasons. Pure: no clock, no disk, no network."""

from bandersnatch.selection.requirements import Selected, Selection

__all__ = ["Selected", "Selection"]
