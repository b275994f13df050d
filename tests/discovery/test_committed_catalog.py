"""A catalog that an earlier version of the tap made, and a user committed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.records.columns import EXTRA
from tests.holdings import assert_complete
from tests.support import clock_of, config_for, run_tap

if TYPE_CHECKING:
    from xstak_sandbox import Sandbox

COMMITTED: dict[str, Any] = json.loads(
    Path(__file__).with_name("committed_catalog.json").read_text(encoding="utf-8")
)
"""Made by `--discover` from two locations of the sandbox, before columns went by majority."""


@pytest.mark.parametrize("settings", [{}, {"stream_maps": {"sales_orders": {}}}])
def test_it_goes_on_working(sandbox: Sandbox, settings: dict[str, Any]) -> None:
    """Nothing is sampled; every order comes, each value in its column, by the same key."""
    config = config_for(sandbox, **settings)
    first = run_tap(config, catalog=COMMITTED, clock=clock_of(sandbox))
    assert first.error is None
    assert_complete(first.records, sandbox)
    assert all(record[EXTRA] is None for record in first.records)
    assert first.schema["key_properties"] == ["id"]
    columns = COMMITTED["streams"][0]["schema"]["properties"].keys()
    assert first.schema["schema"]["properties"].keys() == columns
    assert all(record.keys() <= columns for record in first.records)
    assert [entry.parameter("page") for entry in sandbox.journal.orders].count(None) == 4
    second = run_tap(config, catalog=COMMITTED, state=first.state, clock=clock_of(sandbox))
    assert second.error is None
    assert second.bookmarks.keys() == first.bookmarks.keys()
    ids = {record["id"] for record in first.records}
    assert {record["id"] for record in second.records} <= ids
