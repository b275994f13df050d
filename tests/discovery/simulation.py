"""What discovery makes of orders of some shapes as accounts hold them, grow and err.

python -m tests.discovery.simulation FOLDER     prints the figures for the shapes in a folder

A shape is a JSON file with some `orders` and the name of their true `key`. Its orders are
multiplied: other ids, numbers and digits, the same form. Then

- `sampled`: one of 40 sampled orders has an odd value in one field: does the column stay?
- `later`: orders after discovery have odd values: does each value travel, and only the odd one
  leave its column?
- `grown`: the older half of an account lacks the newer fields: how many orders need `_extra`?
- `nested`: a value deep inside is odd: does the object or list around it stay in its column?

The tests try the shapes in tests/discovery/shapes, or those in the folder that ORDER_SHAPES names.
"""

from __future__ import annotations

import copy
import json
import os
import random
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.config.settings import Partition
from tap_xstak_oms.discovery.inference import infer
from tap_xstak_oms.records.columns import EXTRA, OWN_COLUMNS, own_schema
from tap_xstak_oms.records.fitter import Fitter, open_order
from tap_xstak_oms.records.objects import to_python
from tap_xstak_oms.singer.nested import told as open_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPES = Path(os.environ.get("ORDER_SHAPES") or Path(__file__).with_name("shapes"))
Order = dict[str, Any]
PARTITION = Partition("pending", "1001")
SAMPLE = 40
PAGE = 100
PAGES = 5
LATER = 200
ODD_VALUES: list[Any] = [
    "n/a",
    "",
    False,
    True,
    [],
    {},
    0,
    1.5,
    "0000-00-00 00:00:00",
    ["a"],
    {"a": 1},
]


@dataclass
class Figures:
    """What came of the trials on one shape.

    Attributes:
        key: The key that was found.
        columns: How many columns a clean sample gives.
        sampled: Trials with one odd value in the sample.
        vanished: Of those, how many lost the column.
        retyped: Of those, how many gave it another type.
        later: Orders read with an odd value after discovery.
        lost: Of those, how many lacked a value, or had a bent one.
        moved: Of those, how many had another value than the odd one out of its column.
        grown: Orders read of an account that grew new fields.
        with_extra: Of those, how many had an `_extra` only for want of having seen all orders.
        nested: Orders read with an odd value deep inside.
        moved_whole: Of those, how many had the object or list around it out of its column.
        values: The values of such an account where one order in ten has an odd value.
        strayed: Of those, how many travelled in `_extra`.
    """

    key: tuple[str, ...] = ()
    columns: int = 0
    sampled: int = 0
    vanished: int = 0
    retyped: int = 0
    later: int = 0
    lost: int = 0
    moved: int = 0
    grown: int = 0
    with_extra: int = 0
    nested: int = 0
    moved_whole: int = 0
    values: int = 0
    strayed: int = 0


def multiplied(orders: list[Order], count: int) -> list[Order]:
    """So many orders of the shape of these."""
    return [_varied(orders[at % len(orders)], at) for at in range(count)]


