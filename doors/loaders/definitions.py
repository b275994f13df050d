"""The loaders that are tried: how each is installed, set up and looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from doors.loaders import readers
from doors.loaders.readers import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from doors.loaders.readers import Place, Table


@dataclass(frozen=True)
class Loader:
    """A loader, with some settings.

    Attributes:
        package: With its version, as on PyPI.
        program: Its command.
        settings: Its settings, for where it is to load.
        read: Looks at what it left.
        note: What distinguishes these settings.
        others: Packages that it needs and does not name.
        python: The newest version on which it runs, if that is not the newest of all.
    """

    package: str
    program: str
    settings: Callable[[Place], dict[str, Any]]
    read: Callable[[Place], Table]
    note: str = ""
    others: tuple[str, ...] = ()
    python: str = "3.11"

    @property
    def name(self) -> str:
        """What it is called in a table."""
        name, _, version = self.package.partition("==")
        return f"`{name}` {version}{', ' if self.note else ''}{self.note}"


def _meltano_postgres(**changes: Any) -> Callable[[Place], dict[str, Any]]:
    def settings(place: Place) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": place.server.port,
            "user": place.server.user,
            "password": place.server.password,
            "database": place.server.database,
            "default_target_schema": SCHEMA,
            **changes,
        }

    return settings


def _pipelinewise_postgres(place: Place) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": place.server.port,
        "user": place.server.user,
        "password": place.server.password,
        "dbname": place.server.database,
        "default_target_schema": SCHEMA,
    }


def _datamill_postgres(place: Place) -> dict[str, Any]:
    return {
        "postgres_host": "127.0.0.1",
        "postgres_port": place.server.port,
        "postgres_username": place.server.user,
        "postgres_password": place.server.password,
        "postgres_database": place.server.database,
        "postgres_schema": SCHEMA,
        "disable_collection": True,
    }


def _folder(name: str, **others: Any) -> Callable[[Place], dict[str, Any]]:
    return lambda place: {name: str(place.folder), **others}


_OLD_SETUPTOOLS = ("setuptools<81",)
_MELTANO_POSTGRES = "meltanolabs-target-postgres==0.8.1"
LOADERS = (
    Loader(
        _MELTANO_POSTGRES,
        "target-postgres",
        _meltano_postgres(validate_records=False, batch_size_rows=2500),
        readers.of_postgres,
        "as in `meltano.yml`",
    ),
    Loader(
        _MELTANO_POSTGRES,
        "target-postgres",
        _meltano_postgres(),
        readers.of_postgres,
        "its own defaults",
    ),
    Loader(
        _MELTANO_POSTGRES,
        "target-postgres",
        _meltano_postgres(use_copy=True),
        readers.of_postgres,
        "`use_copy: true`",
    ),
    Loader(
        "pipelinewise-target-postgres==2.1.2",
        "target-postgres",
        _pipelinewise_postgres,
        readers.of_postgres,
        others=_OLD_SETUPTOOLS,
    ),
    Loader(
        "singer-target-postgres==0.2.4",
        "target-postgres",
        _datamill_postgres,
        readers.of_postgres,
        others=_OLD_SETUPTOOLS,
        python="3.9",
    ),
    Loader(
        "target-duckdb==0.8.0",
        "target-duckdb",
        lambda place: {
            "path": str(place.folder / "orders.duckdb"),
            "default_target_schema": "main",
        },
        readers.of_duckdb,
    ),
    Loader(
        "target-sqlite==0.2.0",
        "target-sqlite",
        lambda place: {"database": str(place.folder / "orders.db")},
        readers.of_sqlite,
        python="3.9",
    ),
    Loader(
        "target-jsonl==0.1.4",
        "target-jsonl",
        _folder("destination_path", do_timestamp_file=False),
        readers.of_json_lines,
    ),
    Loader(
        "meltanolabs-target-csv==0.5.0",
        "target-csv",
        _folder("output_path"),
        readers.of_csv,
    ),
    Loader(
        "target-csv==0.3.0",
        "target-csv",
        _folder("destination_path"),
        readers.of_csv,
        others=_OLD_SETUPTOOLS,
        python="3.9",
    ),
    Loader(
        "target-parquet==0.0.1",
        "target-parquet",
        _folder("destination_path"),
        readers.of_nothing,
    ),
)
