"""Fixtures that many tests use."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tests.effort  # noqa: F401 - registers the profiles of Hypothesis
from tests.environment import is_of_this_machine
from tests.workers import join_workers
from xstak_sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.postgresql import Postgres


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process for each core and one more, for many tests wait for a socket.

    None but this one, which starts faster, for what is named.
    """
    named = any(Path(argument.partition("::")[0]).is_file() for argument in config.args)
    return 0 if named or config.option.keyword else (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting or proxy of this machine takes part."""
    for name in filter(is_of_this_machine, list(os.environ)):
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """However a test's run ended, its threads end too."""
    yield
    join_workers()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A local XStak of two locations, each with a few pages of orders in each status."""
    with Sandbox(World(locations=("1001", "1002"), orders_per_location=60)) as running:
        yield running


@pytest.fixture(scope="session")
def meltano_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Meltano keeps plugins and state."""
    return tmp_path_factory.mktemp("meltano")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of the tests' own."""
    # Not there where other engines are tested, which load into databases of their own.
    from tests.end_to_end.postgresql import postgres_server  # noqa: PLC0415

    with postgres_server() as server:
        yield server


def pytest_collection_finish() -> None:
    """Let the garbage collector look at no module of the tests or of the SDK again and again."""
    gc.collect()
    gc.freeze()
