"""Events as lines of JSON: for programs, for logs, and for who follows a run."""

from __future__ import annotations

import json
import re

from bandersnatch.sync import events
from bandersnatch.values import fields, to_builtins


def name_of(kind: type[events.Event]) -> str:
    """What an event is called in JSON: ``fell-behind``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


KINDS = {name_of(kind): kind for kind in events.Event.__subclasses__()}


def encode(event: events.Event, now: float) -> str:
    """*event*, told at *now* (seconds since the epoch), as one line without its end."""
    return json.dumps({"event": name_of(type(event)), "time": round(now, 3), **to_builtins(event)})


def decode(line: str | bytes) -> events.Event | None:
    """The event of *line*; None for one that this version does not know. What is in it is not checked further."""
    try:
        told = json.loads(line)
        kind = KINDS[told["event"]]
        return kind(**{field.name: told[field.name] for field in fields(kind)})
    except (ValueError, KeyError, TypeError):  # another version may tell more, less, or something else
        return None
