"""Waiting, repeating and giving up, against a real server and on a clock that does not wait."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from tap_xstak_oms.api.auth import Token, XStakAuthenticator
from tap_xstak_oms.api.exchange import Answer, HTTPRequest, check_status, seconds_until
from tap_xstak_oms.api.gate import EndedError
from tap_xstak_oms.clock import Clock
from tap_xstak_oms.errors import RefusedError
from tap_xstak_oms.tap import TapXstakOMS
from tests.holdings import assert_complete
from tests.support import Collector, Run, clock_of, config_for, run_tap
from tests.test_errors import unused_port
from tests.workers import PATIENCE_SECONDS, join_workers
from tests.world_time import WorldTime, gaps
from xstak_sandbox import Fault, Kind, Quirks, Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ONE_AT_A_TIME = {"max_concurrent_requests": 1, "infer_schema": False}
ROUNDING = 1e-3
LONGEST_BACKOFF = 60


def world(locations: int = 2, orders: int = 30) -> World:
    """A world in which nothing happens any more within hours."""
    return World(locations=location_ids(locations), orders_per_location=orders)


def read(sandbox: Sandbox, time: WorldTime, **changes: Any) -> Run:
    """Read a sandbox in pages of ten on that clock."""
    run = run_tap(config_for(sandbox, **{"page_size": 10} | changes), clock=time.clock)
    assert not sandbox.unmet_faults()
    return run


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize(("asked", "waited"), [(30, 30), (86_400, 600), (10**11, 600)])
def test_retry_after_is_waited_for(
    code: int, form: Any, asked: int, waited: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The next request comes when the server said, in either form, but after ten minutes."""
    fault = Fault(Kind.STATUS, code=code, retry_after=asked, retry_after_as=form, nth=2)
    with Sandbox(world(), faults=[fault]) as sandbox:
        assert read(sandbox, WorldTime(sandbox), **ONE_AT_A_TIME).error is None
        waits = [gap for gap in gaps(sandbox.journal.entries()) if gap]
    assert waits == pytest.approx([waited], abs=ROUNDING)
    assert f"Try 1 of 8, the next in {waited} s." in caplog.text


@pytest.mark.parametrize(("asked", "waited"), [(2.5, 3), (3, 3), (10**11, 600)])
@pytest.mark.parametrize("on", ["orders", "token"])
def test_a_retry_after_with_a_decimal_point_is_waited_for(
    on: Any, asked: float, waited: int
) -> None:
    """It is no valid number of seconds, but sent; it is rounded up."""
    fault = Fault(Kind.STATUS, on=on, code=429, retry_after=asked, retry_after_as="decimal")
    with Sandbox(world(), faults=[fault]) as sandbox:
        assert read(sandbox, WorldTime(sandbox), **ONE_AT_A_TIME).error is None
        waits = [gap for gap in gaps(sandbox.journal.entries()) if gap]
    assert waits == pytest.approx([waited], abs=ROUNDING)


@pytest.mark.parametrize("code", [400, 401, 403, 409, 420])
@pytest.mark.parametrize("on", ["orders", "token"])
def test_a_refusal_with_a_retry_after_asks_for_patience(on: Any, code: int) -> None:
    """Whatever its status: it is tried again when the server said, at either endpoint."""
    fault = Fault(Kind.STATUS, on=on, code=code, retry_after=30, times=2)
    with Sandbox(world(), faults=[fault]) as sandbox:
        assert read(sandbox, WorldTime(sandbox), **ONE_AT_A_TIME).error is None
        waits = [gap for gap in gaps(sandbox.journal.entries()) if gap]
    # A refused token costs another one and a replay before the first wait.
    is_token = (on, code) == ("orders", 401)
    assert waits == pytest.approx([30] if is_token else [30, 30], abs=ROUNDING)


@pytest.mark.parametrize("form", ["in a while", "-3", "1e3", "2,5", "0x10", ""])
def test_a_retry_after_that_says_nothing_is_no_patience(form: str) -> None:
    """Neither a number nor a date: a refusal stays one, and a failure backs off as ever."""
    now = datetime.now(UTC)
    assert seconds_until(form, now=now) is None
    answer = Answer(403, {"Retry-After": form}, b"", now)
    with pytest.raises(RefusedError):
        check_status(answer, HTTPRequest("GET", "https://xstak.invalid", "api_url", {}, {}))
    assert not answer.asks_for_patience


