"""What a request says. The settings for doubtful points of the vendor's document apply here only.

VENDOR_API C1-C7; the parameters themselves are A1-A3 and O1-O6.
"""

from __future__ import annotations

import json
from datetime import UTC
from http import HTTPStatus
from typing import TYPE_CHECKING

from tap_xstak_oms.api.exchange import HTTPRequest
from tap_xstak_oms.config.schema import ORDERS_PATH

if TYPE_CHECKING:
    from datetime import datetime

    from tap_xstak_oms.api.auth import Token
    from tap_xstak_oms.config.settings import Partition, Settings

TOKEN_HEADER = "token"  # noqa: S105 - the header's name (O2)
GRANT_TYPE = "client_credentials"
_JSON_BODY = {"Content-Type": "application/json"}
_SMALLER = "; fewer orders a page may help (`page_size`)"
_NOT_ACCEPTED = (
    ": it does not accept the parameters. Check `start_date_format`, `filters_in`, "
    "`page_parameter`, `page_size_parameter` and `page_size`"
)
_ORDER_HINTS: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: _NOT_ACCEPTED,
    HTTPStatus.UNPROCESSABLE_ENTITY: _NOT_ACCEPTED,
    HTTPStatus.FORBIDDEN: (
        ": the service account may not read this. Check `company_code` and `location_ids`"
    ),
    HTTPStatus.NOT_FOUND: ": there is nothing at that address. Check `api_url`",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _SMALLER,
    HTTPStatus.REQUEST_URI_TOO_LONG: _SMALLER,
}
_TOKEN_HINTS: dict[int, str] = {
    HTTPStatus.NOT_FOUND: ": there is nothing at that address. Check `auth_url`",
}


def token_request(settings: Settings) -> HTTPRequest:
    """The request for a token (A1-A3; C1, C2, C3)."""
    parameters = {
        "clientId": settings.client_id,
        "clientSecret": settings.client_secret,
        "companyCode": settings.company_code,
        **dict.fromkeys(settings.grant_type_keys, GRANT_TYPE),
    }
    in_body = are_tokens_in_body(settings)
    return HTTPRequest(
        method="POST",
        url=settings.auth_url,
        url_setting="auth_url",
        headers=_JSON_BODY if in_body else {},
        params={} if in_body else parameters,
        body=json.dumps(parameters).encode() if in_body else None,
        hints=_TOKEN_HINTS,
    )


def are_tokens_in_body(settings: Settings) -> bool:
    """Whether the credentials are sent in the body, not in the URL (C2)."""
    return settings.token_parameters_in == "body"  # noqa: S105 - a place


def orders_request(
    settings: Settings,
    partition: Partition,
    start: datetime,
    asked: int | None,
    token: Token,
) -> HTTPRequest:
    """The request for one page of orders (O1-O6; C4, C5, C6, C7)."""
    filters: dict[str, str | int] = {
        "order_status": partition.order_status,
        "locationId": partition.location_id,
        "start_date": date_parameter(start, settings),
    }
    if partition.location_id in settings.location_codes:
        filters["location_code"] = settings.location_codes[partition.location_id]
    paging = {settings.page_size_parameter: settings.page_size}
    if asked is not None:
        paging[settings.page_parameter] = asked
    in_body = settings.filters_in == "body"
    return HTTPRequest(
        method="GET",
        url=settings.api_url + ORDERS_PATH,
        url_setting="api_url",
        headers={TOKEN_HEADER: token.value, **(_JSON_BODY if in_body else {})},
        params={
            name: str(value) for name, value in (paging if in_body else filters | paging).items()
        },
        body=json.dumps(filters | paging).encode() if in_body else None,
        hints=_ORDER_HINTS,
        smaller=_SMALLER,
    )


def date_parameter(moment: datetime, settings: Settings) -> str | int:
    """A moment in the form that the API expects (C4, C5)."""
    if settings.start_date_format == "epoch_seconds":
        return int(moment.timestamp())
    if settings.start_date_format == "epoch_milliseconds":
        return int(moment.timestamp()) * 1000
    local = moment.astimezone(settings.timezone)
    offset = local.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        # Long ago a zone used mean solar time: ISO 8601 has no offset with seconds.
        local = moment.astimezone(UTC)
    return local.isoformat(timespec="seconds")
