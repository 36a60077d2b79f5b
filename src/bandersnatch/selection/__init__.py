"""What the operator wants of upstream, decided file by file, with reasons. Pure: no clock, no disk, no network."""

from bandersnatch.selection.base import Context, Dropped, Explained, Motive, Origin, Rule, Selected, Subject, Verdict
from bandersnatch.selection.engine import Selection
from bandersnatch.selection.items import Item, Items

__all__ = [
    "Context", "Dropped", "Explained", "Item", "Items", "Motive", "Origin", "Rule", "Selected", "Selection", "Subject",
    "Verdict",
]  # fmt: skip
