"""The environment variables that would make a test depend on whoever runs it."""

from __future__ import annotations

SETTINGS = ("TAP_XSTAK_OMS_", "TARGET_", "MELTANO_")


def is_of_this_machine(variable: str) -> bool:
    """Whether an environment variable is a setting or a proxy."""
    return variable.startswith(SETTINGS) or variable.lower().endswith("_proxy")
