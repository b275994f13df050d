"""A private PostgreSQL server for tests: on loopback, in a folder of its own, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "test-password"
START_TRIES = 5


@dataclass(frozen=True)
class Postgres:
    """Where the server is."""

    port: int
    user: str = "tester"
    password: str = PASSWORD
    database: str = "postgres"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query answers."""
        with self._connection() as connection:
            return connection.execute(sql.encode()).fetchall()

    def execute(self, sql: str) -> None:
        """Do what has no answer."""
        with self._connection() as connection:
            connection.execute(sql.encode())

    def _connection(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=self.database,
        )


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Postgres]:
    """Start a server, and end it.

    Args:
        durable: Whether it waits for the disk, as servers do and tests need not.
    """
    folder = Path(tempfile.mkdtemp(prefix="xstak-postgres-"))
    try:
        _initialise(folder)
        port = _start(folder, durable=durable)
        try:
            yield Postgres(port)
        finally:
            _run("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(folder: Path) -> None:
    password = folder / "password"
    password.write_text(PASSWORD)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        os.chown(password, nobody.pw_uid, nobody.pw_gid)
    _run(
        "initdb",
        f"--pgdata={folder / 'data'}",
        "--username=tester",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    )


def _start(folder: Path, *, durable: bool) -> int:
    """Start on a free port; PostgreSQL cannot choose one, and another may take it meanwhile."""
    for _ in range(START_TRIES):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}"
        options += "" if durable else " -c fsync=off"
        command = ("-D", str(folder / "data"), "-l", str(folder / "log"), "-w", "-o", options)
        try:
            _run("pg_ctl", *command, "start")
        except subprocess.CalledProcessError:
            continue
        return port
    raise RuntimeError((folder / "log").read_text())


def _run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs, which refuse to be run by root."""
    subprocess.run(
        [_find(program), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user="nobody" if os.geteuid() == 0 else None,
        cwd="/",
        timeout=60,
    )


def _find(program: str) -> str:
    """Debian keeps the server's programs off the PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    found = str(installed[-1]) if installed else shutil.which(program)
    if found is None:
        raise RuntimeError("The tests need PostgreSQL. On Debian: apt install postgresql")
    return found
