"""Drop some of the SDK's log lines on the tap's loggers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import singer_sdk

if TYPE_CHECKING:
    from collections.abc import Iterable

_SDK = str(Path(singer_sdk.__file__).parent)
_TOLD_BY_THE_TAP = (logging.INFO, logging.ERROR)


def quieten_sdk(tap: str, streams: Iterable[str]) -> None:
    """Drop the lines that repeat what the tap logs itself: what is done, and what failed."""
    for name in (tap, *(f"{tap}.{stream}" for stream in streams)):
        logging.getLogger(name).addFilter(_is_of_use)


def _is_of_use(line: logging.LogRecord) -> bool:
    return line.levelno not in _TOLD_BY_THE_TAP or not line.pathname.startswith(_SDK)
