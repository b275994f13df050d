"""The script one would write instead of a tap: `requests`, orjson and sixteen threads.

It promises nothing: no order, state, retry, schema or exact decimals; it may miss orders.
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson  # type: ignore[import-not-found, unused-ignore]  # where `./run bench` is
import requests

THREADS = 16
PAGE_SIZE = 100

_local = threading.local()
_out = threading.Lock()


def main() -> None:
    """Read all orders, the first pages first."""
    config = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    reader = Reader(config, token=fetch_token(config))
    partitions = [
        (status, location)
        for status in ("pending", "completed")
        for location in config["location_ids"]
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        firsts = pool.map(lambda partition: reader.page(*partition), partitions)
        pages = [
            (*partition, number)
            for partition, total in zip(partitions, firsts, strict=True)
            for number in range(2, total + 1)
        ]
        list(pool.map(lambda page: reader.page(*page), pages))
    print(json.dumps({"metric": "record_count", "value": reader.orders}), file=sys.stderr)


class Reader:
    """Fetches pages and writes their orders as RECORD lines."""

    def __init__(self, config: dict[str, Any], token: str) -> None:
        self._config = config
        self._token = token
        self.orders = 0

    def page(self, status: str, location: str, number: int | None = None) -> int:
        """Read one page; returns how many there are."""
        params = {
            "order_status": status,
            "locationId": location,
            "start_date": self._config["start_date"],
            "size": PAGE_SIZE,
            "page": number,
        }
        url = self._config["api_url"] + "/orders/sales_orders"
        response = session().get(url, params=params, headers={"token": self._token}, timeout=60)
        response.raise_for_status()
        answer = orjson.loads(response.content)
        self._write(answer["orders"])
        return int(answer["page"]["totalPages"])

    def _write(self, orders: list[dict[str, Any]]) -> None:
        lines = [
            orjson.dumps(
                {"type": "RECORD", "stream": "sales_orders", "record": order},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for order in orders
        ]
        with _out:
            self.orders += len(orders)
            sys.stdout.buffer.writelines(lines)


def session() -> requests.Session:
    """The session of this thread."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    found: requests.Session = _local.session
    return found


def fetch_token(config: dict[str, Any]) -> str:
    """Ask for the token of the run."""
    body = {
        "clientId": config["client_id"],
        "clientSecret": config["client_secret"],
        "companyCode": config["company_code"],
        "grantType": "client_credentials",
    }
    response = requests.post(config["auth_url"], json=body, timeout=60)
    response.raise_for_status()
    return str(response.json()["access_token"])


if __name__ == "__main__":
    main()
