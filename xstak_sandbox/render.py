"""An order as JSON: 2 to 3 KB, with everything that bends a careless reader."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from xstak_sandbox.lives import has_ended, stage
from xstak_sandbox.moments import in_pakistan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xstak_sandbox.lives import Event, Life

    Json: TypeAlias = bool | int | str | Decimal | Sequence["Json"] | Mapping[str, "Json"] | None

T = TypeVar("T")

CENT = Decimal("0.01")

CITIES = (
    ("Lahore", "لاہور", "Punjab", "54000"),
    ("Karachi", "کراچی", "Sindh", "75500"),
    ("Islamabad", "اسلام آباد", "Islamabad Capital Territory", "44000"),
    ("Peshawar", "پشاور", "Khyber Pakhtunkhwa", "25000"),
    ("Quetta", "کوئٹہ", "Balochistan", "87300"),
)
GOODS = (
    ("Lawn suit, 3 piece", "لان سوٹ، تین پیس", "apparel"),
    ("Leather sandals", "چمڑے کی چپل", "footwear"),
    ("Basmati rice 5 kg", "باسمتی چاول پانچ کلو", "grocery"),
    ("Steel water bottle", "اسٹیل کی بوتل", "home"),
    ('Ceiling fan 56"', "چھت کا پنکھا", "appliances"),
)
TAGS = ("repeat", "gift", "fragile", "express", "عید", "wholesale")
CHANNELS = ("shopify", "pos", "call-center", "mobile-app")
METHODS = ("cod", "card", "bank-transfer")


@dataclass(frozen=True, slots=True)
class Facts:
    """What never changes about an order.

    Attributes:
        seed: Decides every value that the rest leaves open.
        id: Unique in the world.
        ordinal: Counted from 0 within the location.
        location: The location's id, digits.
        location_code: The location's code.
        life: When it is created and what happens to it.
    """

    seed: str
    id: int
    ordinal: int
    location: str
    location_code: int
    life: Life


CANCELLED = "cancelled"
"""The status of an order that was cancelled, wherever it stood."""


@dataclass(frozen=True, slots=True)
class Style:
    """How orders are written: the statuses' names in lifecycle order, and the offset (C5)."""

    statuses: tuple[str, ...]
    offset: str = "+05:00"

    def status(self, past: Sequence[Event]) -> str:
        """The status of an order to which all that has happened."""
        return CANCELLED if has_ended(past, "cancelled") else self.statuses[stage(past)]


def render(facts: Facts, past: Sequence[Event], style: Style) -> bytes:
    """The order's JSON in UTF-8, after everything in `past` has happened to it."""
    return encode(_Writer(facts, past, style).order()).encode()


def encode(value: Json) -> str:
    """JSON in which a decimal keeps the digits it has, trailing zeros too."""
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | Decimal):
        return str(value)
    return _encode_nested(value)


def _encode_nested(value: Sequence[Json] | Mapping[str, Json]) -> str:
    if isinstance(value, dict):
        members = [f"{encode_basestring(key)}:{encode(item)}" for key, item in value.items()]
        return "{" + ",".join(members) + "}"
    return "[" + ",".join([encode(item) for item in value]) + "]"


