"""A caller of the sandbox that knows no more than the vendor's document."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

import requests

if TYPE_CHECKING:
    from types import TracebackType

    from xstak_sandbox import Sandbox

LONG_AGO = "2000-01-01T00:00:00+05:00"
TIMEOUT = 30


class Client:
    """Fetches tokens and pages over real sockets, one connection after another."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._session = requests.Session()
        self._session.trust_env = False
        self.token: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.close()

    def credentials(self, **changes: str | None) -> dict[str, str]:
        """The right token parameters with some changed, or left out where None."""
        known = self.sandbox.credentials
        body = {
            "clientId": known.client_id,
            "clientSecret": known.client_secret,
            "grantType": "client_credentials",
            "companyCode": known.company_code,
        } | changes
        return {name: value for name, value in body.items() if value is not None}

    def ask_token(self, **changes: str | None) -> requests.Response:
        """Ask for a token, with a JSON body."""
        body = self.credentials(**changes)
        return self._session.post(self.sandbox.token_url, json=body, timeout=TIMEOUT)

    def sign_in(self) -> str:
        """Get a token and use it from now on."""
        answer = self.ask_token()
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        self.token = token
        return token

    def get(self, **parameters: object) -> requests.Response:
        """Ask for orders of location 1001, pending, of all time, unless told otherwise."""
        return self.send(params=self.parameters(**parameters))

    def parameters(self, **changes: object) -> dict[str, Any]:
        """The parameters of `get`, left out where None."""
        asked = {
            "order_status": "pending",
            "locationId": "1001",
            "start_date": LONG_AGO,
        } | changes
        return {name: value for name, value in asked.items() if value is not None}

    def send(self, **options: Any) -> requests.Response:
        """Send an orders request as it stands, but for the token."""
        headers = {"token": self.token or self.sign_in()} | options.pop("headers", {})
        url = self.sandbox.orders_url
        return self._session.get(url, headers=headers, timeout=TIMEOUT, **options)

    def page(self, **parameters: object) -> dict[str, Any]:
        """A page that is expected to be well; decimals are `Decimal`."""
        answer = self.get(**parameters)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
        return page

    def everything(self, **parameters: object) -> list[dict[str, Any]]:
        """All orders of a query, page after page by the first page's total."""
        first = self.page(**parameters)
        base = first["page"]["number"]
        orders: list[dict[str, Any]] = first["orders"]
        for number in range(base + 1, base + first["page"]["totalPages"]):
            orders += self.page(**parameters | {"page": number})["orders"]
        return orders


def control(url: str, path: str, **options: Any) -> dict[str, Any]:
    """The answer of a control path: GET, or POST when something is sent."""
    method = "POST" if options else "GET"
    answer = requests.request(method, f"{url}/_sandbox/{path}", timeout=TIMEOUT, **options)
    body: dict[str, Any] = answer.json()
    return body
