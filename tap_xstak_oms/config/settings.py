"""The settings, checked and frozen. Nothing else reads raw configuration."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.config.checks import checked
from tap_xstak_oms.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pendulum

DECIDE_WHAT_IS_THERE = (
    "`location_ids`, `order_statuses`, `company_code`, `start_date` and `start_date_format`"
)
"""The settings to check if orders are missing."""


@dataclass(frozen=True, slots=True)
class Partition:
    """The orders of a location that have a status: one series of pages."""

    order_status: str
    location_id: str

    @property
    def context(self) -> dict[str, str]:
        """The key of the partition in the state, and nothing else."""
        return {"_location_id": self.location_id, "_order_status": self.order_status}

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> Partition | None:
        """The partition of a state's context; None if the context has other keys.

        An id that another program wrote as an integer is the same id.
        """
        if context.keys() != {"_location_id", "_order_status"}:
            return None
        return cls(str(context["_order_status"]), str(context["_location_id"]))

    def __str__(self) -> str:
        return f"the {self.order_status} orders of location {self.location_id}"


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """A checked configuration; `SCHEMA` says what each setting means. Never printed."""

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
    max_failed_partitions: int
    max_read_passes: int
    infer_schema: bool
    primary_keys: tuple[str, ...] | None
    timestamp_fields: tuple[str, ...] | None
    nested_schema: str
    shard_index: int | None
    shard_count: int | None

    @classmethod
    def parse(cls, config: Mapping[str, Any], *, now: datetime) -> Settings:
        """Check a configuration.

        Args:
            config: The raw configuration: JSON values, or text for any of them, as from forms and
                environment variables.
            now: The present, which `start_date` must not exceed.

        Raises:
            SettingsError: With every problem.
        """
        values, problems = checked(config, now)
        if problems:
            raise SettingsError(problems)
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    def as_config(self) -> dict[str, Any]:
        """The settings as raw configuration: JSON values."""
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
        """The partitions of all shards, statuses outermost: an order that moves on is met again."""
        return tuple(
            Partition(status, location)
            for status in self.order_statuses
            for location in self.location_ids
        )

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The partitions to read: those whose location is in this shard."""
        count = self.shard_count
        if count is None:
            return self.all_partitions
        return tuple(
            partition
            for partition in self.all_partitions
            if shard_of(partition.location_id, count) == self.shard_index
        )


def shard_of(location_id: str, shard_count: int) -> int:
    """The index of a location's shard: the same on every machine, independent of other locations.

    The first 8 bytes of the SHA-256 of the id in UTF-8, as a big-endian number, modulo the number
    of shards.
    """
    digest = hashlib.sha256(location_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard_count
