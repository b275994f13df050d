"""A Meltano project of one's own, from nothing to a full refresh, with each supported Meltano."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.environment import is_of_this_machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xstak_sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ meltano (.*)$", README, re.MULTILINE)
ADD, FROM_CHECKOUT, SELECT, INSTALL, TEST, DISCOVER, GIVE_CATALOG, RUN = COMMANDS
MELTANOS = {
    "3.9": Path(sys.executable).with_name("meltano"),
    # The project's own: `./run test-doors` puts its environment on the path.
    "4": Path(shutil.which("meltano") or "meltano"),
}
PROJECT = """
default_environment: dev
environments:
- name: dev
plugins:
  loaders:
  - name: target-jsonl
    namespace: target_jsonl
    pip_url: target-jsonl==0.1.4
    executable: target-jsonl
    config:
      destination_path: output
      do_timestamp_file: false
"""
START_DATE = "2025-01-01T00:00:00+05:00"
LOOK_BACK = "2025-12-16T12:00:00+05:00"
"""Thirty days before the sandbox's time at the first run."""


@dataclass(frozen=True)
class Meltano:
    """A Meltano, and a project in which it runs.

    Attributes:
        version: Its major version, and the minor one of an older.
        folder: The project's.
        settings: The environment variables that configure the tap.
    """

    version: str
    folder: Path
    settings: Mapping[str, str]

    def __call__(self, command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the README, which are those of Meltano 4."""
        command = command.replace("/path/to/this/checkout", str(ROOT))
        command = command.replace("target-postgres", "target-jsonl").partition(" > ")[0]
        if self.version == "3.9":
            # What the README says of it.
            command = re.sub(r"^config (\w+) tap-xstak-oms", r"config tap-xstak-oms \1", command)
        kept = {name: value for name, value in os.environ.items() if not is_of_this_machine(name)}
        quiet = {"MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1"}
        return subprocess.run(
            [MELTANOS[self.version], *shlex.split(command)],
            cwd=self.folder,
            env={**kept, **quiet, **self.settings, **settings},
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def succeed(self, command: str) -> str:
        """Run a command to its good end; returns what it writes to stdout."""
        ended = self(command)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


def settings_for(sandbox: Sandbox) -> dict[str, str]:
    """What reads everything of a sandbox, as environment variables."""
    return {
        "TAP_XSTAK_OMS_CLIENT_ID": "demo-client",
        "TAP_XSTAK_OMS_CLIENT_SECRET": "demo-secret",
        "TAP_XSTAK_OMS_COMPANY_CODE": "demo-company",
        "TAP_XSTAK_OMS_LOCATION_IDS": json.dumps(sandbox.world.locations),
        "TAP_XSTAK_OMS_START_DATE": START_DATE,
        "TAP_XSTAK_OMS_AUTH_URL": sandbox.token_url,
        "TAP_XSTAK_OMS_API_URL": f"{sandbox.url}/oe/v2",
    }


def starts(sandbox: Sandbox) -> set[str | None]:
    """From when orders were asked for since the last time."""
    found = {entry.parameter("start_date") for entry in sandbox.journal.orders}
    sandbox.journal.clear()
    return found


@pytest.mark.parametrize("version", MELTANOS)
def test_a_project_of_one_s_own_works(version: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """The README's commands add, install, check, discover and load; later runs resume."""
    (tmp_path / "meltano.yml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "output").mkdir()
    meltano = Meltano(version, tmp_path, settings_for(sandbox))
    assert f"version {version}" in meltano.succeed("--version")
    for command in (ADD, FROM_CHECKOUT, SELECT, INSTALL):
        meltano.succeed(command)
    assert "TAP_XSTAK_OMS_COMPANY_CODE" in meltano.succeed("config list tap-xstak-oms")
    assert "valid" in meltano.succeed(TEST)
    refused = meltano(TEST, TAP_XSTAK_OMS_CLIENT_SECRET="mistyped")
    assert refused.returncode != 0
    assert "refused the credentials" in " ".join(refused.stderr.split())
    assert "`client_secret`" in refused.stderr

    # With a catalog of its own Meltano lists what that names as selected, and no more.
    assert "sales_orders.grand_total" in meltano.succeed("select --list tap-xstak-oms")
    catalog = meltano.succeed(DISCOVER)
    assert len(json.loads(catalog)["streams"]) == 2
    (tmp_path / "catalog.json").write_text(catalog, encoding="utf-8")
    meltano.succeed(GIVE_CATALOG)

    starts(sandbox)
    meltano.succeed(RUN)
    lines = (tmp_path / "output" / "sales_orders.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["id"] for line in lines} == {order.id for order in sandbox.orders()}
    assert starts(sandbox) == {START_DATE}
    sandbox.clock.advance(timedelta(days=2))
    meltano.succeed(RUN)
    assert starts(sandbox) == {LOOK_BACK}
    state = json.loads(meltano.succeed("state get dev:tap-xstak-oms-to-target-jsonl"))
    assert len(state["singer_state"]["bookmarks"]["sales_orders"]["partitions"]) == 4
    meltano.succeed("run --full-refresh tap-xstak-oms target-jsonl")
    assert starts(sandbox) == {START_DATE}