class _Writer:
    """Writes one version of one order; the random numbers are drawn in the same order always."""

    def __init__(self, facts: Facts, past: Sequence[Event], style: Style) -> None:
        self._facts = facts
        self._past = past
        self._style = style
        self._rng = random.Random(facts.seed)

    def order(self) -> dict[str, Json]:
        facts = self._facts
        happened = {event.kind for event in self._past}
        items = [self._item(number) for number in range(1, 3 + self._below(3))]
        subtotal = sum((item.total for item in items), Decimal("0.00"))
        discount = self._pick((Decimal("0.00"), Decimal("0.10"), Decimal("150.00")))
        shipping = self._pick((Decimal("0.00"), Decimal("199.50"), Decimal("250.00")))
        total = subtotal - discount + shipping
        city = self._pick(CITIES)
        order: dict[str, Json] = {
            "id": facts.id,
            "order_number": f"PK-{facts.location}-{facts.ordinal:06d}",
            "status": self._status(len(self._past)),
            "location_id": facts.location,
            "location_code": facts.location_code,
            "channel": self._pick(CHANNELS),
            "reference": None,
            "created_at": self._time(facts.life.created),
            "updated_at": self._time(facts.life.last_change(self._past)),
            "delivery_slot": self._delivery_slot(),
            "is_gift": self._chance(0.2),
            "is_cod": "paid" not in happened,
            "currency": "PKR",
            "exchange_rate": Decimal("0.003590"),
            "subtotal": subtotal,
            "discount_total": discount,
            "shipping_total": shipping,
            "tax_total": (subtotal * Decimal("0.17")).quantize(CENT),
            "grand_total": total,
            "customer": self._customer(),
            "billing_address": self._address(city, moved=False),
            "shipping_address": self._address(city, moved="readdressed" in happened),
            "line_items": [item.json for item in items],
            "discounts": self._discounts(discount),
            "payments": [self._payment(total)],
            "status_history": self._history(),
            "tags": [tag for tag in TAGS if self._chance(0.3)],
            "note": self._note(),
        }
        if self._chance(0.3):
            order["coupon_code"] = f"EID{self._below(90) + 10}"
        return order

    def _status(self, events: int) -> str:
        return self._style.status(self._past[:events])

    def _customer(self) -> Json:
        who = f"{self._facts.location}-{self._facts.ordinal}"
        return {
            "id": 500_000_000 + self._facts.id % 100_000_000,
            "name": f"Test Customer {who}",
            "name_local": f"آزمائشی گاہک {who}",
            "email": f"customer-{who}@example.com",
            "phone": f"+92-300-{self._facts.id % 10_000_000:07d}",
            "loyalty_points": self._below(5000),
            "accepts_marketing": self._chance(0.5),
            "date_of_birth": None,
        }

    def _address(self, city: tuple[str, str, str, str], *, moved: bool) -> Json:
        name, local, province, postcode = city
        house = 1 + self._facts.ordinal % 400 + (1000 if moved else 0)
        return {
            "line1": f"House {house}, Street {1 + self._facts.ordinal % 40}",
            "line1_local": f"مکان نمبر {house}، گلی نمبر {1 + self._facts.ordinal % 40}",
            "line2": None,
            "city": name,
            "city_local": local,
            "province": province,
            "postcode": postcode,
            "country": "PK",
            "latitude": Decimal("31.520400"),
            "longitude": Decimal("74.358700"),
        }

    def _item(self, number: int) -> _Item:
        title, local, category = self._pick(GOODS)
        price = Decimal(100 + self._below(400)) * 5 - self._pick((Decimal("0.50"), Decimal("0.10")))
        quantity = 1 + self._below(3)
        return _Item(
            price * quantity,
            {
                "id": self._facts.id * 10 + number,
                "sku": f"SKU-{category[:3].upper()}-{self._below(10_000):04d}",
                "title": title,
                "title_local": local,
                "category": category,
                "quantity": quantity,
                "unit_price": price,
                "tax_rate": Decimal("0.170"),
                "total": price * quantity,
                "weight_kg": Decimal(self._below(5000)) / 1000,
                "fulfilled": self._chance(0.5),
                "serial_numbers": [],
            },
        )

    def _discounts(self, amount: Decimal) -> Json:
        return [{"type": "voucher", "amount": amount, "reason": None}] if amount else []

    def _payment(self, total: Decimal) -> Json:
        paid = next((event for event in self._past if event.kind == "paid"), None)
        return {
            "id": f"pay_{self._facts.id}",
            "method": self._pick(METHODS),
            "amount": total,
            "status": "captured" if paid else "due",
            "paid_at": self._time(paid.at) if paid else None,
        }

    def _history(self) -> Json:
        moments = [(0, self._facts.life.created)]
        steps = {"moved", "cancelled"}
        moments += [(n, e.at) for n, e in enumerate(self._past, 1) if e.kind in steps]
        return [{"status": self._status(n), "at": self._time(at)} for n, at in moments]

    def _note(self) -> str | None:
        notes = sum(event.kind == "noted" for event in self._past)
        return f"گاہک کو فون کریں — call before delivery\n(note {notes})" if notes else None

    def _delivery_slot(self) -> str:
        slot = in_pakistan(self._facts.life.created) + timedelta(days=2)
        return slot.strftime("%Y-%m-%d 14:00:00")

    def _time(self, moment: int) -> str:
        local = in_pakistan(moment)
        digits = "milliseconds" if local.microsecond else "seconds"
        return local.replace(tzinfo=None).isoformat(timespec=digits) + self._style.offset

    def _below(self, limit: int) -> int:
        return int(self._rng.random() * limit)

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share

    def _pick(self, choices: Sequence[T]) -> T:
        return choices[self._below(len(choices))]


@dataclass(frozen=True, slots=True)
class _Item:
    total: Decimal
    json: Json