@pytest.mark.parametrize("skew", [-90, 90])
def test_retry_after_is_by_the_clock_of_the_server(skew: int) -> None:
    """Where the two clocks differ, the wait is still as long as the server means."""
    fault = Fault(Kind.STATUS, code=429, retry_after=30, retry_after_as="date", nth=2)
    quirks = Quirks(date_skew_seconds=skew)
    with Sandbox(world(), faults=[fault], quirks=quirks) as sandbox:
        assert read(sandbox, WorldTime(sandbox), **ONE_AT_A_TIME).error is None
        waits = [gap for gap in gaps(sandbox.journal.entries()) if gap]
    assert waits == pytest.approx([30], abs=ROUNDING)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_that_asks_for_no_wait_is_not_hurried(form: Any) -> None:
    """`Retry-After: 0`, or a date that is over by our clock, does not use up the tries at once."""
    fault = Fault(Kind.STATUS, code=429, retry_after=0, retry_after_as=form, times=3)
    with Sandbox(world(), faults=[fault]) as sandbox:
        assert read(sandbox, WorldTime(sandbox), **ONE_AT_A_TIME).error is None
        waits = [gap for gap in gaps(sandbox.journal.entries()) if gap]
    assert len(waits) == 3
    assert waits[0] >= 1
    assert waits[2] >= 4


@contextmanager
def hangs_end(sandbox: Sandbox, since: threading.Event) -> Iterator[None]:
    """From that event on, answer whatever hangs."""
    over = threading.Event()

    def release() -> None:
        since.wait()
        while not over.wait(0.01):
            sandbox.release()

    thread = threading.Thread(target=release)
    thread.start()
    try:
        yield
    finally:
        over.set()
        since.set()
        thread.join()


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_holds_all_workers(form: Any) -> None:
    """While the server's wait lasts, no worker sends anything."""
    faults = [
        Fault(Kind.STATUS, code=429, retry_after=30, retry_after_as=form, location="1001"),
        *(Fault(Kind.HANG, location=name) for name in ("1002", "1003", "1004")),
    ]
    one_waits, all_wait = threading.Event(), threading.Event()
    together = threading.Barrier(4, all_wait.set, timeout=30)

    def wait_for_all() -> None:
        # Time passes when all four workers wait, and not before.
        one_waits.set()
        if not all_wait.is_set():
            together.wait()

    with Sandbox(world(8), faults=faults) as sandbox, hangs_end(sandbox, since=one_waits):
        begin = sandbox.clock.now()
        time = WorldTime(sandbox, on_wait=wait_for_all)
        settings = {"max_concurrent_requests": 4, "infer_schema": False, "page_size": 100}
        run = read(sandbox, time, order_statuses=["completed"], **settings)
        asked_at = [(entry.at_world - begin).total_seconds() for entry in sandbox.journal.orders]
    assert run.error is None
    assert len(asked_at) == 9
    assert len([moment for moment in asked_at if moment < 30]) <= 4


def test_tries_are_bounded_and_ever_further_apart() -> None:
    """A request is tried `max_tries` times, 1, 2, 4... 60 seconds and up to one more apart."""
    fault = Fault(Kind.STATUS, code=500, every=1, location="1001", order_status="pending")
    with Sandbox(world(1), faults=[fault]) as sandbox:
        time = WorldTime(sandbox)
        run = read(sandbox, time, max_tries=9, **ONE_AT_A_TIME)
        assert sandbox.strikes(fault) == 9
    assert len(time.waits) == 8
    for exponent, wait in enumerate(time.waits):
        assert min(2**exponent, LONGEST_BACKOFF) <= wait <= min(2**exponent + 1, LONGEST_BACKOFF)
    assert "Given up after try 9 of 9 (`max_tries`)" in str(run.error)


