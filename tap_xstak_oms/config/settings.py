"""The settings: what a user may say, and the one place where it is checked.

`Settings.parse` turns a raw configuration into a frozen `Settings`, or reports every problem
at once. Nobody else reads raw configuration.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pendulum

from tap_xstak_oms.config.schema import ORDERS_PATH, SCHEMA
from tap_xstak_oms.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

CREDENTIALS = ("client_id", "client_secret", "company_code")
DECIDE_WHAT_IS_THERE = (
    "`location_ids`, `order_statuses`, `company_code`, `start_date` and `start_date_format`"
)
"""Where to look if there are fewer orders than there should be."""
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")
_ISO_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<time>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s?"
    r"(?P<offset>Z|[+-]\d{1,2}(?::?\d\d)?)?)?",
)


@dataclass(frozen=True, slots=True)
class Partition:
    """What one series of pages is about: the orders of a location that have a status."""

    order_status: str
    location_id: str

    @property
    def context(self) -> dict[str, str]:
        """The key of the partition in the state, and nothing else."""
        return {"_location_id": self.location_id, "_order_status": self.order_status}

    def __str__(self) -> str:
        return f"the {self.order_status} orders of location {self.location_id}"


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """A checked configuration, of the meaning that `SCHEMA` tells. Never printed."""

    client_id: str
    client_secret: str
    company_code: str
    location_ids: tuple[str, ...]
    location_codes: Mapping[str, int]
    order_statuses: tuple[str, ...]
    start_date: datetime
    timezone: pendulum.Timezone
    overlap_hours: int
    lookback_days: int
    auth_url: str
    api_url: str
    token_parameters_in: str
    grant_type_keys: tuple[str, ...]
    start_date_format: str
    filters_in: str
    page_parameter: str
    page_size_parameter: str
    page_size: int
    max_concurrent_requests: int
    max_requests_per_minute: int | None
    request_timeout_seconds: int
    max_tries: int
    max_read_passes: int
    infer_schema: bool
    primary_keys: tuple[str, ...] | None
    shard_index: int | None
    shard_count: int | None

    @classmethod
    def parse(cls, config: Mapping[str, Any], *, now: datetime) -> Settings:
        """Check a configuration.

        Args:
            config: The raw configuration: JSON values, or text for any of them, as forms and
                environment variables have it.
            now: The present, which `start_date` must not exceed.

        Raises:
            SettingsError: Telling every problem.
        """
        parser = _Parser(config)
        values = {name: parser.value(name) for name in SCHEMA["properties"]}
        for check in _CHECKS:
            check(parser, values)
        values["start_date"] = _start_date(parser, values, now)
        if parser.problems:
            raise SettingsError(parser.problems)
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    def as_config(self) -> dict[str, Any]:
        """The same as a raw configuration of JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["start_date"] = self.start_date.isoformat()
        values["timezone"] = self.timezone.key
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value is not None
        }

    @property
    def all_partitions(self) -> tuple[Partition, ...]:
        """What all shards read, statuses outermost: an order that moves on is met again later."""
        return tuple(
            Partition(status, location)
            for status in self.order_statuses
            for location in self.location_ids
        )

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """What to read: those of all partitions whose location is in this shard."""
        count = self.shard_count
        if count is None:
            return self.all_partitions
        return tuple(
            partition
            for partition in self.all_partitions
            if shard_of(partition.location_id, count) == self.shard_index
        )


