"""What a user may say in the configuration, and what is said when it is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.config.settings import Partition, Settings
from tap_xstak_oms.errors import SettingsError

NOW = datetime(2024, 12, 1, tzinfo=UTC)
SECRET = "never-print-this-secret"
MINIMAL: dict[str, Any] = {
    "client_id": "client",
    "client_secret": SECRET,
    "company_code": "company",
    "location_ids": ["1", "2"],
    "start_date": "2024-10-17T00:00:00+05:00",
}


def parse(**changes: Any) -> Settings:
    """The settings of the smallest configuration with some changes."""
    return Settings.parse(MINIMAL | changes, now=NOW)


def problems(**changes: Any) -> list[str]:
    """What is wrong with the smallest configuration after some changes."""
    with pytest.raises(SettingsError) as caught:
        parse(**changes)
    assert SECRET not in str(caught.value)
    return caught.value.problems


def test_the_defaults_of_the_schema_are_the_settings() -> None:
    """What is not set has the default that the schema tells."""
    settings = parse()
    for name, schema in SCHEMA["properties"].items():
        if "default" in schema and name != "timezone":
            value = getattr(settings, name)
            assert (list(value) if isinstance(value, tuple) else value) == schema["default"]
    assert settings.timezone.key == "Asia/Karachi"
    assert settings.max_requests_per_minute is None


def test_partitions_have_statuses_outermost() -> None:
    """All locations are read in one status before any is read in the next."""
    assert parse().partitions == (
        Partition("pending", "1"),
        Partition("pending", "2"),
        Partition("completed", "1"),
        Partition("completed", "2"),
    )


def test_a_context_holds_location_and_status_alone() -> None:
    """The key of the state holds nothing that may change from run to run."""
    assert Partition("pending", "1").context == {"_location_id": "1", "_order_status": "pending"}


def test_integers_are_taken_as_location_ids() -> None:
    """A location id that was written without quotes is the same location."""
    assert parse(location_ids=[12345, "7"]).location_ids == ("12345", "7")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("page_size", "50", 50),
        ("infer_schema", "false", False),
        ("location_ids", '["7", "8"]', ("7", "8")),
        ("location_ids", "7, 8", ("7", "8")),
        ("primary_keys", '["id"]', ("id",)),
    ],
)
def test_text_is_taken_for_any_type(name: str, text: str, value: object) -> None:
    """Environment variables and forms hold text; it means what it says."""
    assert getattr(parse(**{name: text}), name) == value


def test_a_null_means_not_set() -> None:
    """A setting that is null has its default."""
    assert parse(page_size=None, location_codes=None).page_size == 100


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-10-17T05:10:06+05:00", datetime(2024, 10, 17, 0, 10, 6, tzinfo=UTC)),
        ("2024-10-17T05:10:06+5:00", datetime(2024, 10, 17, 0, 10, 6, tzinfo=UTC)),
        ("2024-10-17T05:10:06+0500", datetime(2024, 10, 17, 0, 10, 6, tzinfo=UTC)),
        ("2024-10-17T05:10:06", datetime(2024, 10, 17, 0, 10, 6, tzinfo=UTC)),
        ("2024-10-17T05:10:06.5Z", datetime(2024, 10, 17, 5, 10, 6, 500000, tzinfo=UTC)),
        ("2024-10-17 05:10", datetime(2024, 10, 17, 0, 10, tzinfo=UTC)),
        ("2024-10-17", datetime(2024, 10, 16, 19, tzinfo=UTC)),
    ],
)
def test_start_date_is_read_in_the_zone_of_the_account(text: str, moment: datetime) -> None:
    """A start date without an offset is local to the account; the vendor's `+5:00` is read (C5)."""
    assert parse(start_date=text).start_date == moment


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"client_secret": None}, "`client_secret` (TAP_XSTAK_OMS_CLIENT_SECRET) is missing: "),
        ({"client_id": ""}, "`client_id` must be a string that is not empty, "),
        ({"client_secret": [SECRET]}, "`client_secret` must be a string that is not empty, "),
        ({"location_ids": None}, "`location_ids` (TAP_XSTAK_OMS_LOCATION_IDS) is missing: "),
        ({"location_ids": []}, "`location_ids` must not be empty."),
        ({"location_ids": ["1", 1]}, "`location_ids` names 1 more than once."),
        ({"client_id": "a\nb"}, "`client_id` must be a string that is not empty, without control"),
        ({"client_secret": "a\ud800"}, "`client_secret` must be a string that is not empty, "),
        ({"location_ids": ["a\0"]}, "`location_ids` must be a list of strings, such as "),
        ({"location_ids": "[" * 100_000}, "`location_ids` must be a list of strings, such as "),
        ({"location_codes": '{"":' * 100_000}, "`location_codes` must be an object of "),
        ({"location_ids": [""]}, "`location_ids` must be a list of strings, such as "),
        ({"location_ids": {"1": 2}}, "`location_ids` must be a list of strings, such as "),
        ({"location_ids": "[1"}, "`location_ids` must be a list of strings, such as "),
        ({"order_statuses": []}, "`order_statuses` must not be empty."),
        ({"order_statuses": ["a", "a"]}, "`order_statuses` names a more than once."),
        ({"location_codes": {"9": 1}}, "`location_codes` names 9: not in `location_ids`."),
        ({"location_codes": {"1": "x"}}, "`location_codes` must be an object of "),
        ({"location_codes": [1]}, "`location_codes` must be an object of "),
        ({"timezone": "Asia/Krachi"}, "`timezone` must be the IANA name of a time zone"),
        ({"timezone": "../secrets"}, "`timezone` must be the IANA name of a time zone"),
        ({"start_date": "yesterday"}, "`start_date` must be a date or a time in ISO 8601"),
        ({"start_date": "2024-13-01"}, "`start_date` must be a date or a time in ISO 8601"),
        ({"start_date": "2024-12-02"}, "`start_date` must not lie in the future."),
        ({"start_date": "0001-01-01"}, "`start_date` must be in 1900 or later."),
        ({"start_date": "0001-01-01T00:00:00+14:00"}, "`start_date` must be in 1900 or later."),
        ({"start_date": "1899-12-31T23:59:59Z"}, "`start_date` must be in 1900 or later."),
        ({"start_date": "9999-12-31T23:59:59-14:00"}, "`start_date` must not lie in the future."),
        ({"page_size": 0}, "`page_size` must be an integer of 1 or more."),
        ({"page_size": 1.5}, "`page_size` must be an integer of 1 or more."),
        ({"page_size": True}, "`page_size` must be an integer of 1 or more."),
        ({"page_size": "many"}, "`page_size` must be an integer of 1 or more."),
        ({"lookback_days": -1}, "`lookback_days` must be an integer from 0 to 3660."),
        ({"overlap_hours": -1}, "`overlap_hours` must be an integer from 0 to 8784."),
        ({"max_concurrent_requests": 65}, "`max_concurrent_requests` must be an integer "),
        ({"infer_schema": "perhaps"}, "`infer_schema` must be true or false."),
        ({"filters_in": "header"}, "`filters_in` must be one of query, body."),
        ({"start_date_format": "unix"}, "`start_date_format` must be one of iso8601, "),
        ({"token_parameters_in": "x"}, "`token_parameters_in` must be one of body, query."),
        ({"api_url": "api.example.com"}, "`api_url` must be a URL that begins with https://."),
        ({"api_url": "https://[bad"}, "`api_url` must be a URL that begins with https://."),
        ({"api_url": "http://example.com"}, "`api_url` must begin with https://"),
        ({"auth_url": "http://10.0.0.1/token"}, "`auth_url` must begin with https://"),
        ({"auth_url": "https://u:p@example.com"}, "`auth_url` must hold neither user name"),
        (
            {"api_url": "https://example.com/oe/v2/orders/sales_orders"},
            "`api_url` must not end in /orders/sales_orders",
        ),
        ({"batch_config": {"encoding": {}}}, "`batch_config` is not offered: "),
        (
            {"shard_index": 0},
            "`shard_index` and `shard_count` go together: `shard_count` is missing.",
        ),
        (
            {"shard_count": 2},
            "`shard_index` and `shard_count` go together: `shard_index` is missing.",
        ),
        (
            {"shard_index": 2, "shard_count": 2},
            "`shard_index` counts from 0, and must be less than `shard_count`: not 2 of 2.",
        ),
        (
            {"shard_index": -1, "shard_count": 2},
            "`shard_index` must be an integer of 0 or more.",
        ),
        (
            {"shard_index": 0, "shard_count": 0},
            "`shard_count` must be an integer of 1 or more.",
        ),
        (
            {"shard_index": "first", "shard_count": 2},
            "`shard_index` must be an integer of 0 or more.",
        ),
    ],
)
def test_each_mistake_is_told_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    """A mistake is told in one sentence that names the setting and what would be right."""
    [problem] = problems(**changes)
    assert problem.startswith(sentence)


def test_all_problems_are_told_at_once() -> None:
    """Three mistakes are three problems."""
    found = problems(page_size=0, timezone="Nowhere/Land", start_date="soon")
    assert [problem.split("`")[1] for problem in found] == ["page_size", "timezone", "start_date"]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8765/oe/v2", "http://localhost/oe/v2", "http://[::1]:1/oe/v2"],
)
def test_plain_http_goes_no_further_than_this_machine(url: str) -> None:
    """Nobody can listen in on the loopback interface, so plain http is accepted there."""
    assert parse(api_url=url + "/").api_url == url


def test_a_start_date_may_be_this_moment() -> None:
    """Only what lies after the present is refused."""
    assert parse(start_date=NOW.isoformat()).start_date == NOW
    assert problems(start_date=(NOW + timedelta(seconds=1)).isoformat())


def test_settings_do_not_print_themselves() -> None:
    """No log line can hold a secret by holding the settings."""
    assert SECRET not in repr(parse())
