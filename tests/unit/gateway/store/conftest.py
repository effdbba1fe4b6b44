"""A real store for every test, on a copy of an empty database: a migration takes longer than a test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.store.database import DataDir, migrate
from gateway.store.store import Store


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the newest schema and nothing in it."""
    made = DataDir(tmp_path_factory.mktemp("template"))
    made.make()
    migrate(made.database)
    return made.database


@pytest.fixture
def data_dir(tmp_path: Path, empty_database: Path) -> DataDir:
    """A data directory with such a database."""
    made = DataDir(tmp_path / "data")
    made.make()
    shutil.copyfile(empty_database, made.database)
    return made


@pytest.fixture
def store(data_dir: DataDir) -> Iterator[Store]:
    """A store, closed afterwards."""
    opened = Store(data_dir)
    yield opened
    opened.close()
