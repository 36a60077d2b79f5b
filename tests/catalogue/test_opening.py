"""The catalogue's file: made, recognised, brought up to date, refused, set aside."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bandersnatch.catalogue import opening, sqlite
from bandersnatch.catalogue.base import RunRecord, Sliced
from bandersnatch.catalogue.opening import CatalogueCorrupt, set_aside
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.errors import CatalogueError
from tests.catalogue.samples import commit, due_names, held, listed, published
from tests.catalogue.watched import Watch


@contextmanager
def plain(path: Path) -> Iterator[sqlite3.Connection]:
    """The file without the catalogue."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def make(path: Path, projects: int = 1) -> None:
    """A catalogue with some projects."""
    with closing(SqliteCatalogue(path)) as catalogue:
        catalogue.commit([commit(f"p{number}", 1, held(f"p{number}")) for number in range(projects)])


# --- a catalogue of ours -------------------------------------------------------------------------------------------


def test_settings(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits are synchronised to disk, readers are not kept out, and large sorting goes to a file, not to memory."""
    watch = Watch()
    monkeypatch.setattr(sqlite3, "connect", watch.connect)
    with closing(SqliteCatalogue(path)):
        names = ["journal_mode", "synchronous", "temp_store", "application_id", "user_version"]
        values = [watch.connections[0].execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    assert values == ["wal", 2, 1, opening.APPLICATION_ID, opening.VERSION]


def test_empty_file_is_new(path: Path) -> None:
    """A file without a byte, as a lost write leaves it, is a new catalogue."""
    path.touch()
    make(path)
    with closing(SqliteCatalogue(path)) as catalogue:
        assert catalogue.totals().projects == 1


def test_old_runs_are_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many runs are kept, the newest."""
    monkeypatch.setattr(sqlite, "RUNS_KEPT", 3)
    with closing(SqliteCatalogue(path)) as catalogue:
        for number in range(6):
            catalogue.record_run(RunRecord(float(number), None, "", None))
        assert [run.started for run in catalogue.last_runs(9)] == [5.0, 4.0, 3.0]


# --- other versions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_only", [False, True])
def test_newer_version(path: Path, read_only: bool) -> None:
    """A catalogue of a newer version is refused and left as it is."""
    make(path)
    with plain(path) as file:
        file.execute(f"PRAGMA user_version = {opening.VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(CatalogueError, match="made by a newer version .*; this one must not write it") as raised:
        SqliteCatalogue(path, read_only=read_only)
    assert not isinstance(raised.value, CatalogueCorrupt)
    assert path.read_bytes() == before


NOW = opening.VERSION
STEPS = (
    (NOW + 1, "CREATE TABLE two (x); INSERT INTO two VALUES (2);"),
    (NOW + 2, "ALTER TABLE two RENAME TO three;"),
)


def test_migration(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older catalogue is brought up to date, step by step, and keeps what it knows; a reader does not do that."""
    make(path)
    monkeypatch.setattr(opening, "VERSION", NOW + 2)
    monkeypatch.setattr(opening, "MIGRATIONS", STEPS)
    with pytest.raises(CatalogueError, match=f"has format {NOW}, not {NOW + 2}: run the mirror once first"):
        SqliteCatalogue(path, read_only=True)
    for _ in range(2):
        with closing(SqliteCatalogue(path)) as catalogue:
            assert catalogue.totals().projects == 1
    with plain(path) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (NOW + 2,)
        assert file.execute("SELECT x FROM three").fetchall() == [(2,)]


def test_migration_that_fails(path: Path) -> None:
    """A step that fails changes nothing; the steps before it stay."""
    make(path)
    with plain(path) as file:
        with pytest.raises(sqlite3.OperationalError):
            opening.migrate(file, NOW, (*STEPS, (NOW + 3, "DROP TABLE three; DROP TABLE four;")))
        assert file.execute("PRAGMA user_version").fetchone() == (NOW + 2,)
        assert file.execute("SELECT x FROM three").fetchall() == [(2,)]


WITHOUT_SLICES = "DROP TABLE slice; DROP TABLE slice_names; DROP TABLE strayed; DROP TRIGGER strays_lost;"


def test_migration_to_3(path: Path) -> None:
    """A catalogue of format 2 suspects nothing."""
    make(path)
    with plain(path) as file:
        file.execute("ALTER TABLE project DROP COLUMN suspect")
        file.executescript(f"DROP TABLE arriving; {WITHOUT_SLICES} PRAGMA user_version = 2;")
    with closing(SqliteCatalogue(path)) as catalogue:
        assert catalogue.entry("p0") == commit("p0", 1).entry
        catalogue.suspect(["p0"], 5.0, files=True)
        assert due_names(catalogue) == ["p0"]


def test_migration_to_4(path: Path) -> None:
    """A catalogue of format 3 expects nothing, and can be told what to expect."""
    make(path)
    with plain(path) as file:
        file.executescript(f"DROP TABLE arriving; {WITHOUT_SLICES} PRAGMA user_version = 3;")
    with closing(SqliteCatalogue(path)) as catalogue:
        assert list(catalogue.expected()) == []
        catalogue.expect({"p0": ["packages/p0"]})
        assert list(catalogue.expected()) == [("p0", "packages/p0")]


def test_migration_to_5(path: Path) -> None:
    """A catalogue of format 4 knows no slice of the last list, and remembers those of the next."""
    make(path)
    with plain(path) as file:
        file.executescript(f"{WITHOUT_SLICES} PRAGMA user_version = 4;")
    with closing(SqliteCatalogue(path)) as catalogue:
        catalogue.begin_listing()
        assert not catalogue.slices()
        catalogue.absorb([listed("p0", 1)])
        catalogue.note([Sliced(b"0", 1, 1, ("p0",))], [])
        catalogue.adopt(1.0, {}, cut=True)
        catalogue.begin_listing()
        assert catalogue.slices() == {b"0": Sliced(b"0", 1, 1)}


def test_migrations_are_in_order() -> None:
    """The last step makes the present version, and each makes the next."""
    assert [number for number, _ in opening.MIGRATIONS] == list(range(2, opening.VERSION + 1))


# --- no catalogue, or a damaged one --------------------------------------------------------------------------------


def text(path: Path) -> None:
    path.write_text("a list of projects, no database\n" * 100)


def foreign(path: Path) -> None:
    with plain(path) as file:
        file.execute("CREATE TABLE theirs (x)")


def other_application(path: Path) -> None:
    with plain(path) as file:
        file.execute("PRAGMA application_id = 77")


def overwritten_header(path: Path) -> None:
    make(path)
    with path.open("r+b") as file:
        file.write(bytes(100))


def cut(path: Path) -> None:
    make(path, 200)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("damage", [text, foreign, other_application, overwritten_header, cut])
def test_no_catalogue(path: Path, damage: Callable[[Path], None], read_only: bool) -> None:
    """A file that is damaged or foreign is known as such when it is opened, and left as it is."""
    damage(path)
    before = path.read_bytes()
    with pytest.raises(CatalogueCorrupt, match="set it aside"):
        SqliteCatalogue(path, read_only=read_only)
    assert path.read_bytes() == before


def test_damage_inside(path: Path) -> None:
    """Damage that cannot be seen from outside is known at the first use of what is damaged, if not before."""
    make(path, 200)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(CatalogueCorrupt, match="damaged"), closing(SqliteCatalogue(path)) as catalogue:
        catalogue.commit([commit("p7", 2)])


def test_damaged_record(path: Path) -> None:
    """A page's record that cannot be read names its project."""
    make(path)
    with plain(path) as file:
        file.execute("UPDATE page SET content = x'0101ff'")
    with closing(SqliteCatalogue(path)) as catalogue, pytest.raises(CatalogueCorrupt, match="project p0: a record"):
        catalogue.published("p0")


def test_nothing_there(path: Path) -> None:
    """A reader does not make a catalogue, and a folder that is not there is not made either."""
    with pytest.raises(CatalogueError, match="see that the folder exists"):
        SqliteCatalogue(path, read_only=True)
    with pytest.raises(CatalogueError, match="see that the folder exists"):
        SqliteCatalogue(path.parent / "nowhere" / "catalogue.sqlite")
    assert list(path.parent.iterdir()) == []


def test_full_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is said to be full; the batch is not kept, and the catalogue goes on when there is room."""
    watch = Watch()
    monkeypatch.setattr(sqlite3, "connect", watch.connect)
    with closing(SqliteCatalogue(path)) as catalogue:
        watch.connections[0].execute("PRAGMA max_page_count = 30")
        with pytest.raises(CatalogueError, match="the disk is full: make room"):
            catalogue.commit([commit(f"p{number}", 1, held(f"p{number}")) for number in range(500)])
        assert catalogue.totals().projects == 0
        catalogue.commit([commit("p0", 1)])
        assert catalogue.totals().projects == 1


# --- beside others -------------------------------------------------------------------------------------------------


def test_reader_beside_writer(path: Path) -> None:
    """A reader sees what was committed, at once and nothing else, and cannot write."""
    with closing(SqliteCatalogue(path)) as writer, closing(SqliteCatalogue(path, read_only=True)) as reader:
        half_read = reader.index()
        for number in range(1, 4):
            writer.commit([commit(f"p{number}", number, held(f"p{number}"))])
            assert reader.totals().projects == number
            assert next(reader.index()).name == "p1"
        assert next(half_read).name == "p1"
        assert reader.published("p3") == published("p3", held("p3"))
        writer.begin_listing()
        writer.absorb([listed("staged", 1)])
        assert due_names(reader) == []
        with pytest.raises(CatalogueError, match="opened for reading"):
            reader.want([listed("demo")], 1.0)


def test_reader_alone(path: Path) -> None:
    """A reader reads a catalogue that nobody else has open."""
    make(path)
    with closing(SqliteCatalogue(path, read_only=True)) as reader:
        assert reader.totals().projects == 1


def test_second_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process writes, writing is refused, after a wait, with the reason."""
    monkeypatch.setattr(opening, "BUSY", 0.0)
    with closing(SqliteCatalogue(path)) as catalogue, plain(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogueError, match="another process is writing to it"):
            catalogue.want([listed("demo")], 1.0)
        other.execute("COMMIT")
        catalogue.want([listed("demo")], 1.0)


# --- setting aside -------------------------------------------------------------------------------------------------


def test_set_aside(path: Path) -> None:
    """The file goes with its log, under the stamp, can be read there, and a new catalogue takes its place."""
    with closing(SqliteCatalogue(path)) as catalogue:
        catalogue.commit([commit("demo", 1)])
        assert path.with_name(path.name + "-wal").stat().st_size > 0
        aside = set_aside(path, "20300102")
    assert aside == path.with_name("catalogue.sqlite.20300102")
    with closing(SqliteCatalogue(path)) as new, closing(SqliteCatalogue(aside)) as old:
        assert (new.totals().projects, old.totals().projects) == (0, 1)


def test_set_aside_twice(path: Path) -> None:
    """Nothing that was set aside before is overwritten, and what is not there cannot be set aside."""
    for _ in range(2):
        path.write_text("damaged")
        if path.with_name("catalogue.sqlite.1").exists():
            with pytest.raises(CatalogueError, match="there already"):
                set_aside(path, "1")
        else:
            set_aside(path, "1")
    path.unlink()
    with pytest.raises(CatalogueError, match="No such file"):
        set_aside(path, "2")
