"""The connection check as a command: `--test`, its words and its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import config_for, run_cli, written

if TYPE_CHECKING:
    from pathlib import Path

    from xstak_sandbox import Sandbox


def test_a_good_connection_is_told_in_words(sandbox: Sandbox, tmp_path: Path) -> None:
    """`--test` exits 0, with a verdict on stderr and nothing on stdout."""
    ended = run_cli("--config", written(tmp_path, "c.json", config_for(sandbox)), "--test")
    assert (ended.returncode, ended.stdout) == (0, "")
    verdict = f"The connection works: {len(sandbox.orders())} orders at 2 locations since "
    assert verdict in ended.stderr.splitlines()[-1]
    assert "Location 1001: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_refused_credentials_are_the_verdict(sandbox: Sandbox, tmp_path: Path) -> None:
    """`--test` exits 3 where no token is given, and asks for no order."""
    config = written(tmp_path, "c.json", config_for(sandbox, client_id="someone"))
    ended = run_cli("--config", config, "--test")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "The connection does not work. The token endpoint refused the cred" in ended.stderr
    assert not sandbox.journal.orders


def test_a_check_takes_settings_from_the_environment(sandbox: Sandbox, tmp_path: Path) -> None:
    """What `--config=ENV` means for a run it means for `--test`."""
    config = written(tmp_path, "c.json", config_for(sandbox))
    environment = {"TAP_XSTAK_OMS_LOCATION_IDS": '["1002"]'}
    ended = run_cli("--config", config, "--config=ENV", "--test", env=environment)
    assert ended.returncode == 0, ended.stderr
    assert {entry.parameter("locationId") for entry in sandbox.journal.orders} == {"1002"}


def test_what_has_no_order_fails_the_check(sandbox: Sandbox, tmp_path: Path) -> None:
    """`--test` exits 1 where a location has nothing anywhere, and its last line names it."""
    config = written(tmp_path, "c.json", config_for(sandbox, location_ids=["1001", "9999"]))
    ended = run_cli("--config", config, "--test")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "No order at location 9999 since 2025-01-01" in ended.stderr.splitlines()[-1]
