"""A translation as the TOML file that says the same, with the comments of the old file beside what they were about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bandersnatch.config.option import Written
from bandersnatch.config.options import SECTIONS
from bandersnatch.config.pypa.ini import Entry
from bandersnatch.config.pypa.translation import Translation
from bandersnatch.config.template import comment
from bandersnatch.config.write import key, literal
from bandersnatch.values import Struct, field

_HEAD = (
    "Made from {file}, a configuration of PyPA bandersnatch. All other keys have their defaults; every key with its "
)
_HEAD += "documentation is in the file that this writes: bandersnatch config init FILE"
_WIDTH = 100
_HOMES = {"mirror": "mirror", "s3": "mirror", "swift": "mirror"}
"""The sections in which options without a successor leave their comments; those of filters do under [select]."""


class _Block(Struct):
    """What stands together in the new file: comments, and the key that they are about, if there is one."""

    section: str
    order: int
    """The line of the old file."""
    comments: list[str] = field(default_factory=list)
    name: str = ""


def render(translation: Translation) -> str:
    """The file, in TOML; comments and notes of options that have no successor stay where these would be."""
    blocks = sorted(_blocks(translation), key=lambda block: (block.order, block.name))
    parts = [comment(_HEAD.format(file=translation.ini.file))]
    for section in SECTIONS:
        here = [block for block in blocks if block.section == section]
        if here:
            parts.append(f"[{section}]\n" + "".join(_text(translation, block, block is here[0]) for block in here))
    end = translation.ini.comments.get(0)
    return "\n".join([*parts, *(["".join(map(_commented, end))] if end else [])])


def _blocks(translation: Translation) -> Iterator[_Block]:
    """One for each of our keys, with the comments of what it comes from; one for each option that became none."""
    told: set[str] = set()
    for name in translation.values:
        sources = translation.sources.get(name, ())
        fresh = [source for source in sources if source.name not in told]
        told |= {source.name for source in fresh}
        order = min((source.line for source in sources), default=translation.ini.first_line)
        comments = [line for source in fresh for line in _about(translation, source)]
        yield _Block(name.partition(".")[0], order, comments, name)
    for entry in translation.ini.entries:
        lines = [] if entry.name in told else list(_about(translation, entry))
        if lines and not any(note.key == entry.name for note in translation.notes):
            lines.append(f"{entry.name}: left out, as it says nothing that needs saying here")
        if lines:
            yield _Block(_HOMES.get(entry.section, "select"), entry.line, lines)
    sections = [note for note in translation.notes if (note.key or "").endswith("]")]
    for note in sections:
        yield _Block("mirror", note.line or 0, [f"{note.key} {note.message}"])


def _about(translation: Translation, entry: Entry) -> Iterator[str]:
    """The comments of *entry*, and what there is to know about what became of it."""
    yield from translation.ini.comments.get(entry.line, ())
    yield from (f"{note.key}: {note.message}" for note in translation.notes if note.key == entry.name)


def _text(translation: Translation, block: _Block, is_first: bool) -> str:
    """An empty line sets apart what has comments."""
    comments = "\n" * bool(block.comments and not is_first) + "".join(map(_commented, block.comments))
    if not block.name:
        return comments
    return f"{comments}{block.name.partition('.')[2]} = {_value(translation.values[block.name])}\n"


def _commented(line: str) -> str:
    return f"# {line}".rstrip() + "\n"


def _value(value: Written) -> str:
    """Lists that are long get one item on each line; tables have to stay on one."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key(name)} = {literal(items)}" for name, items in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, Sequence) and not isinstance(value, str) and len(literal(value)) > _WIDTH:
        return "[\n" + "".join(f"    {literal(item)},\n" for item in value) + "]"
    return literal(value)
