"""The reference page of the configuration, ``docs/reference/configuration.md``, made from the table of options.

``python -m bandersnatch.config > docs/reference/configuration.md`` writes it anew.
"""

from __future__ import annotations

from bandersnatch.config import defaults
from bandersnatch.config.option import Option
from bandersnatch.config.options import NAMED, SECTIONS, of_section
from bandersnatch.config.write import literal

_INTRODUCTION = """\
<!-- Made from src/bandersnatch/config/options.py by: python -m bandersnatch.config -->

# Configuration

bandersnatch reads one file in TOML: the one named by `-c FILE`, else by the variable `BANDERSNATCH_CONFIG`,
else `{file}`. A file that is named has to exist. `bandersnatch config init FILE` writes one with every key of
this page, commented out; `bandersnatch config check` says what is wrong with it, with line and key, all at once;
`bandersnatch config show` prints what is in force and where each value comes from.

Every key can also be set by an environment variable, which goes before the file; an option of the command line
goes before both. In a variable a list or a table is written as in the file: `["six", "django>=5.2"]`. An empty
variable counts as none. Secrets are shown by no command and in no message.

| value | is written | units |
|---|---|---|
| size | `"1 GiB"`, `"500 MB"`, or a number of bytes | B, kB, MB, GB, TB, PB (1000); KiB, MiB, GiB, TiB, PiB (1024) |
| rate | `"20 MB/s"` | those of a size, per second |
| duration | `"90s"`, `"2h"`, `"1.5d"` | ms, s, m (minutes), h, d, w |
| percentage | `"0.1%"` | |
| time | `"2025-11-01"` (its first moment, UTC), `"2025-11-01T12:00:00Z"`, `"2025-11-01T12:00:00+02:00"` | |

Units are case-sensitive. A path is absolute, unless its key says otherwise; `~` and variables in it are not expanded.

Projects are named in one of these forms wherever a key wants projects. Names and globs are normalised first, so
`Zope.Interface` is `zope-interface`; a pattern has to match the whole normalised name.

| form | for example | |
|---|---|---|
| name | `"six"` | |
| requirement (PEP 508) | `"django>=5.2,<6"` | pre-releases inside the range belong to it; extras change nothing here |
| with a marker | `"tomli; python_version < '3.11'"` | counts where it is true in an environment, or there is none |
| glob | `"apache-*"`, `"apache-*>=2"` | `*` stands for any letters or none, `?` for one |
| regular expression | `"/django-.*/"`, `"/django-.*/>=3"` | between slashes |
"""


def render() -> str:
    """The page, in Markdown."""
    introduction = _INTRODUCTION.format(file=defaults.FILE)
    return "\n".join([introduction, *(_section(section) for section in SECTIONS)])


def _section(section: str) -> str:
    if section in NAMED:
        return (
            f"## [{section}.NAME]\n\n{SECTIONS[section]} They are set in the file, by no variable.\n\n"
            f"```toml\n{NAMED[section]}```\n"
        )
    return "\n".join([f"## [{section}]\n\n{SECTIONS[section]}\n", *(_entry(option) for option in of_section(section))])


def _entry(option: Option) -> str:
    wanted = option.wanted
    if option.table:
        wanted = f"a table; its keys are fields of core metadata, each with a list, each item {wanted}"
    elif option.many:
        wanted = f"a list, each item {wanted}"
    return (
        f"### {option.key}\n\n{option.doc}\n\n"
        f"- Wants: {wanted}{'; it is a secret' if option.secret else ''}\n"
        f"- Default: {_default(option)}\n"
        f"- Example: `{option.key} = {literal(option.example)}`\n"
        f"- Variable: `{option.variable}`\n"
    )


def _default(option: Option) -> str:
    """PyPI goes by its name in the documentation: its address is spelt in one place only."""
    return "PyPI" if option.default == defaults.PYPI else f"`{literal(option.default)}`"
