"""Fixtures that many tests use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from xstak_sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes says more of the machine than of the code.
settings.register_profile("tests", deadline=None, print_blob=True)
settings.load_profile("tests")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting or proxy of this machine takes part."""
    for name in list(os.environ):
        if name.startswith(("TAP_XSTAK_OMS_", "MELTANO_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A local XStak of two locations, each with a few pages of orders in each status."""
    with Sandbox(World(locations=("1001", "1002"), orders_per_location=60)) as running:
        yield running
