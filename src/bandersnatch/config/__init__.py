"""The configuration: one table of options, from which the file, its check, its display and its reference page come."""