@pytest.mark.parametrize("at_once", [1, 4])
def test_no_minute_sees_more_requests_than_the_limit(at_once: int) -> None:
    """Token, discovery, refused and repeated requests count towards `max_requests_per_minute`."""
    faults = [
        Fault(Kind.STATUS, code=500, nth=3),
        Fault(Kind.STATUS, code=401, revokes=True, nth=8),
    ]
    with Sandbox(world(3, 60), faults=faults) as sandbox:
        limits = {"max_requests_per_minute": 6, "max_concurrent_requests": at_once}
        run = read(sandbox, WorldTime(sandbox), **limits)
        entries = sandbox.journal.entries()
    assert run.error is None
    # The first one, and one for the refused one, which may live its 300 seconds to their end.
    assert len(sandbox.journal.tokens) >= 2
    # Those let through before a minute begins may still be under way when it does.
    under_way = at_once if at_once > 1 else 0
    windows = gaps(entries, 6 + under_way)
    assert len(windows) > 6
    assert min(windows) >= 60 - ROUNDING


def test_a_short_token_is_replaced_as_often_as_it_takes() -> None:
    """Tokens that live a second while claiming 300 cost requests, and neither tries nor orders."""
    fault = Fault(Kind.SHORT_TOKEN, seconds=1, every=1)
    with Sandbox(world(), faults=[fault]) as sandbox:
        time = WorldTime(sandbox)
        run = read(sandbox, time, max_requests_per_minute=5, **ONE_AT_A_TIME)
        assert run.error is None
        assert sandbox.strikes(fault) > 2
        assert len(run.records) == 60


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Kind.STATUS, on="token", code=500, times=7),
        Fault(Kind.STATUS, on="token", code=429, retry_after=30, times=7),
        Fault(Kind.NO_ACCESS_TOKEN, times=7),
        Fault(Kind.HTML, on="token", times=7),
        Fault(Kind.RESET, on="token", times=7),
        Fault(Kind.TRUNCATED_BODY, on="token", times=7),
    ],
    ids=lambda fault: f"{fault.kind} {fault.code}",
)
def test_a_token_endpoint_that_fails_is_asked_again(fault: Fault) -> None:
    """What may pass by itself is tried `max_tries` times, and then costs nothing."""
    with Sandbox(world(), faults=[fault]) as sandbox:
        run = read(sandbox, WorldTime(sandbox, moves_world=False))
        assert run.error is None
        assert_complete(run.records, sandbox)
        assert len(sandbox.journal.tokens) == 8


@pytest.mark.parametrize("code", [500, 503])
def test_a_token_endpoint_that_fails_for_ever_ends_the_run(code: int) -> None:
    """After `max_tries` the run ends, and not once for each partition or worker."""
    with Sandbox(world(4), faults=[Fault(Kind.STATUS, on="token", code=code, every=1)]) as sandbox:
        run = read(sandbox, WorldTime(sandbox), max_tries=3)
        assert len(sandbox.journal.tokens) == 3
        assert not sandbox.journal.orders
    assert f"The token request: the server answered {code}" in str(run.error)
    assert "Given up after try 3 of 3" in str(run.error)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 422])
def test_a_token_endpoint_that_refuses_ends_the_run_at_once(code: int) -> None:
    """A refusal in the 4xx is final: one request, whatever the number of workers."""
    fault = Fault(Kind.STATUS, on="token", code=code, every=1)
    with Sandbox(world(4), faults=[fault]) as sandbox:
        run = read(sandbox, WorldTime(sandbox))
        assert len(sandbox.journal.tokens) == 1
        assert not sandbox.journal.orders
    assert str(code) in str(run.error)


def test_a_token_lives_from_when_it_was_asked_for() -> None:
    """However late its answer comes, a token is replaced before it has ended at the server."""
    with Sandbox(world(), faults=[Fault(Kind.HANG, on="token")]) as sandbox:

        def come_late() -> None:
            sandbox.journal.wait_for(1, "token")
            sandbox.clock.advance(timedelta(seconds=280))
            sandbox.release()

        late = threading.Thread(target=come_late)
        late.start()
        clock = clock_of(sandbox)
        clock = replace(clock, monotonic=lambda: clock.now().timestamp())
        run = run_tap(config_for(sandbox, **ONE_AT_A_TIME), clock=clock)
        late.join()
        assert run.error is None
        assert len(sandbox.journal.tokens) == 2
        assert {entry.status for entry in sandbox.journal.orders} == {200}


