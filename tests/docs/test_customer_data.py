"""The stream maps of docs/recipes.md keep customer data in, in an order of any shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.support import blocks, config_for, discovered, run_tap
from xstak_sandbox import RawOrder, Sandbox, World

PAGE, RECIPE = "docs/recipes.md", "Customer data"
ALLOWED, DENIED = (
    yaml.safe_load(text)["config"]["stream_maps"] for text in blocks(PAGE, "yaml", under=RECIPE)
)
[_, SEED] = blocks(PAGE, "shell", under=RECIPE)[0].strip().split("=", 1)
MAPS = pytest.mark.parametrize("maps", [ALLOWED, DENIED], ids=["allowed", "denied"])
PERSONAL = ("Test Customer", "@example.com", "+92-300", "Street", "call before")


def config(sandbox: Sandbox, maps: dict[str, Any]) -> dict[str, Any]:
    """The settings with a recipe, and the seed as the environment has it."""
    return config_for(sandbox, stream_maps=maps, stream_map_config=json.loads(SEED.strip("'")))


@MAPS
@pytest.mark.parametrize("is_misfit", [False, True])
def test_no_customer_s_data_comes_out(
    sandbox: Sandbox, maps: dict[str, Any], *, is_misfit: bool
) -> None:
    """Neither from its column nor as a misfit; the hash tells customers apart."""
    given = config(sandbox, maps)
    catalog = discovered(given)
    if is_misfit:
        properties = catalog["streams"][0]["schema"]["properties"]
        properties["customer"] = properties["billing_address"] = {"type": ["integer", "null"]}
    run = run_tap(given, catalog=catalog)
    assert run.error is None
    assert len(run.records) == len(sandbox.orders())
    keys = {record["customer_key"] for record in run.records}
    assert all(len(key or "-" * 64) == 64 for key in keys)
    assert (keys == {None}) == is_misfit
    assert not [text for text in PERSONAL if text in json.dumps(run.records, default=str)]


@MAPS
def test_any_order_is_taken(maps: dict[str, Any]) -> None:
    """Orders without a customer, with an empty one or with a text in its place are mapped too."""
    odd = (
        b'{"id":7}',
        b'{"id":8,"customer":null}',
        b'{"id":9,"customer":{}}',
        b'{"id":10,"customer":"x"}',
    )
    raw = [RawOrder("1001", "pending", order) for order in odd]
    with Sandbox(World(orders_per_location=20)) as early:
        catalog = discovered(config(early, maps))
    with Sandbox(World(orders_per_location=20, raw_orders=raw)) as sandbox:
        run = run_tap(config(sandbox, maps), catalog=catalog)
    assert run.error is None
    assert len(run.records) == 40 + len(odd)


def test_what_is_allowed_stops_what_is_new() -> None:
    """A field that XStak adds after the catalog was made comes out of the second recipe at most."""
    with Sandbox(World(orders_per_location=5)) as early:
        catalog = discovered(config(early, ALLOWED))
    raw = [RawOrder("1001", "pending", b'{"id":7,"cnic":"35202-0000000-0"}')]
    with Sandbox(World(orders_per_location=5, raw_orders=raw)) as sandbox:
        catalog["streams"][0]["schema"]["properties"]["cnic"] = {"type": ["string", "null"]}
        allowed = run_tap(config(sandbox, ALLOWED), catalog=catalog)
        denied = run_tap(config(sandbox, DENIED), catalog=catalog)
    assert not any("cnic" in record for record in allowed.records)
    assert any(record.get("cnic") for record in denied.records)


def test_the_seed_is_in_no_file_to_commit() -> None:
    """Neither recipe holds it; it comes from the environment, by the setting's variable."""
    assert "hash_seed: " not in "".join(blocks(PAGE, "yaml", under=RECIPE))
    assert blocks(PAGE, "shell", under=RECIPE)[0].startswith("TAP_XSTAK_OMS_STREAM_MAP_CONFIG='{")
