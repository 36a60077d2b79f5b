"""What several tests of the configuration share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bandersnatch.config.load import Loaded, load
from bandersnatch.errors import UsageError

SECRET = "hunter2-hunter2"


def loaded(folder: Path, text: str, env: Mapping[str, str] | None = None, **overrides: object) -> Loaded:
    """The configuration of a file with *text*; overrides as ``section__key=value``."""
    path = folder / "b.conf"
    path.write_text(text, encoding="utf-8", newline="")
    return load(path, env or {}, {name.replace("__", ".").replace("_", "-"): raw for name, raw in overrides.items()})


def problems(folder: Path, text: str, env: Mapping[str, str] | None = None, **overrides: object) -> list[str]:
    """The problems that ``loaded`` raises, as they are printed, the file called by its bare name."""
    with pytest.raises(UsageError) as raised:
        loaded(folder, text, env, **overrides)
    assert str(raised.value) == "\n".join(str(problem) for problem in raised.value.problems)
    return [str(problem).replace(f"{folder}/", "") for problem in raised.value.problems]
