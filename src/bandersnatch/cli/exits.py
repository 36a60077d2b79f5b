"""Exit codes. They are part of the interface: scripts rely on them."""

from __future__ import annotations

CLEAN = 0
BEHIND = 1
"""Something is behind upstream; it is tried again by a later run."""
USAGE = 2
"""The command line or the configuration is wrong, or was written just now and waits for a review."""
REFUSED = 3
"""What upstream says is implausible, so nothing was removed: an operator has to look at it."""
FAULT = 70
"""What nobody foresaw: a fault of this program."""
DISK = 74
LOCKED = 75
"""Another run holds the mirror's lock."""
SIGNAL = 128
"""Plus the number of the signal that stopped the run."""

OF_OUTCOME = {
    "clean": CLEAN, "behind": BEHIND, "unreachable": BEHIND, "refused": REFUSED, "failed": FAULT, "disk": DISK
}  # fmt: skip
"""By the outcome of a run."""

HELP = """\
exit status:
  0    everything is as upstream has it
  1    something is behind upstream, and is tried again by a later run
  2    the command line or the configuration is wrong, or was written just now
  3    what upstream says is implausible: nothing was removed
  74   the disk failed, or is full
  75   another run is under way
  130, 143   stopped by ^C or SIGTERM; the next run goes on from there
"""
