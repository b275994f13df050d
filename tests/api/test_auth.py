"""The life of the access token."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tap_xstak_oms.api.auth import Token, XStakAuthenticator, read_token
from tap_xstak_oms.clock import Clock
from tap_xstak_oms.errors import RetriableError, RunError

AT_ONCE = 8
STAYS = threading.Event()
"""Never set: whoever needs a token waits for it."""


class Issuer:
    """A token endpoint that counts: each token lives for `life` seconds."""

    def __init__(self, life: float = 300) -> None:
        self.now = 0.0
        self.issued = 0
        self.life = life
        self.clock = Clock(monotonic=lambda: self.now)

    def issue(self, _: threading.Event) -> Token:
        """Another token."""
        self.issued += 1
        return Token(f"token-{self.issued}", renew_at=self.now + self.life)


def jwt(**claims: object) -> str:
    """A token that tells its own life."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"head.{payload}.signature"


def renewal(**answer: object) -> float:
    """How many seconds after its request a token of this answer is renewed."""
    return read_token(json.dumps(answer).encode(), asked_at=0).renew_at


def test_one_token_serves_the_run() -> None:
    """A token is asked for when it is first needed, and once."""
    issuer = Issuer()
    authenticator = XStakAuthenticator(issuer.issue, issuer.clock)
    assert issuer.issued == 0
    assert authenticator.token(STAYS) is authenticator.token(STAYS)
    assert issuer.issued == 1


def test_a_token_is_replaced_when_its_time_is_up() -> None:
    """From the moment of renewal on nobody is handed the old token."""
    issuer = Issuer()
    authenticator = XStakAuthenticator(issuer.issue, issuer.clock)
    first = authenticator.token(STAYS)
    issuer.now = 300
    assert authenticator.token(STAYS) is not first


def test_threads_share_one_token_request() -> None:
    """Threads that find the token ended at the same moment cause one token request."""
    issuer = Issuer()
    together = threading.Barrier(AT_ONCE)
    looked = threading.local()
    is_ended = threading.Event()

    def look() -> float:
        # The first look of each thread ends when all have looked: at the same ended token.
        if is_ended.is_set() and not hasattr(looked, "once"):
            looked.once = True
            together.wait()
        return issuer.now

    authenticator = XStakAuthenticator(issuer.issue, Clock(monotonic=look))
    authenticator.token(STAYS)
    issuer.now = 300
    is_ended.set()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        tokens = list(threads.map(lambda _: authenticator.token(STAYS), range(AT_ONCE)))
    assert {token.value for token in tokens} == {"token-2"}
    assert issuer.issued == 2


def test_simultaneous_refusals_cost_one_token_request() -> None:
    """Eight threads whose token is refused at once are handed one new token."""
    issuer = Issuer()
    start = threading.Barrier(AT_ONCE)
    authenticator = XStakAuthenticator(issuer.issue, issuer.clock)
    refused = authenticator.token(STAYS)

    def replay(_: int) -> Token:
        start.wait()
        authenticator.invalidate(refused)
        return authenticator.token(STAYS)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        assert {token.value for token in threads.map(replay, range(AT_ONCE))} == {"token-2"}


def test_a_late_refusal_does_not_end_the_new_token() -> None:
    """Only the token that was refused is forgotten, not the one that replaced it."""
    issuer = Issuer()
    authenticator = XStakAuthenticator(issuer.issue, issuer.clock)
    refused = authenticator.token(STAYS)
    authenticator.invalidate(refused)
    replacement = authenticator.token(STAYS)
    authenticator.invalidate(refused)
    assert authenticator.token(STAYS) is replacement


def test_a_refusal_is_final() -> None:
    """Where there is no token to be had, one request finds out for all threads."""
    requests = []

    def refuse(_: threading.Event) -> Token:
        requests.append(1)
        raise RunError("refused")

    authenticator = XStakAuthenticator(refuse, Clock())
    for _ in range(AT_ONCE):
        with pytest.raises(RunError, match="refused"):
            authenticator.token(STAYS)
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ({"access_token": "t", "expires_in": 300}, 270),
        ({"access_token": "t", "expires_in": 3600}, 3570),
        ({"access_token": "t", "expires_in": 20}, 18),
        ({"access_token": "t", "expires_in": "300"}, 270),
        ({"access_token": "t"}, 270),
        ({"access_token": "t", "expires_in": None}, 270),
        ({"access_token": "t", "expires_in": 0}, 270),
        ({"access_token": jwt(iat=1000, exp=1060), "expires_in": 300}, 54),
        ({"access_token": jwt(iat=1000, exp=9000), "expires_in": 300}, 270),
        ({"access_token": jwt(sub="no times"), "expires_in": 300}, 270),
        ({"access_token": "a.%%%.c", "expires_in": 300}, 270),
    ],
)
def test_a_token_is_renewed_before_its_end(answer: dict[str, object], seconds: float) -> None:
    """It is renewed 30 s, or a tenth of a short life, before the smaller of the lives it claims."""
    assert renewal(**answer) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b"null",
        b"{}",
        b'{"access_token": null}',
        b'{"access_token": ""}',
        b'{"access_token": 12}',
        b'{"access_token": "line\\nbreak"}',
        b"[" * 100_000,
    ],
)
def test_an_answer_without_a_usable_token_is_an_error(body: bytes) -> None:
    """What cannot be sent as a header is no token, and the error does not show it."""
    with pytest.raises(RetriableError, match="without a usable access_token"):
        read_token(body, asked_at=0)


def test_a_web_page_in_place_of_a_token_names_the_setting() -> None:
    """It comes from another host than the one that gives tokens."""
    with pytest.raises(RetriableError, match="web page: check `auth_url`"):
        read_token(b"<html>", asked_at=0)


def test_a_token_does_not_print_itself() -> None:
    """No log line can hold a token by holding the object."""
    assert "secret" not in repr(Token("secret", renew_at=1))
