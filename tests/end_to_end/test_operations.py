"""Whatever ends a run, docs/operations.md explains its last line, and tells its exit code."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.test_operations import section
from tests.support import EXECUTABLE, blocks, config_for, discovered, run_cli, written
from xstak_sandbox import Fault, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from xstak_sandbox import Sandbox

PAGE = "docs/operations.md"
OUTAGE = {"api_url": "http://127.0.0.1:9/oe/v2", "max_tries": 1}
ENDS: dict[str, tuple[dict[str, Any], int]] = {
    "a good run": ({}, 0),
    "a location that is refused": ({"location_ids": ["1001", "1002"]}, 1),
    "a wrong setting": ({"timezone": "Mars"}, 2),
    "wrong credentials": ({"client_secret": "wrong"}, 3),
    "an outage": (OUTAGE, 4),
}


def explained() -> list[re.Pattern[str]]:
    """The last lines that the page explains."""
    cells = re.findall(r"^\| (.*?) \| ", section("By the last line"), re.MULTILINE)[1:]
    texts = [cell.strip("`") for cell in cells if "`` `" not in cell]
    dotted = [".*".join(re.escape(part.strip()) for part in text.split("...")) for text in texts]
    # A wrong setting: the sentence begins with its name.
    return [re.compile(pattern) for pattern in [*dotted, r"\| `\w+` "]]


@pytest.mark.parametrize("end", ENDS)
def test_the_last_line_is_explained(sandbox: Sandbox, tmp_path: Path, end: str) -> None:
    """The last line on stderr is one of the table, and the exit code is that of its kind."""
    changes, code = ENDS[end]
    config = written(tmp_path, "config.json", config_for(sandbox, **changes))
    catalog = written(tmp_path, "catalog.json", discovered(config_for(sandbox)))
    if end == "a location that is refused":
        sandbox.add_fault(Fault(Kind.STATUS, code=403, location="1002", every=1))
    ended = run_cli("--config", config, "--catalog", catalog)
    assert ended.returncode == code
    last = ended.stderr.strip().splitlines()[-1]
    assert any(pattern.search(last) for pattern in explained()), last


def test_json_logs_are_as_the_page_shows(sandbox: Sandbox, tmp_path: Path) -> None:
    """The page's logging.yaml and command give a line of JSON each, the total last."""
    config = config_for(sandbox)
    written(tmp_path, "config.json", config)
    written(tmp_path, "catalog.json", discovered(config))
    (tmp_path / "logging.yaml").write_text(blocks(PAGE, "yaml", under="The log")[0])
    [_, command] = "".join(blocks(PAGE, "console", under="The log")).splitlines()
    ended = subprocess.run(
        ["sh", "-ec", command.removeprefix("$ ").replace("tap-xstak-oms", str(EXECUTABLE), 1)],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert lines[-1]["extra"]["orders"] == len(sandbox.orders())


def test_json_logs_have_the_request_to_quote(sandbox: Sandbox, tmp_path: Path) -> None:
    """What the page says to quote to XStak is in the last line of a run that could not begin."""
    config = written(tmp_path, "config.json", config_for(sandbox, client_secret="wrong"))
    (tmp_path / "logging.yaml").write_text(blocks(PAGE, "yaml", under="The log")[0])
    logs = {"SINGER_SDK_LOG_CONFIG": str(tmp_path / "logging.yaml")}
    for number, options in enumerate([[], ["--discover"], ["--test"]], start=1):
        ended = run_cli("--config", config, *options, env=logs)
        last = json.loads(ended.stderr.splitlines()[-1])
        assert last["extra"]["request_id"] == f"req-{number}"
        assert f"(request ID req-{number})" in last["message"]


def test_the_units_of_systemd_run_what_cron_runs() -> None:
    """Both start the pipeline that this project's tests run, in the project's folder."""
    [cron] = blocks(PAGE, "cron")
    service, timer = blocks(PAGE, "ini")
    start = re.search(r"^ExecStart=/path/to/project/(.*)$", service, re.MULTILINE)
    assert start
    assert f"cd /path/to/project && {start[1]} >>" in cron
    assert start[1].endswith(" run tap-xstak-oms target-postgres")
    assert "WorkingDirectory=/path/to/project\n" in service
    assert "OnCalendar=hourly" in timer
    assert cron.startswith("0 * * * * ")
