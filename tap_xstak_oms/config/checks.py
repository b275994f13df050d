"""The values of a configuration, and everything that is wrong with them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pendulum

from tap_xstak_oms.config.hosts import is_host, is_loopback
from tap_xstak_oms.config.schema import ENVIRONMENT_PREFIX, ORDERS_PATH, SCHEMA
from tap_xstak_oms.config.values import coerce

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_ISO_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s?"
    r"(?:(?P<utc>Z)|(?P<sign>[+-])(?P<hours>\d{1,2}?)(?::?(?P<minutes>\d\d))?)?)?",
)
_EARLIEST_YEAR = 1900
_ORDER_PARAMETERS = frozenset({"order_status", "locationId", "location_code", "start_date"})
_TOKEN_PARAMETERS = frozenset({"clientId", "clientSecret", "companyCode"})
"""Names of request parameters that no setting changes (O3-O6, A2)."""
_LISTS = ("location_ids", "order_statuses", "grant_type_keys", "primary_keys", "timestamp_fields")


def checked(config: Mapping[str, Any], now: datetime) -> tuple[dict[str, Any], list[str]]:
    """Read a raw configuration, and find every problem.

    Args:
        config: The raw configuration.
        now: The present, which `start_date` must not exceed.

    Returns:
        The values of all settings, None where one is not set or wrong; and a sentence for each
        problem.
    """
    values: dict[str, Any] = {}
    # In this order: a check reads, and may replace, what those before it have found.
    problems = [
        *_types(config, values),
        *_lists(values),
        *_location_codes(values),
        *_urls(values),
        *_parameters(values),
        *_timezone(values),
        *_shard(config, values),
        *_batch(config),
        *_start_date(values, now),
    ]
    return values, problems


def _types(config: Mapping[str, Any], values: dict[str, Any]) -> Iterator[str]:
    for name, schema in SCHEMA["properties"].items():
        raw = config.get(name)
        values[name] = schema.get("default") if raw is None else None
        if raw is not None:
            try:
                values[name] = coerce(raw, schema)
            except ValueError as error:
                yield f"`{name}` must be {error}."
        elif name in SCHEMA["required"]:
            variable = ENVIRONMENT_PREFIX + name.upper()
            yield f"`{name}` ({variable}) is missing: {schema['description']}"


def _lists(values: Mapping[str, Any]) -> Iterator[str]:
    for name in _LISTS:
        items = values[name]
        if items is None:
            continue
        if not items:
            yield f"`{name}` must not be empty."
        repeated = sorted(item for item, times in Counter(items).items() if times > 1)
        if repeated:
            yield f"`{name}` names {', '.join(repeated)} more than once."


def _location_codes(values: dict[str, Any]) -> Iterator[str]:
    values["location_codes"] = values["location_codes"] or {}
    unknown = sorted(set(values["location_codes"]) - set(values["location_ids"] or ()))
    if unknown and values["location_ids"]:
        yield f"`location_codes` names {', '.join(unknown)}: not in `location_ids`."


def _urls(values: dict[str, Any]) -> Iterator[str]:
    for name in ("auth_url", "api_url"):
        if values[name] is not None and (complaint := _url_complaint(values[name])):
            yield f"`{name}` {complaint}"
    api_url = values["api_url"] = (values["api_url"] or "").rstrip("/")
    if api_url.endswith(ORDERS_PATH):
        yield f"`api_url` must not end in {ORDERS_PATH}: the tap adds it."


def _url_complaint(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("https", "http"):
        return "must be a URL that begins with https://."
    if not is_host(host):
        return f"must name a host: {host} is no valid host name."
    if parts.username or parts.password or parts.query or parts.fragment:
        return "must hold neither user name, password, query nor fragment."
    if parts.scheme == "http" and not is_loopback(host):
        return "must begin with https://: a client secret does not travel in clear text."
    return None


def _parameters(values: Mapping[str, Any]) -> Iterator[str]:
    """No two parameters of one request have the same name: the server would mix them up.

    Many servers ignore case.
    """
    page, size = values["page_parameter"] or "", values["page_size_parameter"] or ""
    for setting, names, others in (
        ("page_parameter", [page], _ORDER_PARAMETERS),
        ("page_size_parameter", [size], {*_ORDER_PARAMETERS, page}),
        ("grant_type_keys", values["grant_type_keys"] or (), _TOKEN_PARAMETERS),
    ):
        folded = set(map(str.casefold, others))
        for name in names:
            if name and name.casefold() in folded:
                yield f"`{setting}` must not be {name}: another parameter has that name."


def _timezone(values: dict[str, Any]) -> Iterator[str]:
    name, values["timezone"] = values["timezone"], None
    try:
        values["timezone"] = pendulum.timezone(name) if name else None
    except (KeyError, ValueError, OSError):  # no such zone, not a name, the name of a folder
        yield "`timezone` must be the IANA name of a time zone, such as Asia/Karachi."


def _shard(config: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[str]:
    names = ("shard_index", "shard_count")
    missing = [name for name in names if config.get(name) is None]
    if len(missing) == 1:
        yield f"`shard_index` and `shard_count` go together: `{missing[0]}` is missing."
    index, count = (values[name] for name in names)
    if index is not None and count is not None and index >= count >= 1:
        yield (
            "`shard_index` counts from 0, and must be less than `shard_count`: not "
            f"{index} of {count}."
        )


def _batch(config: Mapping[str, Any]) -> Iterator[str]:
    if config.get("batch_config"):
        yield (
            "`batch_config` is not offered: BATCH files would bypass stream maps and selection. "
            "Remove it."
        )


def _start_date(values: dict[str, Any], now: datetime) -> Iterator[str]:
    text, values["start_date"] = values["start_date"], None
    if text is None:
        return
    start_date = values["start_date"] = _time(text, values["timezone"])
    if start_date is None:
        yield (
            "`start_date` must be a date or a time in ISO 8601, such as 2024-10-17T00:00:00+05:00."
        )
    elif start_date.year < _EARLIEST_YEAR:
        # Far below, dates are not valid in every zone.
        yield f"`start_date` must be in {_EARLIEST_YEAR} or later."
    elif start_date > now:
        yield "`start_date` must not lie in the future."


def _time(text: str, timezone: pendulum.Timezone | None) -> datetime | None:
    """Parse a time; one without an offset is in the account's zone (C5).

    The offset in the vendor's example, `+5:00`, is not valid ISO 8601, but is accepted.
    """
    match = _ISO_TIME.fullmatch(text)
    if match is None:
        return None
    date, time, utc, sign, hours, minutes = match.groups("")
    offset = f"{sign}{hours:0>2}:{minutes or '00'}" if sign else utc
    try:
        parsed = pendulum.parse(f"{date}T{time or '00:00'}{offset}", tz=timezone or "UTC")
    except (ValueError, OverflowError):
        return None
    return cast("pendulum.DateTime", parsed)
