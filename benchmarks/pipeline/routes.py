"""The ways from the API into PostgreSQL or files: each a whole command for each stage."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.contestants import TAP, write
from benchmarks.pipeline import arrivals
from benchmarks.pipeline.tools import BIN, own_environment
from benchmarks.process import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.pipeline.tools import Tools
    from benchmarks.pipeline.world import Order, Stage
    from tests.end_to_end.postgresql import Postgres

POSTGRES, FILES, CACHE = "PostgreSQL", "files", "its own cache"
MELTANO, PIPED, SHARDS = "`meltano run`", "piped", "two shards"
PLAIN, DLT, PYAIRBYTE, IDLE = "plain SDK tap", "dlt", "PyAirbyte", "Meltano alone"
EXACT_DLT = "dlt, exact decimals"
# As README.md tells it.
PIPELINE = """set -eo pipefail
{tap} | {loader} --config target.json >> states.jsonl
if [ -s states.jsonl ]; then tail -1 states.jsonl > state.json; fi
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all routes share.

    Attributes:
        tools: The programs.
        database: Where they load.
        timezone: The tap's.
        catalog: Ours, a file.
        plain_catalog: The plain tap's.
    """

    tools: Tools
    database: Postgres
    timezone: str
    catalog: str
    plain_catalog: str

    def config(self, stage: Stage) -> dict[str, Any]:
        """The tap's settings; those of a user but for the time zone."""
        return stage.server.config(timezone=self.timezone)

    def connection(self, schema: str) -> dict[str, Any]:
        """What lets target-postgres into the database."""
        names = ("port", "user", "password", "database")
        values = {name: getattr(self.database, name) for name in names}
        return {"host": "127.0.0.1", "default_target_schema": schema, **values}


@dataclass(frozen=True, slots=True)
class Command:
    """What runs a stage, in the folder of its round."""

    words: list[str | Path]
    environment: Mapping[str, str]


class Route(Protocol):
    """One of the ways.

    Attributes:
        name: Of it.
        into: Where it leads.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    @property
    def into(self) -> str: ...  # noqa: D102 - see the class

    def command(self, stage: Stage, folder: Path) -> Command:
        """What runs a stage; a round's stages share a folder, which is empty at first."""

    def arrived(self, folder: Path) -> list[Order]:
        """All orders that are loaded."""


@dataclass(frozen=True, slots=True)
class Meltano:
    """`meltano run` as shipped, alone or in shards."""

    setting: Setting
    into: str
    shards: int = 1

    @property
    def name(self) -> str:
        """One process, or more."""
        return MELTANO if self.shards == 1 else SHARDS

    @property
    def _schema(self) -> str:
        return f"meltano_{self.shards}"

    def command(self, stage: Stage, folder: Path) -> Command:
        """Meltano in the checkout, its own files in the folder."""
        for system in (folder, *(folder / f"shard-{index}" for index in range(self.shards))):
            for kind in ("extractors", "loaders"):
                _link(system / kind, self.setting.tools.plugins / kind)
        loader = "target-postgres" if self.into == POSTGRES else "target-jsonl"
        words: list[str | Path] = [BIN / "meltano", "run", "tap-xstak-oms", loader]
        if self.shards > 1:
            script = ROOT / "orchestration" / "run_shards.py"
            words = [sys.executable, script, str(self.shards), "tap-xstak-oms", loader]
        variables = {
            **_variables("TAP_XSTAK_OMS", self.setting.config(stage)),
            **_variables("TARGET_POSTGRES", self.setting.connection(self._schema)),
            "TAP_XSTAK_OMS__CATALOG": self.setting.catalog,
            "TARGET_JSONL_DESTINATION_PATH": str(folder / "output"),
            "MELTANO_PROJECT_ROOT": str(ROOT),
            "MELTANO_SYS_DIR_ROOT": str(folder),
        }
        return Command(words, own_environment() | variables)

    def arrived(self, folder: Path) -> list[Order]:
        """What is in the table or in the file."""
        if self.into == POSTGRES:
            return arrivals.in_postgres(self.setting.database, self._schema)
        return arrivals.in_files((folder / "output").glob("*.jsonl"))


@dataclass(frozen=True, slots=True)
class Piped:
    """A tap piped into a loader: ours, or the plain one into the loader as it is by default."""

    setting: Setting
    into: str
    plain: bool = False

    @property
    def name(self) -> str:
        """By the tap."""
        return PLAIN if self.plain else PIPED

    @property
    def _schema(self) -> str:
        return "plain" if self.plain else "piped"

    def command(self, stage: Stage, folder: Path) -> Command:
        """A script of the shell."""
        write(folder / "target.json", self._target())
        loader = "target-postgres" if self.into == POSTGRES else "target-jsonl"
        plain = [sys.executable, str(ROOT / "benchmarks" / "plain_tap.py")]
        words = plain if self.plain else [TAP]
        config, catalog = self._inputs(stage)
        words += ["--config", write(folder / "tap.json", config), "--catalog", catalog]
        if not self.plain and (folder / "state.json").exists():
            words += ["--state", "state.json"]
        script = PIPELINE.format(tap=" ".join(words), loader=self.setting.tools.loader(loader))
        return Command(["bash", "-c", script], own_environment())

    def _inputs(self, stage: Stage) -> tuple[dict[str, Any], str]:
        if self.plain:
            return stage.server.config() | {"start_date": stage.start_date}, (
                self.setting.plain_catalog
            )
        return self.setting.config(stage), self.setting.catalog

    def _target(self) -> dict[str, Any]:
        if self.into == FILES:
            return {"destination_path": "output", "do_timestamp_file": False}
        shipped = {} if self.plain else self.setting.tools.loader_settings
        return {**shipped, **self.setting.connection(self._schema)}

    def arrived(self, folder: Path) -> list[Order]:
        """What is in the table or in the file."""
        if self.into == POSTGRES:
            return arrivals.in_postgres(self.setting.database, self._schema)
        return arrivals.in_files((folder / "output").glob("*.jsonl"))


