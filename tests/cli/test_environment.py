"""``bandersnatch environment``, as a process of its own."""

from __future__ import annotations

import json
import tomllib

from bandersnatch.selection import environments
from tests.cli.conftest import Program


def test_the_table_is_one_that_the_configuration_takes(program: Program) -> None:
    """What is printed reads back as the same environment, in TOML and in JSON."""
    text = program.run("environment")
    ((name, table),) = tomllib.loads(text.stdout)["environments"].items()
    printed = environments.read(name, table)
    assert text.returncode == 0
    told = json.loads(program.run("environment", "--json", "--name", name).stdout)
    assert told == {"name": name, **printed.table}


def test_the_name(program: Program) -> None:
    """The table has the name that is asked for; one that the configuration would refuse is refused here."""
    assert program.run("environment", "--name", "web").stdout.startswith("[environments.web]\n")
    refused = program.run("environment", "--name", "my web")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "environments.my web" in refused.stderr
