"""A mirror of Python package indexes."""
