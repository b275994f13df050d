"""Those who run: the tap by its two exits, a plain tap, a bare script."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.process import ROOT, environment

if TYPE_CHECKING:
    from benchmarks.server import Server

TAP = str(Path(sys.executable).with_name("tap-xstak-oms"))
IN_FLIGHT = 16
OWN_COLUMNS = ("_location_id", "_order_status", "_synced_at", "_extra")

DIRECT = "ours"
SDK_EXIT = "ours, through the SDK"
BARE = "bare script"
PLAIN = "plain SDK tap"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program with all it needs.

    Attributes:
        name: Of it.
        command: What starts it.
        orders: How many it will write.
    """

    name: str
    command: list[str]
    orders: int


def direct(server: Server, folder: Path, **settings: object) -> Contestant:
    """Our tap, as a pipeline runs it: with a catalog."""
    wanted: dict[str, object] = {"max_concurrent_requests": IN_FLIGHT, **settings}
    config = write(folder / "direct.json", server.config(None, **wanted))
    catalog = write(folder / "catalog.json", discovered(config))
    command = [TAP, "--config", config, "--catalog", catalog]
    return Contestant(DIRECT, command, server.orders())


def all_contestants(server: Server, folder: Path, plain_locations: int) -> list[Contestant]:
    """All four; the plain tap reads some of the locations only, for its time."""
    ours = direct(server, folder)
    catalog = json.loads(Path(ours.command[-1]).read_text(encoding="utf-8"))
    # A stream map that maps nothing makes every record pass through the SDK.
    mapped = server.config(max_concurrent_requests=IN_FLIGHT, stream_maps={"sales_orders": {}})
    through_sdk = [TAP, "--config", write(folder / "mapped.json", mapped), *ours.command[3:]]
    some = write(folder / "some.json", server.config(plain_locations))
    columns = write(folder / "plain.json", plain_catalog(catalog))
    plain = ["benchmarks.plain_tap", "--config", some, "--catalog", columns]
    return [
        ours,
        Contestant(SDK_EXIT, through_sdk, server.orders()),
        Contestant(BARE, [*module(), "benchmarks.bare_script", ours.command[2]], server.orders()),
        Contestant(PLAIN, [*module(), *plain], server.orders(plain_locations)),
    ]


def module() -> list[str]:
    """What runs a module."""
    return [sys.executable, "-m"]


def discovered(config: str) -> dict[str, Any]:
    """The catalog that discovery finds with a file of settings."""
    discovery = subprocess.run(
        [TAP, "--config", config, "--discover"],
        cwd=ROOT,
        env=environment(),
        check=True,
        capture_output=True,
    )
    catalog: dict[str, Any] = json.loads(discovery.stdout)
    return catalog


def plain_catalog(catalog: dict[str, Any]) -> dict[str, Any]:
    """The orders' columns without our own, and a bookmark of the orders."""
    [stream] = [one for one in catalog["streams"] if one["tap_stream_id"] == "sales_orders"]
    for name in OWN_COLUMNS:
        del stream["schema"]["properties"][name]
    stream["replication_key"] = "updated_at"
    stream["metadata"] = [
        entry for entry in stream["metadata"] if entry["breadcrumb"][1:] not in _own_crumbs()
    ]
    for entry in stream["metadata"]:
        if not entry["breadcrumb"]:
            entry["metadata"]["replication-key"] = "updated_at"
            entry["metadata"]["valid-replication-keys"] = ["updated_at"]
    return {"streams": [stream]}


def _own_crumbs() -> list[list[str]]:
    return [[name] for name in OWN_COLUMNS]


def write(path: Path, content: dict[str, Any]) -> str:
    """Write a JSON file; returns its path."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)