def _varied(value: Any, at: int) -> Any:
    if isinstance(value, dict):
        return {name: _varied(inner, at) for name, inner in value.items()}
    if isinstance(value, list):
        return [_varied(inner, at) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value + 1009 * at if value else value
    return _another_text(value, at)


def _another_text(value: str, at: int) -> str:
    """A text of the same form, if it has digits or is one long word."""
    if value.isdigit():
        return str(int(value) + 1009 * at).zfill(len(value)) if int(value) else value
    if value[:4].isdigit() and value[4:5] == "-":
        return value
    if any(map(str.isdigit, value)) and " " not in value:
        return f"{value}{at:03}"
    return value


def schema_of(*pages: list[Order]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The columns and the key that discovery finds in some pages."""
    texts = [json.dumps(order).encode() for page in pages for order in page]
    found = infer({PARTITION: texts})
    return found.properties, found.key


def records_of(orders: list[Order], properties: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of some orders."""
    schema = {"type": "object", "properties": properties | own_schema()}
    fitter = Fitter(open_schema(schema, levels=0))
    fit = fitter.bind(location_id="1001", order_status="pending", synced_at="x")
    return [to_python(fit(open_order(json.dumps(order).encode()))) for order in orders]


def sampled(orders: list[Order], figures: Figures) -> None:
    """Put each odd value into each column of one of the sampled orders."""
    sample = multiplied(orders, SAMPLE)
    clean, figures.key = schema_of(sample)
    figures.columns = len(clean)
    for name in clean:
        for odd in ODD_VALUES:
            if type(odd) in {type(order.get(name)) for order in sample}:
                continue
            trial = [{name: order[name]} for order in sample if name in order]
            trial[17 % len(trial)] = {name: odd}
            found, _ = schema_of(trial)
            figures.sampled += 1
            if name not in found:
                figures.vanished += 1
            else:
                figures.retyped += found[name]["type"] != clean[name]["type"]


def later(orders: list[Order], figures: Figures) -> None:
    """Read orders that each have an odd value which the sample did not show."""
    chance = random.Random(7)
    properties, _ = schema_of(multiplied(orders, SAMPLE))
    names = list(properties)
    came = multiplied(orders, LATER)
    odd = [chance.choice(names) for _ in came]
    for order, name in zip(came, odd, strict=True):
        order[name] = chance.choice(ODD_VALUES)
    clean = records_of(multiplied(orders, LATER), properties)
    for order, name, record, usual in zip(
        came, odd, records_of(came, properties), clean, strict=True
    ):
        figures.later += 1
        told = {n: v for n, v in record.items() if n not in OWN_COLUMNS} | (record[EXTRA] or {})
        figures.lost += any(
            n not in told or (not _is_time(properties.get(n)) and _differ(told[n], v))
            for n, v in order.items()
            if v is not None
        )
        figures.moved += any(record[n] != usual[n] for n in usual if n not in (name, EXTRA))


def nested(orders: list[Order], figures: Figures) -> None:
    """Read orders that each have an odd value inside an object or a list."""
    chance = random.Random(7)
    properties, _ = schema_of(multiplied(orders, SAMPLE))
    came = copy.deepcopy(multiplied(orders, LATER))
    for order in came:
        places = [
            (name, place)
            for name, value in order.items()
            if {"object", "array"} & set(properties.get(name, {}).get("type", ()))
            for place in _containers(value)
        ]
        if not places:
            continue
        name, place = chance.choice(places)
        place[chance.choice(list(place) if isinstance(place, dict) else range(len(place)))] = (
            chance.choice(ODD_VALUES)
        )
        [record] = records_of([order], properties)
        figures.nested += 1
        figures.moved_whole += json.dumps(record[name], default=float) != json.dumps(order[name])


def _containers(value: Any) -> Iterator[Any]:
    """The objects and lists in a value that hold something, itself included."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if inner:
        yield value
    for one in inner:
        yield from _containers(one)


def _is_time(schema: dict[str, Any] | None) -> bool:
    return bool(schema and schema.get("format"))


def _differ(told: Any, came: Any) -> bool:
    return bool(json.dumps(told, default=float) != json.dumps(came))


def grown(orders: list[Order], figures: Figures, *, ends: bool = True) -> None:
    """Read an account whose older half lacks every third field but the key's."""
    everything = multiplied(orders, PAGE * PAGES)
    names = [name for name in everything[0] if name not in figures.key]
    for order in everything[: len(everything) // 2]:
        for name in names[::3]:
            order.pop(name, None)
    sane = _with_extra(everything, [everything])
    figures.grown = len(everything)
    figures.with_extra = _with_extra(everything, _sample(everything, ends=ends)) - sane
    _err(everything, names)
    properties, _ = schema_of(*_sample(everything, ends=ends))
    every_column, _ = schema_of(everything)
    for record in records_of(everything, properties):
        figures.values += len(every_column)
        figures.strayed += len((record[EXTRA] or {}).keys() & every_column.keys())


def _sample(everything: list[Order], *, ends: bool) -> list[list[Order]]:
    return [everything[:PAGE], everything[-PAGE:]] if ends else [everything[:PAGE]]


def _with_extra(everything: list[Order], pages: list[list[Order]]) -> int:
    properties, _ = schema_of(*pages)
    return sum(record[EXTRA] is not None for record in records_of(everything, properties))


def _err(everything: list[Order], names: list[str]) -> None:
    """Let one order in ten have one odd value."""
    chance = random.Random(7)
    for order in chance.sample(everything, len(everything) // 10):
        order[chance.choice(names or [*order])] = chance.choice(ODD_VALUES)


def figures_of(shape: Path) -> Figures:
    """All trials on one shape."""
    orders = json.loads(shape.read_text(encoding="utf-8"))["orders"]
    figures = Figures()
    sampled(orders, figures)
    later(orders, figures)
    grown(orders, figures, ends=FIRST_PAGE_ALONE not in sys.argv)
    nested(orders, figures)
    return figures


FIRST_PAGE_ALONE = "--first-page-alone"


def told(one: Figures) -> str:
    """The figures of one shape, or of all."""
    return (
        f"sampled: column gone in {_share(one.vanished, one.sampled)}, of another type in "
        f"{_share(one.retyped, one.sampled)} of {one.sampled}; later: {one.lost} lost or bent, "
        f"{one.moved} moved of {one.later}; grown: {_share(one.with_extra, one.grown)} with an "
        f"_extra, {_share(one.strayed, one.values)} of the values strayed; nested: "
        f"{one.moved_whole} moved whole of {one.nested}"
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "-"


def total(found: list[Figures]) -> Figures:
    """The sums over some shapes."""
    names = [one.name for one in fields(Figures) if one.type == "int" and one.name != "columns"]
    return Figures(**{name: sum(getattr(one, name) for one in found) for name in names})


def main() -> None:
    """Print the figures of the shapes in a folder."""
    found = []
    for shape in sorted(Path(sys.argv[1]).glob("*.json")):
        one = figures_of(shape)
        found.append(one)
        true = json.loads(shape.read_text(encoding="utf-8"))["key"]
        sys.stdout.write(
            f"{shape.stem}: {one.columns} columns, key {list(one.key)}, true {true}; {told(one)}\n"
        )
    sys.stdout.write(f"all: {told(total(found))}\n")


if __name__ == "__main__":
    main()
