import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway.store.database import HEAD, MIGRATIONS, DataDir, connect, migrate, revision
from gateway.store.tables import METADATA


def configured(database: Path) -> Config:
    """Return the settings of Alembic for a database."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{database}")
    return config


def schema(database: Path) -> set[tuple[str, str]]:
    """Return everything that a database has, as it was made."""
    connection = sqlite3.connect(database)
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {(name, " ".join(sql.split())) for name, sql in rows}


def test_the_tables_are_what_the_migrations_make(data_dir: DataDir) -> None:
    """`alembic check` finds nothing to do after the last migration."""
    command.check(configured(data_dir.database))


def test_the_newest_revision_is_the_one_the_program_asks_for() -> None:
    """`HEAD` is the only head that the migrations have."""
    assert ScriptDirectory.from_config(configured(Path("none"))).get_heads() == [HEAD]


def test_migrations_lead_down_and_up_again(data_dir: DataDir) -> None:
    """Going back to nothing leaves no table behind, and coming again makes the same schema."""
    before = schema(data_dir.database)
    command.downgrade(configured(data_dir.database), "base")
    assert {name for name, _ in schema(data_dir.database)} <= {"alembic_version", "sqlite_sequence"}
    assert revision(data_dir.database) is None
    command.upgrade(configured(data_dir.database), "head")
    assert schema(data_dir.database) == before


def test_migrating_is_needed_once(tmp_path: Path) -> None:
    """A new database is made; one that is up to date is left alone."""
    database = tmp_path / "new.db"
    assert revision(database) is None
    assert migrate(database)
    assert revision(database) == HEAD
    assert not migrate(database)


def test_every_table_of_the_model_is_in_the_database(data_dir: DataDir) -> None:
    """Columns and their order are those of the model: rows are read by name, written by name."""
    connection = connect(data_dir.database, readonly=True)
    for table in METADATA.tables.values():
        columns = [row["name"] for row in connection.execute(f"PRAGMA table_info({table.name})")]
        assert columns == [column.name for column in table.columns], table.name
    connection.close()


def test_connections_are_safe_against_power_loss_and_readers_cannot_write(data_dir: DataDir) -> None:
    """The writer syncs every commit to disk; a reader is refused any change."""
    writer = connect(data_dir.database)
    assert writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert writer.execute("PRAGMA synchronous").fetchone()[0] == 2
    reader = connect(data_dir.database, readonly=True)
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM job")
    writer.close()
    reader.close()
