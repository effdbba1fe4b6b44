"""The schema: the migrations lead to exactly the tables of the code, and a database knows how far it is."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from contracts.catalog import CatalogError
from gateway.store.database import HEAD, MIGRATIONS, DataDir, connect, migrate, revision
from gateway.store.tables import METADATA


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return where a database is to be."""
    return tmp_path / "triptych.db"


def test_the_code_knows_the_newest_revision() -> None:
    """There is one head, and `HEAD` names it: so a start need not load Alembic to see that nothing is to do."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_the_migrations_make_the_tables_of_the_code(database: Path) -> None:
    """Nothing is left to generate: no table, column, index or constraint differs."""
    migrate(database)
    engine = create_engine(f"sqlite:///{database}")
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": METADATA})
            assert compare_metadata(context, METADATA) == []
    finally:
        engine.dispose()


def test_migrating_is_done_once(database: Path) -> None:
    """A database that is up to date is left alone, and says what it is."""
    assert revision(database) is None
    assert migrate(database)
    assert revision(database) == HEAD
    assert not migrate(database)


def test_a_file_without_a_schema_is_migrated(database: Path) -> None:
    """An empty file, as a crash between making and migrating leaves it, has no revision and gets its tables."""
    connect(database).close()
    assert database.exists()
    assert revision(database) is None
    assert migrate(database)
    with sqlite3.connect(database) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert set(METADATA.tables) <= names


def test_the_writer_survives_power_loss_and_a_reader_cannot_write(database: Path) -> None:
    """WAL with full synchronisation where it writes; a reader's connection refuses every change."""
    migrate(database)
    writer = connect(database)
    assert writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert writer.execute("PRAGMA synchronous").fetchone()[0] == 2
    writer.close()
    reader = connect(database, readonly=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM job")
    reader.close()


def test_event_ids_are_never_used_twice(database: Path) -> None:
    """A reader resumes by the last id that it saw: an id that was deleted does not come back."""
    migrate(database)
    connection = connect(database)
    insert = "INSERT INTO event (job_id, team, type, at, data) VALUES ('j', 't', 'x', 0, '{}')"
    first = connection.execute(insert).lastrowid
    connection.execute("DELETE FROM event")
    second = connection.execute(insert).lastrowid
    connection.close()
    assert first is not None
    assert second == first + 1


def test_a_data_directory_is_held_by_one(tmp_path: Path) -> None:
    """A second holder is refused while the first holds it, and let in afterwards."""
    first, second = DataDir(tmp_path / "data"), DataDir(tmp_path / "data")
    first.make()
    first.hold()
    with pytest.raises(CatalogError) as caught:
        second.hold()
    assert caught.value.facts["reason"] == "data_dir_in_use"
    first.release()
    first.release()
    second.hold()
    second.release()


def test_a_data_directory_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else may read it; its secret is made once, 32 random bytes that only the owner may read."""
    data_dir = DataDir(tmp_path / "deep" / "data")
    data_dir.make()
    data_dir.make()
    secret = data_dir.secret()
    assert data_dir.secret() == secret
    assert len(bytes.fromhex(secret.decode())) == 32
    assert (data_dir.path / "secret").stat().st_mode & 0o777 == 0o600
    for folder in (data_dir.path, data_dir.assets):
        assert folder.stat().st_mode & 0o777 == 0o700
    other = DataDir(tmp_path / "other")
    other.make()
    assert other.secret() != secret
