"""The tap one would write from the Singer SDK's template: what ours is compared with.

One page after another, the SDK's own HTTP, token, decoding, type conformance and output.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import requests
from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import OAuthAuthenticator
from singer_sdk.helpers.jsonpath import extract_jsonpath
from singer_sdk.pagination import PageNumberPaginator
from singer_sdk.streams import RESTStream
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.streams import Stream


class PlainAuthenticator(OAuthAuthenticator):
    """The vendor's token: asked for in JSON, sent in a header of its own."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(auth_endpoint=config["auth_url"])
        self._vendor = config

    @override
    def update_access_token(self) -> None:
        body = {
            "clientId": self._vendor["client_id"],
            "clientSecret": self._vendor["client_secret"],
            "companyCode": self._vendor["company_code"],
            "grantType": "client_credentials",
        }
        response = requests.post(self.auth_endpoint, json=body, timeout=60)
        response.raise_for_status()
        self.access_token = response.json()["access_token"]

    @override
    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.access_token is None:
            self.update_access_token()
        request.headers["token"] = str(self.access_token)
        return request


class PlainPaginator(PageNumberPaginator):
    """Pages to the last that the answer tells of."""

    @override
    def has_more(self, response: requests.Response) -> bool:
        page = response.json()["page"]
        return bool(page["number"] < page["totalPages"])


class PlainOrders(RESTStream[int]):
    """Sales orders; the catalog tells their columns."""

    name = "sales_orders"
    path = "/orders/sales_orders"
    primary_keys = ("id",)
    replication_key = "updated_at"
    records_jsonpath = "$.orders[*]"
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("id", th.IntegerType),
        th.Property("updated_at", th.DateTimeType),
    ).to_dict()

    @property
    @override
    def url_base(self) -> str:
        return str(self.config["api_url"])

    @cached_property
    def authenticator(self) -> PlainAuthenticator:
        """One for the stream."""
        return PlainAuthenticator(self.config)

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        return [
            {"order_status": status, "location_id": location}
            for status in ("pending", "completed")
            for location in self.config["location_ids"]
        ]

    @override
    def get_new_paginator(self) -> PlainPaginator:
        return PlainPaginator(start_value=1)

    @override
    def get_url_params(
        self, context: Mapping[str, Any] | None, next_page_token: int | None
    ) -> dict[str, Any]:
        partition = context or {}
        return {
            "order_status": partition["order_status"],
            "locationId": partition["location_id"],
            "start_date": self.config["start_date"],
            "size": 100,
            "page": next_page_token,
        }

    @override
    def parse_response(self, response: requests.Response) -> Iterable[dict[str, Any]]:
        yield from extract_jsonpath(self.records_jsonpath, input=response.json(parse_float=Decimal))


class PlainTap(Tap):
    """A tap as the template makes it."""

    name = "plain-tap"
    package_name = "tap-xstak-oms"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("client_id", th.StringType, required=True),
        th.Property("client_secret", th.StringType, required=True, secret=True),
        th.Property("company_code", th.StringType, required=True),
        th.Property("location_ids", th.ArrayType(th.StringType), required=True),
        th.Property("start_date", th.DateTimeType, required=True),
        th.Property("auth_url", th.StringType, required=True),
        th.Property("api_url", th.StringType, required=True),
    ).to_dict()

    @override
    def discover_streams(self) -> list[Stream]:
        return [PlainOrders(self)]


if __name__ == "__main__":
    sys.exit(PlainTap.cli())
