"""Mistakes of a user of the command: words on stderr, exit code 2, no traceback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support import config_for, run_cli, written

if TYPE_CHECKING:
    from pathlib import Path

    from xstak_sandbox import Sandbox

SECRET = "a-seed-that-no-log-line-holds"
UNUSABLE_STATE = {
    "bookmarks": {
        "sales_orders": {
            "partitions": [
                {
                    "context": {"_location_id": "1001", "_order_status": "pending"},
                    "replication_key": "_synced_at",
                    "replication_key_value": "soon",
                }
            ]
        }
    }
}


@pytest.mark.parametrize("junk", [[1], 5, UNUSABLE_STATE])
def test_a_junk_state_file_ends_in_words(sandbox: Sandbox, tmp_path: Path, junk: object) -> None:
    """On the command line too it is one sentence, exit code 2, and nothing on stdout."""
    config = written(tmp_path, "config.json", config_for(sandbox, infer_schema=False))
    ended = run_cli("--config", config, "--state", written(tmp_path, "state.json", junk))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "The state cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("option", ["--config", "--catalog", "--state"])
@pytest.mark.parametrize("content", [[["page_size", 5]], None, "a folder"])
def test_each_option_ends_in_one_sentence(
    sandbox: Sandbox, tmp_path: Path, option: str, content: object
) -> None:
    """Whichever option names it, behind a good configuration, nothing is read or written."""
    good = written(tmp_path, "good.json", config_for(sandbox))
    odd = tmp_path if content == "a folder" else written(tmp_path, "odd.json", content)
    ended = run_cli("--config", good, option, odd)
    assert (ended.returncode, ended.stdout) == (2, "")
    [sentence] = [line for line in ended.stderr.splitlines() if "INFO" not in line]
    assert f"cannot be used: the file '{odd}'" in sentence
    assert not sandbox.journal.entries()


def test_discovery_and_test_end_in_one_sentence_too(tmp_path: Path) -> None:
    """What reads the configuration only ends as plainly."""
    odd = written(tmp_path, "odd.json", [1])
    for mode in ("--discover", "--test"):
        ended = run_cli("--config", odd, mode)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert len(ended.stderr.splitlines()) == 1
        assert "holds a list, where an object should be" in ended.stderr


def test_settings_of_the_sdk_end_in_words(sandbox: Sandbox, tmp_path: Path) -> None:
    """Beside the mistakes in our own settings, on stderr, without a traceback or a request."""
    maps = {"sales_orders": {"x": "md6(note)"}, "orders": {}}
    odd = config_for(sandbox, page_size=0, stream_maps=maps, stream_map_config=SECRET)
    ended = run_cli("--config", written(tmp_path, "config.json", odd))
    assert (ended.returncode, ended.stdout) == (2, "")
    for words in ("`page_size`", "calls md6", "`stream_maps.orders`", "`stream_map_config`"):
        assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert SECRET not in ended.stderr
    assert not sandbox.journal.entries()


def test_the_command_ends_in_words(sandbox: Sandbox, tmp_path: Path) -> None:
    """Each mistake of a user is told on stderr without a traceback, and the exit code is 2."""
    config = tmp_path / "config.json"
    good = config_for(sandbox)
    for content in (good | {"page_size": 0, "timezone": "Mars/Base"}, {}):
        config.write_text(json.dumps(content))
        for arguments in ([], ["--test"]):
            ended = run_cli("--config", config, *arguments)
            assert ended.returncode == 2
            assert "Traceback" not in ended.stderr
            assert "`" in ended.stderr
            assert ended.stdout == ""


@pytest.mark.parametrize("option", ["--config", "--catalog", "--state"])
def test_a_file_that_is_no_json_is_told(sandbox: Sandbox, tmp_path: Path, option: str) -> None:
    """A broken file is told with the place of the mistake."""
    config, broken = tmp_path / "config.json", tmp_path / "broken.json"
    config.write_text(json.dumps(config_for(sandbox)))
    broken.write_text('{"a": 1,\n "b": }')
    ended = run_cli("--config", config, option, broken)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert "is not JSON: see line 2, column" in ended.stderr


WRONG = {
    "a catalog as the configuration": (
        ["--config", "catalog.json"],
        "'catalog.json' holds a catalog. Give it with --catalog.",
    ),
    "a configuration as the catalog": (
        ["--config", "config.json", "--catalog", "config.json"],
        "'config.json' holds a configuration. Give it with --config.",
    ),
    "a configuration as the state": (
        ["--config", "config.json", "--state", "config.json"],
        "'config.json' holds a configuration. Give it with --config.",
    ),
    "a state as the configuration": (
        ["--config", "state.json"],
        "'state.json' holds a state. Give it with --state.",
    ),
    "no state, as a run leaves that died": (
        ["--config", "config.json", "--state", "empty.json"],
        "'empty.json' is empty. The run before has written no STATE: run again without --state.",
    ),
    "all states": (
        ["--config", "config.json", "--state", "states.jsonl"],
        "'states.jsonl' has several lines. Take the last: tail -1 states.jsonl > last.json.",
    ),
    "a folder": (["--config", "."], "'.' cannot be read (is a directory)."),
}


@pytest.mark.parametrize(("options", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_told_with_what_to_do(
    sandbox: Sandbox, tmp_path: Path, options: list[str], words: str
) -> None:
    """One sentence, the last on stderr, exit code 2, nothing on stdout and no request."""
    config = config_for(sandbox)
    written(tmp_path, "config.json", config)
    written(tmp_path, "catalog.json", {"streams": []})
    state = json.dumps({"type": "STATE", "value": {"bookmarks": {}}})
    (tmp_path / "state.json").write_text(state)
    (tmp_path / "states.jsonl").write_text(f"{state}\n{state}\n")
    (tmp_path / "empty.json").touch()
    ended = run_cli(*options, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.endswith(f"cannot be used: the file {words}")
    assert not sandbox.journal.entries()


def test_a_missing_config_file_is_told() -> None:
    """A path that leads nowhere is told with the path."""
    ended = run_cli("--config", "nowhere.json")
    assert ended.returncode == 2
    assert "nowhere.json" in ended.stderr
    assert "Traceback" not in ended.stderr