def test_eight_refusals_at_once_cost_one_token() -> None:
    """Eight requests whose token is refused at the same moment are repeated with one new token."""
    locations = location_ids(8)
    faults = [
        Fault(Kind.SHORT_TOKEN, seconds=0),
        *(Fault(Kind.HANG, location=location) for location in locations),
    ]
    with Sandbox(world(8), faults=faults) as sandbox:
        release = when_asked(sandbox, 8, sandbox.release)
        settings = {"infer_schema": False, "order_statuses": ["completed"], "page_size": 100}
        run = read(sandbox, WorldTime(sandbox), **settings)
        release.join()
        assert run.error is None
        assert [entry.status for entry in sandbox.journal.orders] == [401] * 8 + [200] * 8
        assert len(sandbox.journal.tokens) == 2


def when_asked(sandbox: Sandbox, requests: int, then: Callable[[], None]) -> threading.Thread:
    """Do something as soon as so many orders requests have come."""

    def wait() -> None:
        sandbox.journal.wait_for(requests, "orders")
        then()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_token_revoked_in_the_middle_of_a_run_is_replaced() -> None:
    """When all tokens end while requests are under way, the run asks for another and finishes."""
    with Sandbox(world(), faults=[Fault(Kind.HANG)]) as sandbox:

        def revoke() -> None:
            sandbox.revoke_tokens()
            sandbox.release()

        done = when_asked(sandbox, 1, revoke)
        run = read(sandbox, WorldTime(sandbox, moves_world=False))
        done.join()
        assert run.error is None
        assert_complete(run.records, sandbox)
        assert len(sandbox.journal.tokens) == 2


def test_a_server_that_hangs_costs_its_partition_and_no_more() -> None:
    """A partition without an answer fails after `max_tries` timeouts; the others are read."""
    victim = ("completed", "1002")
    fault = Fault(Kind.HANG, every=1, location="1002", order_status="completed")
    with Sandbox(world(), faults=[fault]) as sandbox:
        time = WorldTime(sandbox, moves_world=False)
        catalog_free = {"request_timeout_seconds": 1, "max_tries": 2, "infer_schema": False}
        run = read(sandbox, time, **catalog_free)
        assert sandbox.strikes(fault) == 2
        assert_complete(run.records, sandbox, but=[victim])
    assert "1 of 4 partitions failed" in str(run.error)
    assert "Page one of the completed orders of location 1002: no answer in time" in str(run.error)
    assert "`request_timeout_seconds`" in str(run.error)
    assert [partition for partition, mark in run.bookmarks.items() if not mark] == [victim]


class Broken(Collector):
    """A target that takes no order."""

    @override
    def flush(self) -> None:
        if b'"RECORD"' in b"".join(self._lines):
            raise BrokenPipeError
        super().flush()


def test_threads_that_wait_for_another_try_end_with_the_run() -> None:
    """However long the server wants to be left alone: a run that is over leaves no thread."""
    busy = Fault(Kind.STATUS, code=503, retry_after=600, every=1, location="1002")
    with Sandbox(world(), faults=[busy, Fault(Kind.HANG, location="1001")]) as sandbox:
        released = when_asked(sandbox, 2, sandbox.release)
        tap = TapXstakOMS(
            config=config_for(sandbox, infer_schema=False),
            clock=Clock(now=clock_of(sandbox).now),
            message_writer=Broken(),
        )
        with pytest.raises(BrokenPipeError):
            tap.sync_all()
        released.join()
        join_workers()


def test_a_wait_for_a_token_ends_with_the_run() -> None:
    """A token that nobody needs any more is not waited for, and no other thread is told so."""
    calls: list[threading.Event] = []

    def request(ended: threading.Event) -> Token:
        calls.append(ended)
        if ended.is_set():
            raise EndedError
        return Token("t", renew_at=1e9)

    authenticator = XStakAuthenticator(request, Clock(monotonic=lambda: 0.0))
    left, stays = threading.Event(), threading.Event()
    left.set()
    with pytest.raises(EndedError):
        authenticator.token(left)
    assert authenticator.token(stays).value == "t"
    assert calls == [left, stays]


