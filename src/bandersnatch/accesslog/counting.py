"""What counts as a download, and what does not."""

from __future__ import annotations

import re
from collections import OrderedDict
from enum import Enum

from bandersnatch.accesslog.agents import BOT, Agent
from bandersnatch.accesslog.request import Request
from bandersnatch.accesslog.targets import Target
from bandersnatch.values import Struct, field

WINDOW = 60.0
"""Seconds within which a download that was cut off is begun anew by the same client."""

REMEMBERED = 50_000
"""Downloads that are remembered for so long at most."""

A_LOOK = 64 * 1024
"""Bytes: who asks for less of a file than this wants to look at it, not to have it."""

_FROM_THE_BEGINNING = re.compile(r"bytes=0{1,18}-(\d{0,18})\s*(?:,|\Z)", re.IGNORECASE | re.ASCII)


class Verdict(Enum):
    """Why a request counts, or does not; the words are those of ``update-stats``."""

    COUNTED = "a download"
    METHOD = "no GET"
    STATUS = "not answered with a file"
    PIECE = "a piece of a file that does not begin it"
    BOT = "asked for by a bot"
    AGAIN = "begun anew after it was cut off"
    ELSEWHERE = "not about a file"


def judge(request: Request, target: Target | None, agent: Agent, *, bots: bool) -> Verdict:
    """
    Whether *request* is a download of *target*, whatever came before it.

    One is a GET that was answered with the file (200), or with a piece (206) that begins it. A piece counts only where
    the log has the Range header: without it, what continues a download looks like what begins one. *bots* says
    whether they count.
    """
    if target is None:
        return Verdict.ELSEWHERE
    if request.method != "GET":
        return Verdict.METHOD
    if request.status == 206:
        if not _begins(request.range):
            return Verdict.PIECE
    elif request.status != 200:
        return Verdict.STATUS
    if agent.installer == BOT and not bots:
        return Verdict.BOT
    return Verdict.COUNTED


def _begins(header: str) -> bool:
    """Whether a Range header asks for the beginning of a file, and for more than a look at it."""
    found = _FROM_THE_BEGINNING.match(header)
    return found is not None and (not found[1] or int(found[1]) >= A_LOOK)


class Recent(Struct):
    """
    The downloads of the last minute, to recognise those that are begun anew.

    A download is the same if the same client asks for the same file with the same agent within ``WINDOW``, and more
    of it comes than before. Two that bring equally much are two: many machines may stand behind one address.
    """

    _known: OrderedDict[tuple[int, Target, int], tuple[float, int]] = field(default_factory=OrderedDict)

    def is_again(self, request: Request, target: Target) -> bool:
        """Whether *request*, which is a download by itself, was counted already; it is remembered as well."""
        if not request.client or request.bytes < 0:
            return False
        key = (request.client, target, hash(request.agent))  # an agent may be long
        before = self._known.pop(key, None)
        self._known[key] = (request.time, request.bytes)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return before is not None and abs(request.time - before[0]) <= WINDOW and before[1] < request.bytes
