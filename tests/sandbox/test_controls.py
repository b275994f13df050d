"""The controls of the sandbox over HTTP, and its options."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import requests

import xstak_sandbox
from tests.sandbox.client import LONG_AGO, TIMEOUT, Client, control
from xstak_sandbox import Fault, Kind, Quirks
from xstak_sandbox.options import OptionError, build


def test_time_is_moved_over_http(client: Client) -> None:
    """`advance` moves the world, and `health` tells its time."""
    start = client.sandbox.world.start
    url = client.sandbox.url
    assert control(url, "health") == {"status": "ok", "now": start.isoformat()}
    moved = control(url, "advance", json={"hours": 26, "minutes": 0.5})
    assert moved["now"] == "2026-01-16T14:00:30+05:00" == client.sandbox.clock.now().isoformat()


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"weeks": 1}', '{"hours": "1"}', '{"hours": -1}']
)
def test_time_is_not_moved_by_nonsense(client: Client, body: str) -> None:
    """What is no span of time is refused with a sentence, and nothing moves."""
    answer = requests.post(f"{client.sandbox.url}/_sandbox/advance", data=body, timeout=TIMEOUT)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert client.sandbox.clock.now() == client.sandbox.world.start


def test_the_summary_counts_what_the_api_would_give(client: Client) -> None:
    """Per location and status, as of now and from a start date, filtered as the API filters."""
    since = "2026-01-05T00:00:00+05:00"
    for start in (LONG_AGO, since):
        answer = requests.get(
            f"{client.sandbox.url}/_sandbox/summary", params={"start": start}, timeout=TIMEOUT
        ).json()
        for row in answer["orders"]:
            page = client.page(
                locationId=row["location"], order_status=row["status"], start_date=start
            )
            assert page["page"]["totalElements"] == row["orders"]
        assert answer["total"] == sum(row["orders"] for row in answer["orders"])
    bad = f"{client.sandbox.url}/_sandbox/summary?start=2026-01-05"
    assert requests.get(bad, timeout=TIMEOUT).status_code == 400


def test_the_journal_is_read_and_cleared_over_http(client: Client) -> None:
    """The journal as JSON, without the requests that read it."""
    client.get()
    url = f"{client.sandbox.url}/_sandbox/journal"
    journal = requests.get(url, timeout=TIMEOUT).json()
    assert [entry["endpoint"] for entry in journal["entries"]] == ["token", "orders"]
    assert journal["entries"][0]["json"] == client.credentials()
    assert journal["max_in_flight"] == 1
    assert requests.delete(url, timeout=TIMEOUT).status_code == 204
    assert requests.get(url, timeout=TIMEOUT).json()["entries"] == []


def test_options_are_read_by_the_types_of_the_fields() -> None:
    """Truth values, numbers, choices, several strings and what may be absent."""
    assert build(Quirks, ["ignores_page=true", "grant_type_keys=a|b c", "fixed_page_size=7"]) == (
        Quirks(ignores_page=True, grant_type_keys=("a", "b c"), fixed_page_size=7)
    )
    fault = build(Fault, ["kind=hang", "seconds=0.5", "every=3", "order_status=completed"])
    assert fault == Fault(Kind.HANG, seconds=0.5, every=3, order_status="completed")
    with pytest.raises(OptionError, match="kind"):
        build(Fault, ["code=500"])


def test_the_sandbox_knows_nothing_of_the_tap() -> None:
    """Its modules import the standard library, Starlette, Uvicorn and each other only."""
    allowed = {*sys.stdlib_module_names, "_typeshed", "starlette", "uvicorn", "xstak_sandbox"}
    folder = Path(xstak_sandbox.__file__).parent
    imported = {
        name.split(".")[0]
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _imports(node)
    }
    assert imported <= allowed


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []
