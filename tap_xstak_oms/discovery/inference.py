"""Infers schema and key from sampled orders. The same sample always gives the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.discovery.fields import Field, fields_of, opened
from tap_xstak_oms.discovery.key import Key, detected_key, given_key
from tap_xstak_oms.discovery.remarks import MOST_NAMES, Remark, warning
from tap_xstak_oms.discovery.times import remarks_on_times
from tap_xstak_oms.discovery.types import as_key, column, doubt, remarks_on
from tap_xstak_oms.records.columns import can_be_column
from tap_xstak_oms.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_xstak_oms.config.settings import Partition
    from tap_xstak_oms.discovery.fields import Sample
    from tap_xstak_oms.discovery.types import Schema
    from tap_xstak_oms.records.columns import Convert
    from tap_xstak_oms.records.layout import Text

COLUMNS_LIMIT = 1000
"""PostgreSQL takes 1600 in a table."""


@dataclass(frozen=True)
class Inference:
    """What the sample says.

    Attributes:
        properties: A JSON schema for each column but our own, in the order met.
        key: The names of the key's columns; empty if nothing identifies an order.
        remarks: What a person should know: a summary, then the worst first.
    """

    properties: dict[str, Schema]
    key: tuple[str, ...]
    remarks: tuple[Remark, ...]


def infer(
    samples: Mapping[Partition, Sequence[Text]],
    *,
    primary_keys: Sequence[str] = (),
    times: Mapping[str, Convert] = MappingProxyType({}),
) -> Inference:
    """Infer the columns and the key of the stream.

    Args:
        samples: Orders as JSON text, cleaned, by partition.
        primary_keys: The key that the user names; if empty, it is detected.
        times: Converts the values of the fields that the user calls times.

    Raises:
        UsageError: A field of `primary_keys` has no column, judged by the sample.
    """
    sample, ignored = opened(samples)
    if not any(sample.values()):
        return Inference({}, (), (_NO_ORDER, *_of_ignored(ignored)))
    fields = fields_of(sample)
    usable = _usable(fields)
    typed = {name: column(fields[name], times.get(name)) for name in usable}
    columns = {name: schema for name, schema in typed.items() if schema is not None}
    properties = dict(islice(columns.items(), COLUMNS_LIMIT))
    key = (
        given_key(primary_keys, sample, properties)
        if primary_keys
        else detected_key(sample, fields, properties)
    )
    for name in set(key.names) & properties.keys():
        properties[name] = as_key(fields[name], properties[name])
    doubts = (doubt(fields[name], typed[name], times.get(name)) for name in usable)
    remarks = [
        _sum(sample, fields, properties, key),
        *key.remarks,
        *remarks_on(filter(None, doubts)),
        *_without_a_column(fields, usable, columns),
        *remarks_on_times((fields[name] for name in usable), properties, times),
        *_of_ignored(ignored),
    ]
    return Inference(properties, key.names, tuple(remarks))


_NO_ORDER = warning(
    "No order was found to infer a schema from: every order will travel whole in `_extra`. An "
    "earlier `start_date`, or other `location_ids` or `order_statuses`, may find some.",
    orders=0,
    columns=0,
    key=[],
)


def _usable(fields: Mapping[str, Field]) -> list[str]:
    """The fields that can have a column of their name, also in loaders that ignore case."""
    usable: dict[str, str] = {}
    for name in fields:
        folded = name.casefold()
        if can_be_column(name) and can_be_column(folded):
            usable.setdefault(folded, name)
    return list(usable.values())


def _sum(
    sample: Sample, fields: Mapping[str, Field], properties: Mapping[str, Any], key: Key
) -> Remark:
    orders = sum(map(len, sample.values()))
    partitions = sum(map(bool, sample.values()))
    return Remark(
        f"Discovery sampled {counted(orders, 'order')} of {counted(partitions, 'partition')}: "
        f"{counted(len(fields), 'field')}, {len(properties):,} with a column. "
        f"{key.summary}.",
        {
            "orders": orders,
            "partitions": partitions,
            "fields": len(fields),
            "columns": len(properties),
            "key": list(key.names),
        },
    )


def _without_a_column(
    fields: Mapping[str, Field], usable: Sequence[str], columns: Mapping[str, Any]
) -> Iterator[Remark]:
    unusable = sorted(fields.keys() - set(usable), key=list(fields).index)
    never_set = [name for name in usable if not fields[name].values]
    too_many = list(columns)[COLUMNS_LIMIT:]
    for why, names in (
        ("the name is taken, reserved or unusable", unusable),
        (f"there are more than {COLUMNS_LIMIT:,}", too_many),
        ("it was only ever null", never_set),
    ):
        if names:
            yield Remark(
                f"No column, as {why}: {listed(names, MOST_NAMES)}.",
                {"reason": why, "fields": names},
            )


def _of_ignored(ignored: int) -> Iterator[Remark]:
    if ignored:
        yield warning(
            f"{counted(ignored, 'sampled order')} ignored: no JSON object, or nested too deeply.",
            ignored=ignored,
        )
