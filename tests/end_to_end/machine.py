"""A machine with a project of Meltano's, on which a person, a job or a pod runs commands."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.end_to_end.meltano import MELTANO, postgres_settings, run_meltano, tap_settings
from tests.environment import is_of_this_machine
from tests.support import ROOT, clock_of, config_for, discovered, written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.end_to_end.postgresql import Postgres
    from xstak_sandbox import Sandbox

PLUGINS = ("tap-xstak-oms", "target-postgres")
MOST_SHARDS = 3

Partition = tuple[str | None, str | None]


@dataclass(frozen=True)
class Ended:
    """What came of commands.

    Attributes:
        asked: The start dates that each partition was asked from, once for each read of it.
        rows: The location of each row of the table.
    """

    asked: dict[Partition, list[str | None]]
    rows: list[str]


class Machine:
    """Runs commands in a folder that has the project's files.

    Args:
        sandbox: The API.
        database: Where orders are loaded.
        folder: Where commands run.
        plugins: Where Meltano has installed, or installs, the plugins.
        variables: More of the environment.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        database: Postgres,
        folder: Path,
        plugins: Path,
        **variables: str,
    ) -> None:
        self.sandbox = sandbox
        self._database = database
        self._folder = folder
        (folder / "orchestration").symlink_to(ROOT / "orchestration")
        assert run_meltano("install", *PLUGINS, folder=plugins, settings={}).returncode == 0
        shards = [folder / ".meltano" / f"shard-{index}" for index in range(MOST_SHARDS)]
        for system in (folder / ".meltano", *shards):
            system.mkdir()
            for kind in ("extractors", "loaders"):
                (system / kind).symlink_to(plugins / kind)
        catalog = discovered(config_for(sandbox), clock=clock_of(sandbox))
        kept = {name: value for name, value in os.environ.items() if not is_of_this_machine(name)}
        self._environment = {
            **kept,
            **tap_settings(config_for(sandbox)),
            **postgres_settings(database),
            "TAP_XSTAK_OMS__CATALOG": str(written(folder, "catalog.json", catalog)),
            "MELTANO_PROJECT_ROOT": str(ROOT),
            "MELTANO_SYS_DIR_ROOT": str(folder / ".meltano"),
            "PATH": os.pathsep.join([str(MELTANO.parent), os.environ["PATH"]]),
            **variables,
        }

    def run(self, *scripts: str, **variables: str) -> Ended:
        """Run scripts as written, one after the other, to a good end."""
        self.sandbox.journal.clear()
        for script in scripts:
            process = self.start(script, variables)
            said, _ = process.communicate(timeout=300)
            assert process.returncode == 0, said
        return Ended(self._asked(), self.rows())

    def start(
        self, script: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a script; all it says comes out of one pipe."""
        return subprocess.Popen(
            ["sh", "-c", script],
            cwd=self._folder,
            env={**self._environment, **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _asked(self) -> dict[Partition, list[str | None]]:
        asked: dict[Partition, list[str | None]] = {}
        for entry in self.sandbox.journal.orders:
            if entry.parameter("page") is None:
                partition = entry.parameter("order_status"), entry.parameter("locationId")
                asked.setdefault(partition, []).append(entry.parameter("start_date"))
        return asked

    def rows(self) -> list[str]:
        """The location of each row of the table, none of them twice."""
        if self._database.query("SELECT to_regclass('xstak.sales_orders')") == [(None,)]:
            return []
        rows = self._database.query("SELECT id, _location_id FROM xstak.sales_orders")
        assert len(dict(rows)) == len(rows)
        return sorted(location for _, location in rows)
