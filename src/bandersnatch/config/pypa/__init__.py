"""The configuration of PyPA bandersnatch 1.x to 8.x (INI), read as what its documentation says it means."""

from bandersnatch.config.pypa.known import SECTIONS
from bandersnatch.config.pypa.reading import read
from bandersnatch.config.pypa.translation import Translation

__all__ = ["SECTIONS", "Translation", "read"]