@dataclass(frozen=True, slots=True)
class Dlt:
    """dlt with the settings that were found to be the fastest."""

    setting: Setting
    into: str
    is_exact: bool = False

    @property
    def name(self) -> str:
        """Whether decimals keep their digits, as they do in all others."""
        return EXACT_DLT if self.is_exact else DLT

    @property
    def _dataset(self) -> str:
        return "dlt_exact" if self.is_exact else "dlt"

    def command(self, stage: Stage, folder: Path) -> Command:
        """Its script, in its environment."""
        database = self.setting.database
        server = f"{database.user}:{database.password}@127.0.0.1:{database.port}"
        specification = {
            "config": stage.server.config(),
            "start_date": stage.start_date,
            "destination": "postgres" if self.into == POSTGRES else "filesystem",
            "credentials": f"postgresql://{server}/{database.database}",
            "bucket_url": (folder / "output").as_uri(),
            "dataset": self._dataset,
            "is_exact": self.is_exact,
            "pipelines_dir": str(folder / "pipelines"),
        }
        asked = write(folder / "dlt.json", specification)
        script = ROOT / "benchmarks" / "dlt" / "load.py"
        return Command([self.setting.tools.pythons["dlt"], script, asked], own_environment())

    def arrived(self, folder: Path) -> list[Order]:
        """What is in the table or in the files."""
        if self.into == POSTGRES:
            return arrivals.in_postgres(self.setting.database, self._dataset)
        return arrivals.in_files(
            (folder / "output" / self._dataset / "sales_orders").glob("*.jsonl")
        )


@dataclass(frozen=True, slots=True)
class PyAirbyte:
    """PyAirbyte with our source, into its own cache, which is a DuckDB file."""

    setting: Setting
    name: str = PYAIRBYTE
    into: str = CACHE

    def command(self, stage: Stage, folder: Path) -> Command:
        """Its script, in its environment."""
        specification = {
            "config": self.setting.config(stage),
            "executable": str(BIN / "source-xstak-oms"),
            "cache_dir": str(folder / "cache"),
        }
        asked = write(folder / "pyairbyte.json", specification)
        script = ROOT / "benchmarks" / "pipeline" / "pyairbyte.py"
        variables = {
            "AIRBYTE_OFFLINE_MODE": "1",
            "AIRBYTE_LOGGING_ROOT": str(folder / "logs"),
            "DO_NOT_TRACK": "1",
        }
        words: list[str | Path] = [self.setting.tools.pythons["airbyte"], script, asked]
        return Command(words, own_environment() | variables)

    def arrived(self, folder: Path) -> list[Order]:
        """What is in the cache."""
        [file] = (folder / "cache").glob("*.duckdb")
        return arrivals.in_duckdb(file)


IDLE_PROJECT = """default_environment: dev
environments: [{name: dev}]
send_anonymous_usage_stats: false
cli: {disable_version_check: true}
plugins:
  extractors:
  - {name: tap-nothing, namespace: tap_nothing, executable: "true", capabilities: []}
  loaders:
  - {name: target-nothing, namespace: target_nothing, executable: ./nothing}
"""


def idle(folder: Path) -> Command:
    """A run of Meltano itself: of a tap that says nothing, into a loader that does nothing."""
    (folder / "meltano.yml").write_text(IDLE_PROJECT, encoding="utf-8")
    loader = folder / "nothing"
    loader.write_text("#!/bin/sh\nexec cat > /dev/null\n", encoding="utf-8")
    loader.chmod(0o755)
    words: list[str | Path] = [BIN / "meltano", "run", "tap-nothing", "target-nothing"]
    return Command(words, own_environment())


def all_routes(setting: Setting) -> list[Route]:
    """Those who take part, in the order in which they run."""
    return [
        Meltano(setting, POSTGRES),
        Dlt(setting, POSTGRES),
        Dlt(setting, POSTGRES, is_exact=True),
        Piped(setting, POSTGRES),
        Meltano(setting, POSTGRES, shards=2),
        Piped(setting, POSTGRES, plain=True),
        PyAirbyte(setting),
        Meltano(setting, FILES),
        Piped(setting, FILES),
        Dlt(setting, FILES),
        Piped(setting, FILES, plain=True),
    ]


def _variables(prefix: str, settings: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{prefix}_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.symlink_to(target)
