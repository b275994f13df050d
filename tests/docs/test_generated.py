"""The generated parts of README, docs and meltano.yml follow what they are made of."""

from __future__ import annotations

import pytest

from docs.generate import BLOCKS, generated
from docs.settings_lists import GROUPS
from tap_xstak_oms.tap import TapXstakOMS
from tests.support import ROOT


@pytest.mark.parametrize("name", list(BLOCKS))
def test_what_is_generated_is_up_to_date(name: str) -> None:
    """Each file says what its generators say today (`./run generate`)."""
    assert generated(name) == (ROOT / name).read_text(encoding="utf-8")


def test_each_setting_is_in_one_group() -> None:
    """docs/settings.md shows every setting once, the SDK's included."""
    shown = [name for names in GROUPS.values() for name in names]
    assert sorted(shown) == sorted(TapXstakOMS.setting_names())
