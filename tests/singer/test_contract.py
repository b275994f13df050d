"""What the tap relies on in the SDK: an upgrade that breaks it fails here, by name."""

from __future__ import annotations

import inspect

import pytest

from tap_xstak_oms.cli import Command
from tap_xstak_oms.singer.contract import CONTRACT, Member, breaches
from tap_xstak_oms.singer.maps import WordedMap
from tap_xstak_oms.singer.state import PartitionStates
from tap_xstak_oms.singer.writer import LineWriter
from tap_xstak_oms.streams import SalesOrdersStream
from tap_xstak_oms.tap import TapXstakOMS

OURS = (TapXstakOMS, Command, SalesOrdersStream, PartitionStates, WordedMap, LineWriter)
MEANT_TO_BE_OVERRIDDEN = {
    "name",
    "package_name",
    "config_jsonschema",
    "capabilities",
    "replication_key",
    "partitions",
    "get_records",
    "get_replication_key_signpost",
    "get_sync_timer",
    "discover_streams",
    "cli",
    "__init__",
    "__doc__",
    "__module__",
    "__abstractmethods__",
    "__annotations__",
    "_abc_impl",
    "__parameters__",
    "__orig_bases__",
    "__firstlineno__",
    "__static_attributes__",
    "__annotate_func__",
    "__annotations_cache__",
}
"""What the SDK documents for it, and what every class has of its own."""


def test_the_installed_sdk_keeps_the_contract() -> None:
    """Every member is there, under its name and with its parameters."""
    assert list(breaches()) == []


@pytest.mark.parametrize("member", CONTRACT, ids=str)
def test_a_renamed_member_is_named(member: Member) -> None:
    """An SDK that lacks a member breaks the contract by that name, and the reason is told."""
    renamed = member._replace(name=f"{member.name}_renamed")
    [text] = breaches([renamed])
    assert text.startswith(f"{member}_renamed is gone: ")
    assert member.reason in text


def test_other_parameters_are_told() -> None:
    """A member that takes something else is a breach as well."""
    other = CONTRACT[0]._replace(parameters=("self", "something"))
    [text] = breaches([other])
    assert text.startswith(f"{other} takes ('self', 'state') instead of ('self', 'something')")


@pytest.mark.parametrize("ours", OURS, ids=lambda ours: ours.__name__)
def test_what_is_overridden_is_in_the_contract(ours: type) -> None:
    """No class of ours replaces a member of the SDK that neither it nor the list expects."""
    bases = [base for base in inspect.getmro(ours) if base.__module__.startswith("singer_sdk")]
    overridden = {name for name in vars(ours) if any(name in vars(base) for base in bases)}
    assert overridden - MEANT_TO_BE_OVERRIDDEN <= {member.name for member in CONTRACT}
