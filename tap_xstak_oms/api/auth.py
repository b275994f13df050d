"""The life of the access token: one for the run, shared by all workers.

The token endpoint takes OAuth's client credentials under names of its own (VENDOR_API A1-A4,
C1-C3). A token lives minutes, a long read hours: it is renewed before its end, and at once when
the server refuses it.
"""

from __future__ import annotations

import base64
import binascii
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
"""What a token of the vendor's sibling guide lives; taken where an answer does not tell."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. Never changed, only replaced as a whole.

    Attributes:
        value: What goes into the `token` header (O2).
        renew_at: On the monotonic clock, the moment from which it is not used any more.
    """

    value: str = field(repr=False)
    renew_at: float


class XStakAuthenticator:
    """Hands out the token of the run, and asks for another when that one has ended.

    Thread-safe. Threads that find the token ended at the same moment cause one token request.
    """

    def __init__(self, request_token: Callable[[Event], Token], clock: Clock) -> None:
        """Set up without asking for a token yet.

        Args:
            request_token: Asks the token endpoint, and stops waiting when the event is set. What
                it raises is raised to the one that needed the token; a RunError, to all others too.
            clock: The source of time.
        """
        self._request_token = request_token
        self._clock = clock
        # Held while a token is asked for, so that whoever waits finds the new one.
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._end: RunError | None = None

    def token(self, ended: Event) -> Token:
        """A token that has not ended, for one who waits for it until the event is set."""
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
            # Those that wait for the lock are not to ask again.
            self._end = error
            raise

    def invalidate(self, refused: Token) -> None:
        """Forget a token that the server refused, unless it was replaced already."""
        with self._lock:
            if self._token is refused:
                self._token = None


def read_token(body: bytes, asked_at: float) -> Token:
    """Read the token endpoint's answer (A4).

    Args:
        body: The answer.
        asked_at: When it was asked for, on the monotonic clock: its life begins no later.

    Raises:
        RetriableError: If it holds no token.
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
    """How long a token lives, in seconds, by each source that tells: the smaller one is right."""
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
    """What a JWT says of itself, nothing where the token is not one.

    No signature is checked: it only tells how long to use the token.
    """
    try:
        _, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
