"""No secret and no customer in anything that the command says, whatever goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.account import KINDS, LOCATIONS, SECRET, Account, account, in_either_place
from tests.support import run_cli, written
from xstak_sandbox import Fault, Kind

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = {
    "streams": [
        {
            "tap_stream_id": "sales_orders",
            "key_properties": ["id"],
            "schema": {
                "properties": {
                    "id": {"type": "integer"},
                    "customer": {"type": ["object", "null"]},
                    "is_gift": {"type": ["boolean", "null"]},
                },
            },
        },
    ],
}
DEBUG = {"TAP_XSTAK_OMS_LOGLEVEL": "DEBUG"}


def states(stdout: str) -> str:
    """The STATE messages of some output."""
    return "\n".join(line for line in stdout.splitlines() if '"type":"STATE"' in line)


def debugged(own: Account, folder: Path, *arguments: str | Path) -> str:
    """What the command that fails tells at debug level, which holds none of these."""
    config = written(folder, "config.json", own.config)
    ended = run_cli("--config", config, *arguments, env=DEBUG)
    own.assert_keeps(ended.stderr, states(ended.stdout))
    assert ended.returncode in {1, 2, 3, 4}
    assert "Traceback" not in ended.stderr
    return ended.stderr


@in_either_place
def test_no_failure_of_a_partition_tells_them(place: Any, tmp_path: Path) -> None:
    """Each kind of fault in a partition of its own."""
    partitions = [(name, status) for name in LOCATIONS for status in ("pending", "completed")]
    faults = [
        Fault(kind, every=1, location=location, order_status=status)
        for kind, (location, status) in zip(KINDS, partitions, strict=False)
    ]
    with account(place, faults, max_tries=2, max_concurrent_requests=64) as own:
        catalog = written(tmp_path, "catalog.json", CATALOG)
        said = debugged(own, tmp_path, "--catalog", catalog)
        assert not own.sandbox.unmet_faults()
    assert f"of {len(partitions) + 2} partitions failed" in said
    assert "Try 1 of 2" in said
    assert "an order is not a JSON object" in said
    assert "an order has no usable id" in said
    assert "strange" in said
    assert "DEBUG" in said


@in_either_place
def test_no_discovery_that_fails_tells_them(place: Any, tmp_path: Path) -> None:
    """Every page is cut off in the middle of an order."""
    cut_off = Fault(Kind.TRUNCATED_JSON, every=1)
    # More workers than partitions: no outage ends it before the first of them is told.
    with account(place, [cut_off], max_tries=1, max_concurrent_requests=32) as own:
        assert "Not sampled" in debugged(own, tmp_path, "--discover")


@in_either_place
def test_no_refusal_of_the_credentials_tells_them(place: Any, tmp_path: Path) -> None:
    """The secret is refused."""
    with account(place, [Fault(Kind.STATUS, code=401, on="token", every=1)]) as own:
        assert "refused the credentials" in debugged(own, tmp_path)


@in_either_place
def test_no_configuration_that_is_refused_tells_them(place: Any, tmp_path: Path) -> None:
    """Settings are wrong, the type of the secret too, and it stands where it should not."""
    for secret in (SECRET, [SECRET], {"is": SECRET}):
        with account(place, client_secret=secret, secret=SECRET, timezone="Mars") as own:
            assert "`timezone`" in debugged(own, tmp_path)


def test_no_stream_map_that_fails_tells_them(tmp_path: Path) -> None:
    """An expression fails on an order's value, which is told in words without the value."""
    maps = {"sales_orders": {"points": "int(customer['name'])"}}
    with account("body", stream_maps=maps) as own:
        assert "`stream_maps`" in debugged(own, tmp_path)
