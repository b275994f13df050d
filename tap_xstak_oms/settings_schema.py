"""The settings as a JSON schema: the source of every list of them.

README, meltano.yml, `--about` and the Hub definition say what stands here; tests compare them.
"""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

ORDERS_PATH = "/orders/sales_orders"
"""What stands behind `api_url` (O1)."""

_MAX_OVERLAP_HOURS = 24 * 366
_MAX_LOOKBACK_DAYS = 3660

SCHEMA: dict[str, Any] = th.PropertiesList(
    th.Property(
        "client_id",
        th.StringType,
        required=True,
        secret=True,
        title="Client ID",
        description="Identifies the service account at the token endpoint.",
    ),
    th.Property(
        "client_secret",
        th.StringType,
        required=True,
        secret=True,
        title="Client secret",
        description="The service account's password. It is sent to auth_url only.",
    ),
    th.Property(
        "company_code",
        th.StringType,
        required=True,
        title="Company code",
        description="The company (realm) whose orders are read.",
    ),
    th.Property(
        "location_ids",
        th.ArrayType(th.StringType),
        required=True,
        title="Location IDs",
        description="The locations to read, at least one; each is a partition per order status.",
        examples=[["12345"]],
    ),
    th.Property(
        "location_codes",
        th.ObjectType(additional_properties=th.IntegerType),
        title="Location codes",
        description="Location id to the integer sent as location_code with that location.",
        examples=[{"12345": 67890}],
    ),
    th.Property(
        "order_statuses",
        th.ArrayType(th.StringType),
        default=["pending", "completed"],
        title="Order statuses",
        description="The order statuses (tabs) to read, in the order in which an order passes "
        "through them.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        required=True,
        title="Start date",
        description="The first read begins here. Without an offset it is read in the time zone "
        "of the account.",
        examples=["2024-10-17T00:00:00+05:00"],
    ),
    th.Property(
        "timezone",
        th.StringType,
        default="Asia/Karachi",
        title="Time zone",
        description="The account's time zone, an IANA name: dates are sent in it, and days are "
        "counted in it.",
    ),
    th.Property(
        "overlap_hours",
        th.IntegerType(minimum=0, maximum=_MAX_OVERLAP_HOURS),
        default=24,
        title="Overlap in hours",
        description="Every later read begins this long before the bookmark.",
    ),
    th.Property(
        "lookback_days",
        th.IntegerType(minimum=0, maximum=_MAX_LOOKBACK_DAYS),
        default=30,
        title="Look-back in days",
        description="The first read of each day begins this long before the bookmark instead. "
        "It must exceed the longest time an order lives.",
    ),
    th.Property(
        "auth_url",
        th.URIType,
        default="https://api-copilot-stage-local.xstak.com/v1/admin/service-account/token",
        title="Token URL",
        description="The whole URL of the token endpoint. The default is the documented one, a "
        "staging host.",
    ),
    th.Property(
        "api_url",
        th.URIType,
        default="https://oe-unc-stage-local.xstak.com/oe/v2",
        title="API URL",
        description=f"The base URL of the order API: what stands before {ORDERS_PATH}. The "
        "default is the documented one, a staging host.",
    ),
    th.Property(
        "token_parameters_in",
        th.StringType,
        default="body",
        allowed_values=["body", "query"],
        title="Token parameters in",
        description="Whether the credentials are sent as a JSON body or in the query string. "
        "In a query string a secret ends up in the logs of every proxy.",
    ),
    th.Property(
        "grant_type_keys",
        th.ArrayType(th.StringType),
        default=["grantType", "grant type", "grant_type"],
        title="Grant type keys",
        description="The names under which the grant type is sent to the token endpoint.",
    ),
    th.Property(
        "start_date_format",
        th.StringType,
        default="iso8601",
        allowed_values=["iso8601", "epoch_seconds", "epoch_milliseconds"],
        title="Start date format",
        description="How start_date is written in a request.",
    ),
    th.Property(
        "filters_in",
        th.StringType,
        default="query",
        allowed_values=["query", "body"],
        title="Filters in",
        description="Whether the filters of the order request are sent in the query string or "
        "as a JSON body (paging then in both).",
    ),
    th.Property(
        "page_parameter",
        th.StringType,
        default="page",
        title="Page parameter",
        description="The name of the parameter that asks for a page.",
    ),
    th.Property(
        "page_size_parameter",
        th.StringType,
        default="size",
        title="Page size parameter",
        description="The name of the parameter that asks for a number of orders a page.",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1),
        default=100,
        title="Page size",
        description="How many orders a page are asked for. The server may give fewer.",
    ),
    th.Property(
        "max_concurrent_requests",
        th.IntegerType(minimum=1, maximum=64),
        default=8,
        title="Concurrent requests",
        description="How many requests are under way at the same time at most.",
    ),
    th.Property(
        "max_requests_per_minute",
        th.IntegerType(minimum=1),
        title="Requests a minute",
        description="How many requests are sent in any minute at most. Not set: no limit.",
    ),
    th.Property(
        "request_timeout_seconds",
        th.IntegerType(minimum=1, maximum=3600),
        default=60,
        title="Request timeout in seconds",
        description="How long a request waits for the server's next bytes. Connecting may take "
        "10 seconds, a whole answer five times as long.",
    ),
    th.Property(
        "max_tries",
        th.IntegerType(minimum=1, maximum=100),
        default=8,
        title="Tries",
        description="How often one request is tried before its partition fails.",
    ),
    th.Property(
        "max_read_passes",
        th.IntegerType(minimum=1, maximum=100),
        default=3,
        title="Read passes",
        description="How often a partition whose orders move while it is read is read again at "
        "most, the first time included.",
    ),
    th.Property(
        "infer_schema",
        th.BooleanType,
        default=True,
        title="Infer the schema",
        description="Whether discovery looks at real orders to find their columns. If not, the "
        "whole order is in _extra.",
    ),
    th.Property(
        "primary_keys",
        th.ArrayType(th.StringType),
        title="Primary keys",
        description="The fields that identify an order, instead of the detected ones.",
        examples=[["id"]],
    ),
).to_dict()