def refused_once_tried(caplog: pytest.LogCaptureFixture) -> int:
    """How many requests were begun of which the first try failed."""
    return caplog.text.count("Try 1 of 2")


def test_a_server_that_is_gone_ends_the_run(caplog: pytest.LogCaptureFixture) -> None:
    """Not each of many partitions is tried as long as the first, where nobody answers anyone."""
    with Sandbox(world(locations=20)) as sandbox:
        time = WorldTime(sandbox, moves_world=False)
        elsewhere = f"http://127.0.0.1:{unused_port()}/oe/v2"
        run = read(sandbox, time, api_url=elsewhere, max_tries=2, **ONE_AT_A_TIME)
    assert refused_once_tried(caplog) == 3
    assert "3 partitions in a row got no page, and nothing more is tried" in str(run.error)
    assert "check `api_url`" in str(run.error)


def test_a_server_that_takes_no_token_ends_the_run(caplog: pytest.LogCaptureFixture) -> None:
    """Where every partition refuses every token, that is no matter of the partition."""
    fault = Fault(Kind.STATUS, code=401, every=1)
    with Sandbox(world(locations=20), faults=[fault]) as sandbox:
        time = WorldTime(sandbox, moves_world=False)
        run = read(sandbox, time, max_tries=2, **ONE_AT_A_TIME)
        assert len(sandbox.journal.orders) == 3 * 2 * 2
    assert refused_once_tried(caplog) == 3
    assert "`company_code`" in str(run.error)


def test_others_that_answer_keep_the_run_going() -> None:
    """However many partitions refuse every token, those between them are read."""
    faults = [
        Fault(Kind.STATUS, code=401, every=1, location=location)
        for location in ("1001", "1002", "1004", "1005")
    ]
    with Sandbox(world(locations=6), faults=faults) as sandbox:
        run = read(sandbox, WorldTime(sandbox, moves_world=False), max_tries=2, **ONE_AT_A_TIME)
    assert "8 of 12 partitions failed" in str(run.error)
    assert set(run.counts()) == {
        (status, location) for status in ("pending", "completed") for location in ("1003", "1006")
    }


def test_refusals_keep_the_run_going() -> None:
    """However many locations in a row are refused, those behind them are read."""
    faults = [
        Fault(Kind.STATUS, code=404, every=1, location=location)
        for location in ("1001", "1002", "1003", "1004")
    ]
    with Sandbox(world(locations=5), faults=faults) as sandbox:
        run = read(sandbox, WorldTime(sandbox, moves_world=False), max_tries=2, **ONE_AT_A_TIME)
    assert "8 of 10 partitions failed" in str(run.error)
    assert set(run.counts()) == {("pending", "1005"), ("completed", "1005")}


def test_a_partition_that_has_ended_is_asked_for_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """Of the pages of a partition that failed, those that wait for another try are not sent."""
    faults = [
        Fault(Kind.STATUS, code=503, location="1001", order_status="pending", page=3),
        Fault(Kind.STATUS, code=404, location="1001", order_status="pending", page=3),
        Fault(Kind.STATUS, code=503, location="1001", order_status="pending", page=4, every=1),
    ]
    waits, has_ended = threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        said = [one for one in caplog.records if one.thread == threading.get_ident()]
        if "Page 4" in said[-1].getMessage():
            waits.set()
            has_ended.wait(PATIENCE_SECONDS)
        else:
            waits.wait(PATIENCE_SECONDS)

    with Sandbox(world(1, 200), faults=faults, quirks=Quirks(fixed_page_size=5)) as sandbox:
        clock = replace(clock_of(sandbox), wait=wait)
        run = run_tap(config_for(sandbox, infer_schema=False), clock=clock)
        asked = len(sandbox.journal.orders)
        has_ended.set()
        join_workers()
        assert len(sandbox.journal.orders) == asked
        assert not sandbox.unmet_faults()
    assert "1 of 2 partitions failed" in str(run.error)
