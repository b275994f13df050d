"""An account whose secret is awkward to spell and whose orders are odd."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

from tests.support import config_for
from xstak_sandbox import Credentials, Fault, Kind, Quirks, RawOrder, Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


SECRET = "s3cr3t/of+the&account 7"
"""Spelled otherwise in a URL and in JSON that stands in JSON."""
SECRETS = {SECRET, quote(SECRET), quote(SECRET, safe=""), quote_plus(SECRET)}
CUSTOMER = {"Test Customer", "@example.com", "+92-300-", "House ", "Odd-Customer"}
WITHOUT_ORDERS = {
    Kind.HANG,
    Kind.LATENCY,
    Kind.DRIP,
    Kind.SHORT_TOKEN,
    Kind.NO_ACCESS_TOKEN,
}
HARMLESS = {Kind.BYTE_ORDER_MARK, Kind.EARLY_HINTS, Kind.GZIP_MEMBERS, Kind.GZIP_TWICE}
KINDS = [kind for kind in Kind if kind not in WITHOUT_ORDERS | HARMLESS]
*LOCATIONS, ODD_LOCATION = location_ids((len(KINDS) + 1) // 2 + 1)
ODD_ORDERS = [
    RawOrder(ODD_LOCATION, "pending", b'"Odd-Customer, who is no order"'),
    RawOrder(ODD_LOCATION, "completed", b'{"note":"Odd-Customer without a key"}'),
    RawOrder(
        ODD_LOCATION,
        "completed",
        b'{"id":7,"customer":"Odd-Customer","is_gift":"Odd-Customer","strange":"Odd-Customer"}',
    ),
]
in_either_place = pytest.mark.parametrize("place", ["body", "query"])


@dataclass
class Account:
    """A server and how it is read."""

    sandbox: Sandbox
    config: dict[str, Any]

    def assert_keeps(self, *texts: str) -> None:
        """None of these texts holds a secret, a token or a customer."""
        entries = self.sandbox.journal.entries()
        tokens = {entry.headers["token"] for entry in entries if "token" in entry.headers}
        for text in texts:
            assert not [word for word in SECRETS | CUSTOMER | tokens if word in text]


@contextmanager
def account(place: Any, faults: Sequence[Fault] = (), **changes: Any) -> Iterator[Account]:
    """An account whose token parameters go to that place, with odd orders at one location."""
    world = World(
        locations=[*LOCATIONS, ODD_LOCATION],
        orders_per_location=30,
        life_days=120,
        raw_orders=ODD_ORDERS,
    )
    quirks = Quirks(token_parameters_in=place)
    credentials = Credentials(client_secret=SECRET)
    with Sandbox(world, quirks=quirks, faults=faults, credentials=credentials) as sandbox:
        own = {"client_secret": SECRET, "token_parameters_in": place, "page_size": 5}
        yield Account(sandbox, config_for(sandbox, **own | changes))
