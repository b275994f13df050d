"""Real Meltano commands against a sandbox: in this checkout, or in a project of a test's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.environment import is_of_this_machine
from tests.support import CLIENT_SECRET, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.end_to_end.postgresql import Postgres

MELTANO = Path(sys.executable).with_name("meltano")


def run_meltano(
    *arguments: str,
    folder: Path,
    settings: Mapping[str, str],
    project: Path = ROOT,
) -> subprocess.CompletedProcess[str]:
    """Run a command; no secret is on its output.

    Args:
        arguments: What follows `meltano`.
        folder: Where Meltano keeps plugins and state: not in the checkout.
        settings: The environment variables that configure plugins.
        project: Where `meltano.yml` is.
    """
    kept = {name: value for name, value in os.environ.items() if not is_of_this_machine(name)}
    ended = subprocess.run(
        [MELTANO, *arguments],
        cwd=project,
        env={**kept, "MELTANO_SYS_DIR_ROOT": str(folder), **settings},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    output = ended.stdout + ended.stderr
    secrets = [CLIENT_SECRET, *(text for name, text in settings.items() if "PASSWORD" in name)]
    assert not [secret for secret in secrets if secret in output]
    return ended


def tap_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """A configuration of the tap as environment variables."""
    return {
        f"TAP_XSTAK_OMS_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in config.items()
    }


def postgres_settings(server: Postgres) -> dict[str, str]:
    """What lets target-postgres load into a server, as environment variables."""
    return {
        "TARGET_POSTGRES_HOST": "127.0.0.1",
        "TARGET_POSTGRES_PORT": str(server.port),
        "TARGET_POSTGRES_USER": server.user,
        "TARGET_POSTGRES_PASSWORD": server.password,
        "TARGET_POSTGRES_DATABASE": server.database,
    }
