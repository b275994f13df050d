"""The same orders with dlt, as fast as its settings make it. It runs in an environment of its own.

`load.py SPECIFICATION`: a JSON file with the tap's configuration (`config`), since when to read
(`start_date`), where to (`destination`: `postgres` or `filesystem`; `credentials` or `bucket_url`)
as `dataset`), where dlt keeps its files (`pipelines_dir`), and whether decimals keep their digits
(`is_exact`) or become floats, which is faster.
"""

from __future__ import annotations

import json
import sys
import threading
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt
import orjson
import requests
from dlt.destinations import filesystem, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE_SIZE = 100
NAME = "orders"

_local = threading.local()


def main() -> None:
    """Load the orders, nested values as JSON; an order that is there is updated."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    to_postgres = asked["destination"] == "postgres"
    # Found to be the fastest of each: see docs/performance.md.
    dlt.config["extract.workers"] = 16
    dlt.config["normalize.workers"] = 2
    dlt.config["normalize.data_writer.disable_compression"] = True
    dlt.config["runtime.dlthub_telemetry"] = False
    pipeline = dlt.pipeline(
        NAME,
        pipelines_dir=asked["pipelines_dir"],
        destination=postgres(asked["credentials"])
        if to_postgres
        else filesystem(asked["bucket_url"]),
        dataset_name=asked["dataset"],
    )
    orders = dlt.resource(partitions, selected=False)(asked["config"]) | dlt.transformer(
        pages,
        name="sales_orders",
        primary_key="id",
        write_disposition="merge" if to_postgres else "append",
        max_table_nesting=0,
        parallelized=True,
    )(reader=Reader(asked["config"], asked["start_date"], is_exact=asked["is_exact"]))
    pipeline.run(
        orders, loader_file_format="csv" if to_postgres else "jsonl"
    ).raise_on_failed_jobs()


def partitions(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is read by itself."""
    for status in ("pending", "completed"):
        for location in config["location_ids"]:
            yield status, location


def pages(partition: tuple[str, str], reader: Reader) -> Iterator[list[dict[str, Any]]]:
    """All orders of a partition, page by page."""
    first = reader.page(*partition)
    yield first["orders"]
    for number in range(2, first["page"]["totalPages"] + 1):
        yield reader.page(*partition, number)["orders"]


class Reader:
    """Fetches pages."""

    def __init__(self, config: dict[str, Any], start_date: str, *, is_exact: bool) -> None:
        self._config = config
        self._start_date = start_date
        self._loads = partial(json.loads, parse_float=Decimal) if is_exact else orjson.loads
        body = {
            "clientId": config["client_id"],
            "clientSecret": config["client_secret"],
            "companyCode": config["company_code"],
            "grantType": "client_credentials",
        }
        response = requests.post(config["auth_url"], json=body, timeout=60)
        response.raise_for_status()
        self._token = response.json()["access_token"]

    def page(self, status: str, location: str, number: int | None = None) -> dict[str, Any]:
        """One page."""
        response = session().get(
            self._config["api_url"] + "/orders/sales_orders",
            params={
                "order_status": status,
                "locationId": location,
                "start_date": self._start_date,
                "size": PAGE_SIZE,
                "page": number,
            },
            headers={"token": self._token},
            timeout=60,
        )
        response.raise_for_status()
        answer: dict[str, Any] = self._loads(response.content)
        return answer


def session() -> requests.Session:
    """The session of this thread."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    found: requests.Session = _local.session
    return found


if __name__ == "__main__":
    main()
