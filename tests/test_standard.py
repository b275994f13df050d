"""The standard tests of the Singer SDK, against the sandbox."""

from __future__ import annotations

import atexit

import pytest
from singer_sdk.testing import get_tap_test_class

from tap_xstak_oms.tap import TapXstakOMS
from tests.support import config_for
from xstak_sandbox import Sandbox, World

# The SDK makes the tap while tests are collected, before any fixture.
_sandbox = Sandbox(World(locations=("1001", "1002"), orders_per_location=30))
_sandbox.start()
atexit.register(_sandbox.stop)

# `_extra` is null in all orders where each has its columns, of which the SDK warns.
TestTapXstakOMS = pytest.mark.filterwarnings("ignore:No records were available to test")(
    get_tap_test_class(TapXstakOMS, config=config_for(_sandbox))
)
TestTapXstakOMSWithoutInference = get_tap_test_class(
    TapXstakOMS, config=config_for(_sandbox, infer_schema=False)
)
