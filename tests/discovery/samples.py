"""Samples written by hand, and what discovery says of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.config.settings import Partition
from tap_xstak_oms.discovery.inference import Inference, infer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PENDING = Partition("pending", "12")
COMPLETED = Partition("completed", "34")


def infer_from(*orders: str, **options: Any) -> Inference:
    """What orders of one partition say."""
    return infer({PENDING: [order.encode() for order in orders]}, **options)


def order_of(fields: Mapping[str, str]) -> str:
    """An order of these fields, whose values are JSON."""
    members = ",".join(f'"{name}":{value}' for name, value in fields.items())
    return f"{{{members}}}"


def orders_with(values: Iterable[str], name: str = "v") -> list[str]:
    """An order for each value, in this field."""
    return [order_of({name: value}) for value in values]


def column(*values: str, name: str = "v") -> dict[str, Any] | None:
    """The column of a field that had these values."""
    return infer_from(*orders_with(values, name)).properties.get(name)


def remarks_of(inference: Inference) -> str:
    """The text of all remarks."""
    return "\n".join(remark.text for remark in inference.remarks)


def warnings_of(inference: Inference) -> list[str]:
    """The text of each warning."""
    return [remark.text for remark in inference.remarks if remark.level == logging.WARNING]
