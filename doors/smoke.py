"""What both programs of the wheel have to do in any environment: start, discover, check, read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from doors.environments import DoorError, attempt, call
from tests.support import config_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xstak_sandbox import Sandbox

STREAM = "sales_orders"
TAP, SOURCE = "tap-xstak-oms", "source-xstak-oms"


def start(programs: Path, version: str) -> None:
    """Both programs answer without a configuration, and name the version that was built."""
    said = call(programs / TAP, "--version")
    _expect(said.startswith(f"{TAP} v{version}"), f"{TAP} --version said {said!r}")
    about = json.loads(call(programs / TAP, "--about", "--format=json"))
    _expect(about["name"] == TAP, f"{TAP} --about named {about['name']}")
    streams = json.loads(call(programs / TAP, "--discover"))["streams"]
    names = [stream["tap_stream_id"] for stream in streams]
    _expect(STREAM in names, f"{TAP} --discover told of {names}")
    [spec] = _messages(call(programs / SOURCE, "spec"))
    _expect(spec["type"] == "SPEC", f"{SOURCE} spec said {spec}")


def read(programs: Path, sandbox: Sandbox, folder: Path) -> None:
    """The tap discovers columns and reads each order; the next read resumes from its state."""
    config = _written(folder, "config", config_for(sandbox))
    call(programs / TAP, f"--config={config}", "--test")
    catalog = folder / "catalog.json"
    catalog.write_text(call(programs / TAP, f"--config={config}", "--discover"), "utf-8")
    first = _clean(programs / TAP, f"--config={config}", f"--catalog={catalog}")
    read = sum(message["type"] == "RECORD" and message["stream"] == STREAM for message in first)
    _expect(read == len(sandbox.orders()), f"{read} of {len(sandbox.orders())} orders came")
    states = [message["value"] for message in first if message["type"] == "STATE"]
    state = _written(folder, "state", states[-1])
    sandbox.journal.clear()
    _clean(programs / TAP, f"--config={config}", f"--catalog={catalog}", f"--state={state}")
    starts = {entry.parameter("start_date") for entry in sandbox.journal.orders}
    _expect(
        starts.isdisjoint({config_for(sandbox)["start_date"]}),
        f"The second read asked for orders since {starts}",
    )


def read_as_airbyte(programs: Path, sandbox: Sandbox, folder: Path) -> None:
    """The source checks, discovers and reads each order."""
    source = programs / SOURCE
    config = _written(folder, "airbyte_config", config_for(sandbox))
    statuses = [
        message["connectionStatus"]
        for message in _clean(source, "check", f"--config={config}")
        if message["type"] == "CONNECTION_STATUS"
    ]
    _expect([status["status"] for status in statuses] == ["SUCCEEDED"], f"check: {statuses}")
    found = _clean(source, "discover", f"--config={config}")
    [catalogs] = [message["catalog"] for message in found if message["type"] == "CATALOG"]
    [stream] = [stream for stream in catalogs["streams"] if stream["name"] == STREAM]
    chosen = {"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append"}
    catalog = _written(folder, "configured", {"streams": [chosen]})
    messages = _clean(source, "read", f"--config={config}", f"--catalog={catalog}")
    read = sum(message["type"] == "RECORD" for message in messages)
    _expect(read == len(sandbox.orders()), f"{read} of {len(sandbox.orders())} orders came")


def _clean(*command: str | Path) -> list[dict[str, Any]]:
    """The messages of a command that succeeds without a traceback or a warning of Python's."""
    ended = attempt(*command)
    bad = ended.returncode or "Traceback" in ended.stderr or "Warning:" in ended.stderr
    _expect(not bad, f"{' '.join(map(str, command))}\n{ended.stderr}")
    return list(_messages(ended.stdout))


def _messages(text: str) -> Iterator[dict[str, Any]]:
    yield from (json.loads(line) for line in text.splitlines())


def _written(folder: Path, name: str, content: object) -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


def _expect(good: bool, complaint: str) -> None:  # noqa: FBT001 - the verdict itself
    if not good:
        raise DoorError(complaint)
