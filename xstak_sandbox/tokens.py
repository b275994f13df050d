"""Access tokens: issued, checked, expired and revoked."""

from __future__ import annotations

import base64
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xstak_sandbox.clock import WorldClock

SIGNATURE_BYTES = 256


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the token endpoint lets in; all made up."""

    client_id: str = "demo-client"
    client_secret: str = "demo-secret"
    company_code: str = "demo-company"


class TokenOffice:
    """Issues tokens in the shape of a JWT. Not thread-safe: the server's loop owns it.

    Args:
        clock: Tokens are dated by its time and age by its `token_age`.
        seed: Decides the signatures, which sign nothing.
    """

    def __init__(self, clock: WorldClock, seed: int = 7) -> None:
        self._clock = clock
        self._rng = random.Random(f"{seed}/tokens")
        self._ends: dict[str, float] = {}
        self._issued = 0

    def issue(self, claimed_seconds: int, true_seconds: float | None = None) -> dict[str, object]:
        """A token answer with the fields of A4.

        Args:
            claimed_seconds: What `expires_in` and the token itself say.
            true_seconds: How long the token really lives, if that differs.
        """
        token = self._token(claimed_seconds)
        lives = claimed_seconds if true_seconds is None else true_seconds
        self._ends[token] = self._clock.token_age() + lives
        return {
            "userName": "service-account-demo",
            "email": "service-account-demo@example.com",
            "access_token": token,
            "expires_in": claimed_seconds,
            "refresh_expires_in": 0,
            "token_type": "Bearer",
            "not-before-policy": 0,
            "scope": "email profile",
        }

    def accepts(self, token: str | None) -> bool:
        """Whether the token was issued here, is not revoked and still lives."""
        end = self._ends.get(token or "")
        return end is not None and self._clock.token_age() < end

    def revoke(self, token: str | None) -> None:
        """Let one token count for nothing from now on; an unknown one already does."""
        self._ends.pop(token or "", None)

    def revoke_all(self) -> None:
        """Let no token issued so far count."""
        self._ends.clear()

    def _token(self, seconds: int) -> str:
        self._issued += 1
        issued_at = int(self._clock.now().timestamp())
        header = {"alg": "RS256", "typ": "JWT", "kid": "sandbox"}
        payload = {
            "exp": issued_at + seconds,
            "iat": issued_at,
            "jti": f"sandbox-{self._issued}",
            "typ": "Bearer",
            "azp": "demo-client",
        }
        # Nothing verifies it, but it is as long as a real one.
        signature = bytes(int(self._rng.random() * 256) for _ in range(SIGNATURE_BYTES))
        parts = (json.dumps(header).encode(), json.dumps(payload).encode(), signature)
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
