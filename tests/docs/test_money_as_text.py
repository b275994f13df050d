"""The stream maps of docs/recipes.md that carry money as text keep each digit."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.support import ROOT, blocks, clock_of, config_for, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

SECTION = "Money as text"
[RECIPE] = blocks("docs/recipes.md", "yaml", under=SECTION)
[OF_A_MEMBER] = re.findall(r"`(\w+: \"str.*?\")`", (ROOT / "docs" / "recipes.md").read_text())
TEXTS = ("12345678901234567890.10", "0.003591234567890123456789", "1.50", "-7", "0")


def settings() -> dict[str, Any]:
    """Both of the section's maps in one configuration."""
    config: dict[str, Any] = yaml.safe_load(RECIPE)["config"]
    config["stream_maps"]["sales_orders"] |= yaml.safe_load(OF_A_MEMBER)
    return config


@pytest.mark.parametrize("nested", ["open", "declared"])
def test_money_as_text_keeps_its_digits(nested: str) -> None:
    """Each number is the text that the API sent, none is null, and the columns are text."""
    orders = [
        f'{{"id": {at}, "grand_total": {text}, "exchange_rate": {text}, '
        f'"customer": {{"paid": {text}}}}}'
        for at, text in enumerate(TEXTS)
    ]
    nothing = (
        f'{{"id": {len(TEXTS)}, "grand_total": null, "exchange_rate": null, "customer": null}}'
    )
    raw = [RawOrder("1001", "pending", order.encode()) for order in (*orders, nothing)]
    with Sandbox(World(locations=["1001"], orders_per_location=0, raw_orders=raw)) as sandbox:
        config = config_for(sandbox, nested_schema=nested, **settings())
        run = run_tap(config, clock=clock_of(sandbox))
    assert run.error is None
    for name in ("grand_total", "exchange_rate", "paid"):
        assert [record[name] for record in run.records] == [*TEXTS, None]
        assert run.schema["schema"]["properties"][name]["type"] == ["string", "null"]
