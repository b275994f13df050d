"""The access token: one for the run, shared by all workers.

The token endpoint takes OAuth client credentials under its own names (VENDOR_API A1-A4, C1-C3). A
token lives minutes, a long read hours: the tap renews it before it expires, and at once when the
server refuses it.
"""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.api.text import clean, is_web_page
from tap_xstak_oms.errors import RetriableError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from tap_xstak_oms.clock import Clock

EXPIRY_LEEWAY_SECONDS = 30.0
SHORTEST_LEEWAY_SHARE = 0.1
ASSUMED_LIFE_SECONDS = 300.0
"""The life of a token in the vendor's sibling guide; used if the answer does not give one."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token: replaced as a whole, never changed.

    Attributes:
        value: Goes into the `token` header (O2).
        renew_at: When to stop using it, on the monotonic clock.
    """

    value: str = field(repr=False)
    renew_at: float


class XStakAuthenticator:
    """Hands out the token of the run, and renews it when it has expired.

    Thread-safe. Threads that find it expired at the same moment cause one token request.
    """

    def __init__(self, request_token: Callable[[Event], Token], clock: Clock) -> None:
        """Set up; the first call of `token` asks for one.

        Args:
            request_token: Asks the token endpoint, and stops waiting when the event is set. Its
                error goes to the caller of `token`; a RunError goes to all later callers too.
            clock: The source of time.
        """
        self._request_token = request_token
        self._clock = clock
        # Held during a token request: threads that wait for it find the new token.
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._end: RunError | None = None

    def token(self, ended: Event) -> Token:
        """Return a valid token; stop waiting for one when the event is set."""
        token = self._token
        if token is not None and self._clock.monotonic() < token.renew_at:
            return token
        with self._lock:
            token = self._token
            if token is None or self._clock.monotonic() >= token.renew_at:
                token = self._token = self._renew(ended)
            return token

    def _renew(self, ended: Event) -> Token:
        if self._end is not None:
            raise self._end
        try:
            return self._request_token(ended)
        except RunError as error:
            # The threads that wait for the lock must not ask again.
            self._end = error
            raise

    def invalidate(self, refused: Token) -> None:
        """Forget a token that the server refused, unless another has replaced it."""
        with self._lock:
            if self._token is refused:
                self._token = None


def read_token(body: bytes, asked_at: float) -> Token:
    """Read the token endpoint's answer (A4).

    Args:
        body: The answer.
        asked_at: When the tap asked for it, on the monotonic clock: its life begins no earlier.

    Raises:
        RetriableError: The answer holds no token.
    """
    if is_web_page(body):
        raise RetriableError("the token endpoint answered with a web page: check `auth_url`")
    try:
        answer = json.loads(clean(body))
        value = answer["access_token"]
    except (ValueError, TypeError, KeyError, RecursionError):
        value = None
    if not isinstance(value, str) or not _fits_a_header(value):
        raise RetriableError("the token endpoint answered without a usable access_token")
    life = min(_lives(answer.get("expires_in"), value), default=ASSUMED_LIFE_SECONDS)
    leeway = min(EXPIRY_LEEWAY_SECONDS, life * SHORTEST_LEEWAY_SHARE)
    return Token(value, renew_at=asked_at + life - leeway)


def _fits_a_header(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and " " not in value


def _lives(expires_in: object, token: str) -> list[float]:
    """The life of a token in seconds, from each source that gives it: trust the smallest."""
    claims = _claims(token)
    lives = [_seconds(expires_in)]
    issued, expires = _seconds(claims.get("iat")), _seconds(claims.get("exp"))
    if issued is not None and expires is not None:
        lives.append(expires - issued)
    return [life for life in lives if life is not None and life > 0]


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _claims(token: str) -> dict[str, Any]:
    """The claims of a JWT; empty if the token is not one.

    The signature is not checked: the claims only tell how long to use the token.
    """
    try:
        _, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
