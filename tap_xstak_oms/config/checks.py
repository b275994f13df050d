"""What a configuration must keep to beyond the type of each setting."""

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
    from collections.abc import Mapping
    from datetime import datetime

_ISO_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s?"
    r"(?P<offset>Z|[+-]\d{1,2}(?::?\d\d)?)?)?",
)
_EARLIEST_YEAR = 1900
_ORDER_PARAMETERS = frozenset({"order_status", "locationId", "location_code", "start_date"})
_TOKEN_PARAMETERS = frozenset({"clientId", "clientSecret", "companyCode"})
"""What a request says under names that no setting changes (O3-O6, A2)."""


class Check:
    """One look at a raw configuration: values of the right type, and every problem.

    Attributes:
        config: The raw configuration.
        problems: One sentence each.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.problems: list[str] = []

    def values(self, now: datetime) -> dict[str, Any]:
        """The values of all settings, None where one is not set or wrong.

        Args:
            now: The present, which `start_date` must not exceed.
        """
        values = {name: self._value(name) for name in SCHEMA["properties"]}
        for check in _CHECKS:
            check(self, values)
        values["start_date"] = _start_date(self, values, now)
        return values

    def problem(self, text: str) -> None:
        """Note a problem."""
        self.problems.append(text)

    def _value(self, name: str) -> Any:  # noqa: ANN401 - of the type that the schema tells
        schema = SCHEMA["properties"][name]
        raw = self.config.get(name)
        if raw is None:
            if name in SCHEMA["required"]:
                variable = ENVIRONMENT_PREFIX + name.upper()
                self.problem(f"`{name}` ({variable}) is missing: {schema['description']}")
            return schema.get("default")
        try:
            return coerce(raw, schema)
        except ValueError as error:
            self.problem(f"`{name}` must be {error}.")
            return None


_LISTS = ("location_ids", "order_statuses", "grant_type_keys", "primary_keys", "timestamp_fields")


def _check_lists(check: Check, values: dict[str, Any]) -> None:
    for name in _LISTS:
        items = values[name]
        if items is None:
            continue
        if not items:
            check.problem(f"`{name}` must not be empty.")
        repeated = sorted(item for item, times in Counter(items).items() if times > 1)
        if repeated:
            check.problem(f"`{name}` names {', '.join(repeated)} more than once.")


def _check_location_codes(check: Check, values: dict[str, Any]) -> None:
    values["location_codes"] = values["location_codes"] or {}
    unknown = sorted(set(values["location_codes"]) - set(values["location_ids"] or ()))
    if unknown and values["location_ids"]:
        check.problem(f"`location_codes` names {', '.join(unknown)}: not in `location_ids`.")


def _check_urls(check: Check, values: dict[str, Any]) -> None:
    for name in ("auth_url", "api_url"):
        if values[name] is not None and (complaint := _url_complaint(values[name])):
            check.problem(f"`{name}` {complaint}")
    api_url = values["api_url"] = (values["api_url"] or "").rstrip("/")
    if api_url.endswith(ORDERS_PATH):
        check.problem(f"`api_url` must not end in {ORDERS_PATH}: the tap adds it.")


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


def _check_parameters(check: Check, values: dict[str, Any]) -> None:
    """No two parameters of one request have one name: one would be sent as the other.

    Many servers do not tell upper case from lower.
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
                check.problem(f"`{setting}` must not be {name}: another parameter has that name.")


def _check_timezone(check: Check, values: dict[str, Any]) -> None:
    name, values["timezone"] = values["timezone"], None
    try:
        values["timezone"] = pendulum.timezone(name) if name else None
    except (KeyError, ValueError, OSError):  # no such zone, not a name, the name of a folder
        check.problem("`timezone` must be the IANA name of a time zone, such as Asia/Karachi.")


def _check_shard(check: Check, values: dict[str, Any]) -> None:
    names = ("shard_index", "shard_count")
    missing = [name for name in names if check.config.get(name) is None]
    if len(missing) == 1:
        check.problem(f"`shard_index` and `shard_count` go together: `{missing[0]}` is missing.")
    index, count = (values[name] for name in names)
    if index is not None and count is not None and index >= count >= 1:
        check.problem(
            "`shard_index` counts from 0, and must be less than `shard_count`: not "
            f"{index} of {count}.",
        )


def _check_batch(check: Check, _values: dict[str, Any]) -> None:
    if check.config.get("batch_config"):
        check.problem(
            "`batch_config` is not offered: BATCH files would bypass stream maps and selection. "
            "Remove it.",
        )


_CHECKS = (
    _check_lists,
    _check_location_codes,
    _check_urls,
    _check_parameters,
    _check_timezone,
    _check_shard,
    _check_batch,
)


def _start_date(check: Check, values: dict[str, Any], now: datetime) -> datetime | None:
    """The start date as a point in time; where it has no offset, in the account's zone (C5)."""
    if values["start_date"] is None:
        return None
    match = _ISO_TIME.fullmatch(values["start_date"])
    try:
        parsed = _parse_time(match, values["timezone"]) if match else None
    except (ValueError, OverflowError):
        parsed = None
    if parsed is None:
        check.problem(
            "`start_date` must be a date or a time in ISO 8601, such as 2024-10-17T00:00:00+05:00.",
        )
    elif parsed.year < _EARLIEST_YEAR:
        # Far below, dates are not valid in every zone.
        check.problem(f"`start_date` must be in {_EARLIEST_YEAR} or later.")
    elif parsed > now:
        check.problem("`start_date` must not lie in the future.")
    return parsed


def _parse_time(match: re.Match[str], timezone: pendulum.Timezone | None) -> datetime:
    text = f"{match['date']}T{match['time'] or '00:00'}{_valid_offset(match['offset'])}"
    return cast("pendulum.DateTime", pendulum.parse(text, tz=timezone or "UTC"))


def _valid_offset(offset: str | None) -> str:
    """The vendor's own example, `+5:00`, is not valid ISO 8601 (C5)."""
    if offset is None or offset == "Z":
        return offset or ""
    hours, _, minutes = offset[1:].partition(":")
    if len(hours) > 2:  # noqa: PLR2004 - two digits of hours, then minutes: +0500
        hours, minutes = hours[:-2], hours[-2:]
    return f"{offset[0]}{hours:0>2}:{minutes or '00'}"
