"""From a configuration to a selection, with the files that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from bandersnatch.assemble.selection import Chosen, choose
from bandersnatch.config.load import load
from bandersnatch.errors import UsageError
from bandersnatch.selection import Selection
from bandersnatch.selection.releases import HiddenYanked
from tests.selection.samples import CONTEXT, file, sdists, subject, versions


def chosen(folder: Path, text: str) -> Chosen:
    """What a file with *text* in *folder* chooses."""
    path = folder / "b.toml"
    path.write_text(text)
    return choose(load(path, {}))


def items(selection: Selection) -> list[str]:
    return [item.origin.text for item in selection.items]


def test_a_glob_is_looked_up_at_every_run(tmp_path: Path) -> None:
    """All files that match count, in the order of their names; those that come later count in the next run."""
    text = '[select]\nfrom-files = ["r-*.txt", "r-1.txt"]\n'
    for number, name in ((2, "two"), (1, "one")):
        (tmp_path / f"r-{number}.txt").write_text(f"{name}\n")
    assert items(chosen(tmp_path, text).selection) == ["one", "two", "one"]
    (tmp_path / "r-3.txt").write_text("three==3\n")
    selection = chosen(tmp_path, text).selection
    assert items(selection) == ["one", "two", "three==3", "one"]
    assert str(selection.items.all[2].origin) == f"select.from-files = three==3 ({tmp_path}/r-3.txt:1)"


@pytest.mark.parametrize("key", ["select.from-files", "select.whole-from-files", "exclude.from-files"])
def test_a_glob_that_matches_nothing_is_a_warning(tmp_path: Path, key: str) -> None:
    """The run goes on without it, and says which line of the configuration is meant."""
    section, name = key.split(".")
    [warning] = chosen(tmp_path, f'[{section}]\n{name} = [\n  "none-*.txt"]\n').warnings
    assert str(warning) == f'{tmp_path}/b.toml:3: {key}: no file is called like "{tmp_path}/none-*.txt"'


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """A name that is no glob stands for one file, which has to be there."""
    with pytest.raises(UsageError, match="r.txt"):
        chosen(tmp_path, '[select]\nfrom-files = ["r.txt"]\n')


def test_the_folder_of_the_configuration_is_no_glob(tmp_path: Path) -> None:
    """Signs in the name of the folder that a relative path starts from stand for themselves."""
    folder = tmp_path / "[ab]*"
    folder.mkdir()
    (folder / "r-1.txt").write_text("one\n")
    (folder / "s.txt").write_text("two\n")
    selection = chosen(folder, '[select]\nfrom-files = ["r-*.txt", "s.txt"]\n').selection
    assert items(selection) == ["one", "two"]


def test_whole_projects_from_files(tmp_path: Path) -> None:
    """Of the files only the names count, each once in a file, whatever versions, extras and markers they have."""
    (tmp_path / "r.txt").write_text("Demo==1.0\ndemo[x]>2; sys_platform == 'win32'\n-c c.txt\nother<3\n")
    (tmp_path / "c.txt").write_text("other<2\n")
    selection = chosen(tmp_path, '[select]\nwhole-from-files = ["r.txt"]\n').selection
    assert items(selection) == ["Demo", "other"]
    assert versions(selection.apply(sdists("1.0", "2.0", "3.0a1"), CONTEXT)) == ["1.0", "2.0", "3.0a1"]
    assert selection.explain_name("other").deciding.rule == "select.whole-from-files"


def test_whole_and_pinned_from_files_add_up(tmp_path: Path) -> None:
    """A project of one list is whole, a project of the other has its versions."""
    (tmp_path / "r.txt").write_text("demo==1.0\n")
    (tmp_path / "w.txt").write_text("other==1.0\n")
    selection = chosen(tmp_path, '[select]\nfrom-files = ["r.txt"]\nwhole-from-files = ["w.txt"]\n').selection
    assert items(selection) == ["demo==1.0", "other"]


RULES = """
[select]
projects = ["demo==1.0a1", "large", "demo>=3"]
everything = true
[releases]
prereleases = false
at-least = 2
count-exempt = ["lar*"]
waive-for = "pins"
[files]
max-project-size = 1
max-project-size-exempt = [
  "large"]
"""


def test_exemptions_and_waivers_are_told_with_their_items(tmp_path: Path) -> None:
    """What is exempt passes by the name of its item; a waiver names the line of the item that pins."""
    selection = chosen(tmp_path, RULES).selection
    [large] = selection.explain(sdists("1.0", name="large"), CONTEXT)
    assert large.wanted
    assert [one.reason for one in large.verdicts[-2:]] == [
        "releases.count-exempt names lar*",
        "files.max-project-size-exempt names large",
    ]
    first, _ = selection.explain(sdists("1.0a1", "3.0a1"), CONTEXT)
    reasons = {one.rule: one.reason for one in first.verdicts}
    assert reasons["releases.prereleases"].endswith(
        f"but it is pinned by select.projects = demo==1.0a1 ({tmp_path}/b.toml:3)"
    )


def test_hiding_what_is_yanked_is_a_rule_of_its_own(tmp_path: Path) -> None:
    """``removal.yanked = "hide"`` refuses by its own name, which nothing waives."""
    text = '[select]\nprojects = ["demo==1.0"]\n[removal]\nyanked = "hide"\n'
    [rule] = chosen(tmp_path, text).selection.rules
    assert isinstance(rule, HiddenYanked)
    verdict = rule.judge(subject(file("demo-1.0.tar.gz", yanked="")))
    assert (verdict.rule, verdict.wanted) == ("removal.yanked", False)
