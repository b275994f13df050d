"""The standard tests that Airbyte's CDK ships for its sources, run against ours.

The suite runs a connector within its own process, as a class of the CDK; ours is a program, so it
is run as one. What the suite asks of an image stays out: it builds one with docker, from the folder
of a connector in Airbyte's own repository.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airbyte_cdk.test import entrypoint_wrapper
from airbyte_cdk.test.standard_tests import (
    ConnectorTestScenario,
    SourceTestSuiteBase,
)
from airbyte_cdk.test.standard_tests.docker_base import DockerConnectorTestSuite

if TYPE_CHECKING:
    import logging

    from xstak_sandbox import Sandbox

EXECUTABLE = Path(shutil.which("source-xstak-oms") or "source-xstak-oms")
"""The project's own: `./run test-doors` puts its environment on the path."""


class Program:
    """The connector, as an object with the method that the suite needs."""

    def spec(self, logger: logging.Logger) -> None:
        """Not called: the program is."""


def run_program(
    source: Program,  # noqa: ARG001 - as the suite calls it
    args: list[str],
    **_: Any,
) -> entrypoint_wrapper.EntrypointOutput:
    """Run a command of the source, in the place of the suite's own way to do so."""
    ended = subprocess.run(
        [EXECUTABLE, *args], check=False, capture_output=True, text=True, timeout=120
    )
    return entrypoint_wrapper.EntrypointOutput(ended.stdout.splitlines(), stderr=ended.stderr)


@pytest.mark.filterwarnings("error::airbyte_cdk.test.standard_tests.DiscoveredCatalogWarning")
class TestStandard(SourceTestSuiteBase):  # type: ignore[misc] # only the door has the CDK
    """Each test of the suite, for each configuration below."""

    @classmethod
    def get_connector_root_dir(cls) -> Path:
        """A folder whose name the suite takes for the connector's, in what it says."""
        return Path("source-xstak-oms")

    @classmethod
    def create_connector(cls, scenario: ConnectorTestScenario | None) -> Program:
        """What the suite asks to run its commands."""
        del scenario
        return Program()

    @pytest.fixture(autouse=True)
    def as_a_program(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the suite run the program."""
        monkeypatch.setattr(entrypoint_wrapper, "_run_command", run_program)

    @pytest.fixture(params=["open", "declared", "without columns", "refused"])
    def scenario(
        self, request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path
    ) -> ConnectorTestScenario:
        """A configuration, and whether its commands are to succeed."""
        changes: dict[str, Any] = {
            "open": {"nested_schema": "open"},
            "declared": {"nested_schema": "declared"},
            "without columns": {"infer_schema": False},
            "refused": {"client_secret": "mistyped-secret-1"},
        }
        config = sandbox.config("2025-01-01T00:00:00+05:00")
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config | changes[request.param]), encoding="utf-8")
        status = "failed" if request.param == "refused" else "succeed"
        return ConnectorTestScenario(config_path=path, status=status)


for name in vars(DockerConnectorTestSuite):
    if name.startswith("test_"):
        setattr(TestStandard, name, None)
