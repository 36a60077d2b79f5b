"""A mirror of Python package indexes."""

__version__ = "9.0.0.dev0"
"""Here, since each run tells it upstream: to look it up among what is installed takes longer than all else it loads."""