def shard_of(location_id: str, shard_count: int) -> int:
    """The index of the shard that a location is in.

    The first 8 bytes of the SHA-256 of the id in UTF-8, as a big-endian number, modulo the number
    of shards: the same on every machine and in every Python, whatever other locations there are.
    """
    digest = hashlib.sha256(location_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard_count


def missing_credentials(config: Mapping[str, Any]) -> list[str]:
    """The names of the credentials that a configuration does not hold."""
    return [name for name in CREDENTIALS if config.get(name) in (None, "")]


class _Parser:
    """One pass over a raw configuration: values of the right type, or problems."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.problems: list[str] = []

    def problem(self, text: str) -> None:
        self.problems.append(text)

    def value(self, name: str) -> Any:  # noqa: ANN401 - of the type that the schema tells
        """The value of a setting in its type, or None where it is not set or wrong."""
        schema = SCHEMA["properties"][name]
        raw = self.config.get(name)
        if raw is None:
            if name in SCHEMA["required"]:
                self.problem(f"`{name}` is missing: {schema['description']}")
            return schema.get("default")
        kind = next(kind for kind in _types(schema) if kind != "null")
        try:
            value = _COERCIONS[kind](raw)
        except (ValueError, TypeError):
            self.problem(f"`{name}` must be {_expectation(schema)}.")
            return None
        self._check_limits(name, schema, value)
        return value

    def _check_limits(self, name: str, schema: Mapping[str, Any], value: Any) -> None:  # noqa: ANN401
        allowed = schema.get("enum")
        low, high = schema.get("minimum"), schema.get("maximum")
        fits = (
            (allowed is None or value in allowed)
            and (low is None or value >= low)
            and (high is None or value <= high)
        )
        if not fits:
            self.problem(f"`{name}` must be {_expectation(schema)}.")


def _types(schema: Mapping[str, Any]) -> list[str]:
    types = schema["type"]
    return [types] if isinstance(types, str) else list(types)


def _expectation(schema: Mapping[str, Any]) -> str:
    """What a value of a setting looks like: "a whole number from 1 to 64"."""
    if "enum" in schema:
        return "one of " + ", ".join(value for value in schema["enum"] if value)
    types = _types(schema)
    if "integer" in types:
        low, high = schema.get("minimum"), schema.get("maximum")
        limits = f"of {low} or more" if high is None else f"from {low} to {high}"
        return f"a whole number {limits}"
    if "array" in types:
        return "a list of texts, such as " + json.dumps(schema.get("default", ["12345"]))
    if "object" in types:
        return 'an object of location ids and whole numbers, such as {"12345": 67890}'
    return "true or false" if "boolean" in types else "a text that is not empty"


def _text(raw: object) -> str:
    # A code that consists of digits is easily written without quotes.
    if isinstance(raw, bool) or not isinstance(raw, (str, int)):
        raise TypeError
    text = str(raw).strip()
    if not text:
        raise ValueError
    return text


def _integer(raw: object) -> int:
    if isinstance(raw, bool):
        raise TypeError
    value = int(str(raw))
    if isinstance(raw, str) or value == raw:
        return value
    raise ValueError


def _boolean(raw: object) -> bool:
    text = str(raw).strip().lower()
    if text not in _TRUE + _FALSE:
        raise ValueError
    return text in _TRUE


def _texts(raw: object) -> tuple[str, ...]:
    if isinstance(raw, str):
        raw = json.loads(raw) if raw.lstrip().startswith("[") else raw.split(",")
    if not isinstance(raw, (list, tuple)):
        raise TypeError
    return tuple(_text(item) for item in raw)


def _integers_by_text(raw: object) -> dict[str, int]:
    value = json.loads(raw) if isinstance(raw, str) else raw
    if not isinstance(value, dict):
        raise TypeError
    return {_text(key): _integer(item) for key, item in value.items()}


_COERCIONS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "integer": _integer,
    "boolean": _boolean,
    "array": _texts,
    "object": _integers_by_text,
}


def _check_lists(parser: _Parser, values: dict[str, Any]) -> None:
    for name in ("location_ids", "order_statuses", "grant_type_keys", "primary_keys"):
        items = values[name]
        if items is None:
            continue
        if not items:
            parser.problem(f"`{name}` must not be empty.")
        repeated = sorted(item for item, times in Counter(items).items() if times > 1)
        if repeated:
            parser.problem(f"`{name}` names {', '.join(repeated)} more than once.")


def _check_location_codes(parser: _Parser, values: dict[str, Any]) -> None:
    values["location_codes"] = values["location_codes"] or {}
    unknown = sorted(set(values["location_codes"]) - set(values["location_ids"] or ()))
    if unknown and values["location_ids"]:
        parser.problem(f"`location_codes` names {', '.join(unknown)}: not in `location_ids`.")


def _check_urls(parser: _Parser, values: dict[str, Any]) -> None:
    for name in ("auth_url", "api_url"):
        if values[name] is not None and (complaint := _url_complaint(values[name])):
            parser.problem(f"`{name}` {complaint}")
    api_url = values["api_url"] = (values["api_url"] or "").rstrip("/")
    if api_url.endswith(ORDERS_PATH):
        parser.problem(f"`api_url` must be what stands before {ORDERS_PATH}, without it.")


def _url_complaint(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("https", "http"):
        return "must be a URL that begins with https://."
    if parts.username or parts.password or parts.query or parts.fragment:
        return "must hold neither user name, password, query nor fragment."
    if parts.scheme == "http" and not _is_loopback(host):
        return "must begin with https://: a client secret does not travel in clear text."
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_timezone(parser: _Parser, values: dict[str, Any]) -> None:
    name, values["timezone"] = values["timezone"], None
    try:
        values["timezone"] = pendulum.timezone(name) if name else None
    except (KeyError, ValueError, OSError):  # no such zone, not a name, the name of a folder
        parser.problem("`timezone` must be the IANA name of a zone, such as Asia/Karachi.")


def _check_shard(parser: _Parser, values: dict[str, Any]) -> None:
    names = ("shard_index", "shard_count")
    missing = [name for name in names if parser.config.get(name) is None]
    if len(missing) == 1:
        parser.problem(f"`shard_index` and `shard_count` go together: `{missing[0]}` is missing.")
    index, count = (values[name] for name in names)
    if index is not None and count is not None and index >= count >= 1:
        parser.problem(
            f"`shard_index` must be less than `shard_count`, for it counts from 0: not {index} of "
            f"{count}.",
        )


def _check_batch(parser: _Parser, _values: dict[str, Any]) -> None:
    if parser.config.get("batch_config"):
        parser.problem(
            "`batch_config` is not offered: BATCH files would bypass stream maps and selection. "
            "Remove it.",
        )


_CHECKS = (
    _check_lists,
    _check_location_codes,
    _check_urls,
    _check_timezone,
    _check_shard,
    _check_batch,
)


def _start_date(parser: _Parser, values: dict[str, Any], now: datetime) -> datetime | None:
    """The start date as a point in time; where it has no offset, in the account's zone (C5)."""
    if values["start_date"] is None:
        return None
    match = _ISO_TIME.fullmatch(values["start_date"])
    try:
        parsed = _parse_time(match, values["timezone"]) if match else None
    except ValueError:
        parsed = None
    if parsed is None:
        parser.problem(
            "`start_date` must be a date or a time in ISO 8601, such as 2024-10-17T00:00:00+05:00.",
        )
    elif parsed > now:
        parser.problem("`start_date` must not lie in the future.")
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
