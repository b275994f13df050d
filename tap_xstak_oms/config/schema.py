"""The settings as a JSON schema: the source of every list of them.

`--about`, meltano.yml, docs/settings.md and the Hub definition follow from it.
"""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

ENVIRONMENT_PREFIX = "TAP_XSTAK_OMS_"
"""The environment variable of a setting is this and its name in capitals."""
ORDERS_PATH = "/orders/sales_orders"
"""The path of the orders, after `api_url` (O1)."""

_MAX_OVERLAP_HOURS = 24 * 366
_MAX_LOOKBACK_DAYS = 3660

SCHEMA: dict[str, Any] = th.PropertiesList(
    th.Property(
        "client_id",
        th.StringType,
        required=True,
        secret=True,
        title="Client ID",
        description="The ID of the service account that XStak gave you.",
    ),
    th.Property(
        "client_secret",
        th.StringType,
        required=True,
        secret=True,
        title="Client secret",
        description="The secret of that service account. It is sent to auth_url and nowhere else.",
    ),
    th.Property(
        "company_code",
        th.StringType,
        required=True,
        title="Company code",
        description="The code of your company at XStak, also called the realm.",
    ),
    th.Property(
        "location_ids",
        th.ArrayType(th.StringType),
        required=True,
        title="Location IDs",
        description="The IDs of the locations to read, at least one.",
        examples=[["12345"]],
    ),
    th.Property(
        "location_codes",
        th.ObjectType(additional_properties=th.IntegerType),
        title="Location codes",
        description="For locations that also have a code: the integer location_code to send with "
        "each.",
        examples=[{"12345": 67890}],
    ),
    th.Property(
        "order_statuses",
        th.ArrayType(th.StringType),
        default=["pending", "completed"],
        title="Order statuses",
        description="The order statuses (tabs in XStak) to read, in lifecycle order: an order "
        "that moves on during a run is then met again.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        required=True,
        title="Start date",
        description="Orders are read from this date or time on; no run reads older ones. Without "
        "an offset it is in timezone.",
        examples=["2024-10-17T00:00:00+05:00"],
    ),
    th.Property(
        "timezone",
        th.StringType,
        default="Asia/Karachi",
        title="Time zone",
        description="The IANA name of your XStak account's time zone. Requests write dates in it, "
        "and a day begins at its midnight.",
    ),
    th.Property(
        "overlap_hours",
        th.IntegerType(minimum=0, maximum=_MAX_OVERLAP_HOURS),
        default=24,
        title="Overlap in hours",
        description="Each later run reads from this many hours before the bookmark, so that no "
        "order is missed between two runs.",
    ),
    th.Property(
        "lookback_days",
        th.IntegerType(minimum=0, maximum=_MAX_LOOKBACK_DAYS),
        default=30,
        title="Look-back in days",
        description="The first run of each day reads from this many days before the bookmark "
        "instead, to fetch later changes of older orders. It must exceed the longest time an "
        "order lives.",
    ),
    th.Property(
        "auth_url",
        th.URIType,
        default="https://api-copilot-stage-local.xstak.com/v1/admin/service-account/token",
        title="Token URL",
        description="The full URL of the token endpoint. The default is the one in XStak's "
        "document, a staging host: a live account has another.",
    ),
    th.Property(
        "api_url",
        th.URIType,
        default="https://oe-unc-stage-local.xstak.com/oe/v2",
        title="API URL",
        description=f"The URL of the order API, without the {ORDERS_PATH} at its end. The default "
        "is the one in XStak's document, a staging host: a live account has another.",
    ),
    th.Property(
        "token_parameters_in",
        th.StringType,
        default="body",
        allowed_values=["body", "query"],
        title="Place of the credentials",
        description="Where the token request sends the credentials: in a JSON body or in the "
        "query string. With query, proxies write the secret into their logs.",
    ),
    th.Property(
        "grant_type_keys",
        th.ArrayType(th.StringType),
        default=["grantType", "grant type", "grant_type"],
        title="Names of the grant type",
        description="The parameter names under which the token request sends client_credentials. "
        "XStak's document is not clear about the name, so all likely ones are sent.",
    ),
    th.Property(
        "start_date_format",
        th.StringType,
        default="iso8601",
        allowed_values=["iso8601", "epoch_seconds", "epoch_milliseconds"],
        title="Start date format",
        description="How requests write a date: as an ISO 8601 string, or as seconds or "
        "milliseconds since 1970.",
    ),
    th.Property(
        "filters_in",
        th.StringType,
        default="query",
        allowed_values=["query", "body"],
        title="Place of the filters",
        description="Where an order request sends status, location and date: in the query string "
        "or in a JSON body. With body, the page number is sent in both.",
    ),
    th.Property(
        "page_parameter",
        th.StringType,
        default="page",
        title="Page parameter",
        description="The name of the request parameter for the page number.",
    ),
    th.Property(
        "page_size_parameter",
        th.StringType,
        default="size",
        title="Page size parameter",
        description="The name of the request parameter for the page size.",
    ),
    th.Property(
        "page_size",
        th.IntegerType(minimum=1),
        default=100,
        title="Page size",
        description="How many orders to request per page. The server may send fewer.",
    ),
    th.Property(
        "max_concurrent_requests",
        th.IntegerType(minimum=1, maximum=64),
        default=8,
        title="Concurrent requests",
        description="How many requests may be in flight at the same time.",
    ),
    th.Property(
        "max_requests_per_minute",
        th.IntegerType(minimum=1),
        title="Requests a minute",
        description="How many requests may be sent in any minute. If it is not set, there is no "
        "limit.",
    ),
    th.Property(
        "request_timeout_seconds",
        th.IntegerType(minimum=1, maximum=3600),
        default=60,
        title="Request timeout in seconds",
        description="How many seconds a request waits for the next byte from the server, before it "
        "is retried. Connecting may take 10 seconds, a whole answer five times this setting.",
    ),
    th.Property(
        "max_tries",
        th.IntegerType(minimum=1, maximum=100),
        default=8,
        title="Tries",
        description="How many times a request is tried before its partition (a location and "
        "status) fails. The run goes on with the others.",
    ),
    th.Property(
        "max_failed_partitions",
        th.IntegerType(minimum=0),
        default=0,
        title="Failed partitions",
        description="How many partitions (a location and status) may fail before the run fails. "
        "Up to this number, the run warns and exits with 0, unless nothing could be read.",
    ),
    th.Property(
        "max_read_passes",
        th.IntegerType(minimum=1, maximum=100),
        default=3,
        title="Read passes",
        description="How many times a run reads a partition (a location and status) at most, if "
        "its orders move between pages.",
    ),
    th.Property(
        "infer_schema",
        th.BooleanType,
        default=True,
        title="Infer the schema",
        description="Whether discovery samples orders to find their columns. If false, the whole "
        "order is in the column _extra.",
    ),
    th.Property(
        "primary_keys",
        th.ArrayType(th.StringType),
        title="Primary keys",
        description="The fields that together identify an order. They override the key that the "
        "tap detects.",
        examples=[["id"]],
    ),
    th.Property(
        "timestamp_fields",
        th.ArrayType(th.StringType),
        title="Timestamp fields",
        description="Fields whose times are not ISO 8601 with an offset: they have no offset (and "
        "are read in timezone), or are seconds or milliseconds since 1970, or /Date(ms)/. They "
        "become timestamps in UTC. Discovery names the fields that look like it.",
        examples=[["created_at"]],
    ),
    th.Property(
        "nested_schema",
        th.StringType,
        default="open",
        allowed_values=["open", "declared"],
        title="Nested schema",
        description="Whether the schema for loaders only says which columns hold objects and lists "
        "(open), or declares their members too (declared). With declared, a member that does not "
        "fit moves the whole value to the column _extra.",
    ),
    th.Property(
        "shard_index",
        th.IntegerType(minimum=0),
        title="Shard index",
        description="The shard of the locations to read, counted from 0. If it is not set, all "
        "locations are read.",
    ),
    th.Property(
        "shard_count",
        th.IntegerType(minimum=1),
        title="Shard count",
        description="How many shards the locations are split into, by a hash of their IDs. The "
        "limits hold for each shard.",
    ),
).to_dict()


def kind_of(schema: dict[str, Any]) -> str:
    """The JSON type of a setting, null aside."""
    types = schema["type"]
    return types if isinstance(types, str) else next(kind for kind in types if kind != "null")


def choices_of(schema: dict[str, Any]) -> list[str]:
    """The only values that a setting may have, null aside; empty if it may have others."""
    return [value for value in schema.get("enum", ()) if value is not None]
