"""
One file in: fetched or found, verified, and staged with its companions.

Nothing here becomes visible: ``Storage.settle`` does that, later, for a whole batch.
"""

from bandersnatch.transfer.fetching import Arrived, file, same
from bandersnatch.transfer.present import fits, intact, look
from bandersnatch.transfer.rules import Rules, is_certain

__all__ = ["Arrived", "Rules", "file", "fits", "intact", "is_certain", "look", "same"]
