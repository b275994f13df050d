"""The fault suite: whatever the server does wrong, no order is lost and none is bent.

Every run is compared with the orders that the sandbox holds, field by field. A fault that was
scripted and never met fails its test.
"""

from __future__ import annotations

import random
import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from tap_xstak_oms.errors import RunError
from tests.effort import examples_of
from tests.holdings import assert_complete, held, partition_of
from tests.support import Run, config_for, run_tap
from tests.world_time import WorldTime
from xstak_sandbox import Fault, Kind, Quirks, Sandbox, World, location_ids

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

from tests.holdings import Partition

LOCATIONS = location_ids(3)
SMALL = World(locations=LOCATIONS, orders_per_location=36, life_days=120)
"""At least four pages in each partition."""
PARTITIONS = len(LOCATIONS) * len(SMALL.statuses)
PAGE_SIZE = 3
WIDE = World(locations=location_ids(24), orders_per_location=12, life_days=120)
"""Far more partitions than workers."""
ALL_OF_WIDE = {(status, name) for status in WIDE.statuses for name in WIDE.locations}
LARGE = World(locations=location_ids(4), orders_per_location=500, life_days=120)
"""The world of the table: 4 locations, 2 statuses, 2 000 orders."""
VICTIM = ("completed", "1002")
VICTIM_IN_WORDS = "the completed orders of location 1002"
TRIES = 3
TOKEN_KINDS = {Kind.SHORT_TOKEN, Kind.NO_ACCESS_TOKEN}
HARMLESS_KINDS = {
    Kind.TEXT_NUMBERS,
    Kind.DUPLICATE_KEYS,
    Kind.LATENCY,
    Kind.BYTE_ORDER_MARK,
    Kind.EARLY_HINTS,
    Kind.BAD_HEADER,
    Kind.GZIP_MEMBERS,
    Kind.GZIP_TWICE,
}
FINAL_KINDS = {Kind.BOMB, Kind.FOREIGN_CODING}
"""Those that would come again: one try is enough."""
TIMELY_KINDS = {Kind.HANG, Kind.DRIP}
"""Those that end by the tap's patience, which takes time."""
PASSING_KINDS = [kind for kind in Kind if kind not in TIMELY_KINDS | FINAL_KINDS]
LASTING_KINDS = [kind for kind in PASSING_KINDS if kind not in TOKEN_KINDS | HARMLESS_KINDS]
CODES = (408, 429, 500, 502, 503, 504)
FORMS: tuple[Any, ...] = ("seconds", "decimal", "date", "decimal")
PATIENT_CODES = (400, 403, 404, 409, 420, 423, 425, 430)
"""Those that ask for patience where they come with a `Retry-After`."""
CODINGS: tuple[Any, ...] = ("gzip", "members", "deflate", "gzip, gzip")
WORKERS = 8
"""At the defaults."""
OUTAGES = {
    "503": Fault(Kind.STATUS, code=503, every=1),
    "504 with a Retry-After": Fault(Kind.STATUS, code=504, retry_after=2, every=1),
    "429": Fault(Kind.STATUS, code=429, every=1),
    "403 with a Retry-After": Fault(Kind.STATUS, code=403, retry_after=2, every=1),
    "a redirect": Fault(Kind.STATUS, code=302, every=1),
    "HTML": Fault(Kind.HTML, every=1),
    "an error body": Fault(Kind.ERROR_BODY, every=1),
    "no orders": Fault(Kind.NO_ORDERS, every=1),
    "a reset": Fault(Kind.RESET, every=1),
    "cut off": Fault(Kind.TRUNCATED_BODY, every=1),
    "Brotli": Fault(Kind.FOREIGN_CODING, every=1),
    "no answer": Fault(Kind.HANG, every=1),
}
NAMED_PAGE = 4
"""A page that names itself, after the one from which a run learns how they are counted (C8)."""
MIXTURES = examples_of(40)
BEYOND_ENDS: tuple[Any, ...] = ("empty", "last", "missing", "refused", "broken", "void")

tally: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _tell_tally(request: pytest.FixtureRequest) -> Iterator[None]:
    """Say at the end what the suite consisted of."""
    yield
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(  # noqa: T201 - a person reads it
            f"\nfault suite: {tally['faults']} faults struck in {tally['runs']} runs, "
            f"{tally['orders']} orders compared"
        )


def read(
    sandbox: Sandbox,
    *,
    state: Mapping[str, Any] | None = None,
    moves_time: bool = False,
    **changes: Any,
) -> Run:
    """Read a sandbox in small pages, on a clock that does not wait, with these settings.

    Where it `moves_time` that clock goes on a little whenever someone looks at it.
    """
    before = faults_met(sandbox)
    config = config_for(sandbox, **{"page_size": PAGE_SIZE} | changes)
    clock = WorldTime(sandbox, moves_world=False).clock
    if moves_time:
        clock = replace(clock, monotonic=count(step=0.01).__next__)
    run = run_tap(config, state=state, clock=clock)
    tally.update(runs=1, faults=faults_met(sandbox) - before, orders=len(run.records))
    return run


def faults_met(sandbox: Sandbox) -> int:
    """How many requests were struck by a fault."""
    return sum(entry.fault is not None for entry in sandbox.journal.entries())


def assert_whole(run: Run, sandbox: Sandbox) -> None:
    """The run finished, lost nothing, moved all bookmarks and met all that was scripted."""
    assert run.error is None
    assert_complete(run.records, sandbox)
    assert all(run.bookmarks.values())
    assert run.bookmarks.keys() == {partition_of(order) for order in held(sandbox).values()}
    assert not sandbox.unmet_faults()


def assert_lost_no_other(run: Run, sandbox: Sandbox) -> None:
    """The victim failed by name and kept its place; all else is whole, and faults were met."""
    assert f"1 of {PARTITIONS} partitions failed" in str(run.error)
    assert str(run.error).count(VICTIM_IN_WORDS) == 1
    assert_complete(run.records, sandbox, but=[VICTIM])
    assert without_bookmark(run) == {VICTIM}
    assert not sandbox.unmet_faults()


def without_bookmark(run: Run) -> Collection[Partition]:
    """The partitions that are to be read from the start."""
    return {partition for partition, bookmark in run.bookmarks.items() if not bookmark}


def assert_resumes(failed: Run, world: World, quirks: Quirks | None = None) -> None:
    """From the state of a failed run, one without faults brings what that one did not."""
    with Sandbox(world, quirks=quirks) as sandbox:
        run = read(sandbox, state=failed.state, infer_schema=False)
        assert run.error is None
        assert_complete([*failed.records, *run.records], sandbox)
        assert not without_bookmark(run)


def passing(kind: Kind) -> list[Fault]:
    """Faults that pass, met by discovery, by a first page and by a later one."""
    if kind in TOKEN_KINDS:
        return [Fault(kind, seconds=0.0, times=2)]
    return [
        Fault(kind, location="1001", page=1, seconds=0.0),
        Fault(kind, location="1001", page=1, seconds=0.0, nth=4),
        Fault(kind, location="1002", page=NAMED_PAGE, seconds=0.0, times=3),
    ]


@pytest.mark.parametrize("kind", PASSING_KINDS)
def test_a_fault_that_passes_costs_nothing(kind: Kind) -> None:
    """Each kind of fault, wherever a run meets it, is got over."""
    with Sandbox(SMALL, faults=passing(kind)) as sandbox:
        assert_whole(read(sandbox), sandbox)


@pytest.mark.parametrize("code", CODES)
def test_a_status_that_passes_costs_nothing(code: int) -> None:
    """Each status that may pass is got over, with a `Retry-After` or without."""
    faults = [replace(fault, code=code) for fault in passing(Kind.STATUS)]
    faults[0] = replace(faults[0], retry_after=30)
    with Sandbox(SMALL, faults=faults) as sandbox:
        assert_whole(read(sandbox), sandbox)


@pytest.mark.parametrize("code", PATIENT_CODES)
def test_a_status_that_asks_for_patience_costs_nothing(code: int) -> None:
    """With a `Retry-After`, any refusal may pass: at either endpoint, in either form."""
    faults = [
        replace(fault, code=code, retry_after=2.5, retry_after_as=form)
        for fault, form in zip(
            [*passing(Kind.STATUS), Fault(Kind.STATUS, on="token")],
            FORMS,
            strict=True,
        )
    ]
    with Sandbox(SMALL, faults=faults) as sandbox:
        assert_whole(read(sandbox), sandbox)


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_an_outage_ends_the_run(outage: Fault) -> None:
    """Whoever answers, and however: after one partition for each worker, nobody is asked more."""
    with Sandbox(WIDE, faults=[outage]) as sandbox:
        run = read(sandbox, infer_schema=False, max_tries=TRIES, request_timeout_seconds=1)
        # Workers that have given up go on while the last one tries.
        assert WORKERS <= sandbox.strikes(outage) < 2 * TRIES * WORKERS
    assert f"{WORKERS} partitions in a row got no page" in str(run.error)
    assert isinstance(run.error, RunError)
    assert not run.records
    assert without_bookmark(run) == set(run.bookmarks)


def test_an_outage_in_the_middle_of_a_run_ends_it() -> None:
    """What was read before keeps its bookmark, and the next run reads the rest."""
    outage = Fault(Kind.STATUS, code=503, nth=60, times=10**6)
    with Sandbox(WIDE, faults=[outage]) as sandbox:
        run = read(sandbox, max_tries=TRIES, infer_schema=False)
        assert_complete(run.records, sandbox, but=set(run.bookmarks) | ALL_OF_WIDE)
    assert "in a row got no page" in str(run.error)
    moved = set(run.bookmarks) - set(without_bookmark(run))
    assert 0 < len(moved) < len(ALL_OF_WIDE)
    with Sandbox(WIDE) as sandbox:
        after = read(sandbox, state=run.state, infer_schema=False)
        assert after.error is None
        assert_complete([*run.records, *after.records], sandbox)


@pytest.mark.parametrize("seed", range(4))
def test_one_good_answer_is_no_outage(seed: int) -> None:
    """Where but one location in eight is well, it and its like are read, and the others fail."""
    rng = random.Random(seed)
    well = set(rng.sample(WIDE.locations, len(WIDE.locations) // 8))
    sick = [location for location in WIDE.locations if location not in well]
    faults = [Fault(Kind.STATUS, code=500, every=1, location=location) for location in sick]
    workers = len(sick) * 2
    with Sandbox(WIDE, faults=faults) as sandbox:
        run = read(sandbox, infer_schema=False, max_tries=2, max_concurrent_requests=workers)
        ends = {location for _, location in run.counts()}
        assert f"{len(sick) * 2} of {len(ALL_OF_WIDE)} partitions failed" in str(run.error)
    assert ends == well


def test_an_answer_that_hangs_is_asked_for_again() -> None:
    """A request that timed out is repeated."""
    with Sandbox(SMALL, faults=[Fault(Kind.HANG, location="1003", page=2)]) as sandbox:
        assert_whole(read(sandbox, request_timeout_seconds=1), sandbox)


@pytest.mark.parametrize("page", [1, NAMED_PAGE])
def test_an_answer_that_drips_is_asked_for_again(page: int) -> None:
    """Although something always comes, a request is repeated when its time is up."""
    with Sandbox(SMALL, faults=[Fault(Kind.DRIP, location="1003", page=page)]) as sandbox:
        assert_whole(read(sandbox, moves_time=True, request_timeout_seconds=1), sandbox)


@pytest.mark.parametrize("asks_from", [0, 1])
@pytest.mark.parametrize("reports_from", [0, 1])
def test_a_wrong_page_while_counting_is_learned_costs_nothing(
    asks_from: int, reports_from: int
) -> None:
    """Where the first page that names itself is another one, it is asked for again."""
    quirks = Quirks(asks_from=asks_from, reports_from=reports_from)
    wrong = Fault(Kind.WRONG_PAGE, page=2)
    with Sandbox(SMALL, quirks=quirks, faults=[wrong]) as sandbox:
        assert_whole(read(sandbox), sandbox)


@pytest.mark.parametrize("asks_from", [0, 1])
@pytest.mark.parametrize("reports_from", [0, 1])
@pytest.mark.parametrize("beyond_end", BEYOND_ENDS)
def test_a_last_page_does_not_teach_a_wrong_count(
    asks_from: int, reports_from: int, beyond_end: Any
) -> None:
    """Where the first page asked for by number is a partition's last one, all are read (C8, C9)."""
    quirks = Quirks(asks_from=asks_from, reports_from=reports_from, beyond_end=beyond_end)
    with Sandbox(SMALL, quirks=quirks) as sandbox:
        # Pending orders have two pages, completed ones three.
        assert_whole(read(sandbox, page_size=10, max_concurrent_requests=1), sandbox)


@pytest.mark.parametrize("page", [1, NAMED_PAGE])
@pytest.mark.parametrize("kind", LASTING_KINDS)
def test_a_fault_that_lasts_costs_its_partition_only(kind: Kind, page: int) -> None:
    """The partition fails by name after bounded tries; all others are read; the next run heals."""
    fault = Fault(kind, every=1, location="1002", order_status="completed", page=page)
    with Sandbox(SMALL, faults=[fault]) as sandbox:
        run = read(sandbox, max_tries=TRIES)
        assert_lost_no_other(run, sandbox)
        # A first page is asked for by discovery, too.
        assert sandbox.strikes(fault) == TRIES * (2 if page == 1 else 1)
    if page > 1:
        assert_resumes(run, SMALL)


@pytest.mark.parametrize("kind", sorted(HARMLESS_KINDS))
def test_an_oddity_that_lasts_costs_nothing(kind: Kind) -> None:
    """What can be read all the same is no fault: numbers as text, repeated names, lateness."""
    with Sandbox(SMALL, faults=[Fault(kind, every=1, seconds=0.0)]) as sandbox:
        assert_whole(read(sandbox), sandbox)


@pytest.mark.parametrize("on", ["orders", "token"])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_bomb_costs_little(on: Any, coding: Any) -> None:
    """What would become much too much is not read, and neither is a token that would."""
    bomb = Fault(Kind.BOMB, on=on, coding=coding, location=None if on == "token" else "1002")
    with Sandbox(SMALL, faults=[bomb]) as sandbox:
        tracemalloc.start()
        run = read(sandbox, infer_schema=False)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert not sandbox.unmet_faults()
    assert "larger than 64 MiB" in str(run.error)
    assert ("`page_size`" in str(run.error)) == (on == "orders")
    assert peak < 200 << 20


@pytest.mark.parametrize("page", [1, NAMED_PAGE])
@pytest.mark.parametrize("kind", sorted(FINAL_KINDS))
def test_what_would_come_again_is_asked_for_once(kind: Kind, page: int) -> None:
    """It costs its partition and one try; all others are read; the next run heals."""
    fault = Fault(kind, every=1, location="1002", order_status="completed", page=page)
    with Sandbox(SMALL, faults=[fault]) as sandbox:
        run = read(sandbox)
        assert_lost_no_other(run, sandbox)
        assert sandbox.strikes(fault) == (2 if page == 1 else 1)
    assert_resumes(run, SMALL)


@pytest.mark.parametrize("code", [400, 403, 404])
def test_a_refusal_costs_its_partition_and_one_try(code: int) -> None:
    """What the server refuses is not asked again; all others are read; the next run heals."""
    fault = Fault(Kind.STATUS, code=code, every=1, location="1002", order_status="completed")
    with Sandbox(SMALL, faults=[fault]) as sandbox:
        run = read(sandbox)
        assert_lost_no_other(run, sandbox)
        assert sandbox.strikes(fault) == 2
    assert_resumes(run, SMALL)


def test_a_token_that_is_never_accepted_costs_its_partition_only() -> None:
    """Where a partition refuses every token, tries and token requests are bounded."""
    fault = Fault(Kind.STATUS, code=401, every=1, location="1002", order_status="completed")
    with Sandbox(SMALL, faults=[fault]) as sandbox:
        run = read(sandbox, max_tries=TRIES, infer_schema=False)
        assert_complete([], sandbox, but=set(run.bookmarks))
        assert sandbox.strikes(fault) == TRIES * 2
        assert len(sandbox.journal.tokens) <= 1 + TRIES * 2
    assert "it refused a new token as well" in str(run.error)
    assert without_bookmark(run) == {VICTIM}
    assert_resumes(run, SMALL)


every_seventh = partial(Fault, every=7)
TABLE = {
    "200 with an error body": (every_seventh(Kind.ERROR_BODY), Quirks()),
    "200 without orders": (every_seventh(Kind.NO_ORDERS), Quirks()),
    "200 with null": (every_seventh(Kind.ORDERS_NULL), Quirks()),
    "half a JSON": (every_seventh(Kind.TRUNCATED_JSON), Quirks()),
    "HTML": (every_seventh(Kind.HTML), Quirks()),
    "caps the page size": (None, Quirks(max_page_size=20)),
    "caps the page size in secret": (None, Quirks(max_page_size=20, reports_asked_size=True)),
    "ignores the page size": (None, Quirks(fixed_page_size=30)),
    "ignores the page size in secret": (
        None,
        Quirks(fixed_page_size=60, reports_asked_size=True),
    ),
    "counts from zero": (None, Quirks(asks_from=0, reports_from=0)),
    "revokes the token": (every_seventh(Kind.STATUS, code=401, revokes=True), Quirks()),
    "429 until a date": (
        every_seventh(Kind.STATUS, code=429, retry_after=60, retry_after_as="date"),
        Quirks(),
    ),
}


@pytest.mark.parametrize(("fault", "quirks"), TABLE.values(), ids=TABLE.keys())
def test_what_other_taps_lose_orders_to(fault: Fault | None, quirks: Quirks) -> None:
    """Of 2 000 orders of 4 locations and 2 statuses all arrive, and the run ends well."""
    with Sandbox(LARGE, quirks=quirks, faults=[fault] if fault else []) as sandbox:
        # Where waiting costs no time all tries fall into one burst, and eight workers that each
        # lose the token of all others need more of them than in real life.
        run = read(sandbox, page_size=50, max_tries=50, infer_schema=False)
        assert_whole(run, sandbox)
        assert len(run.records) == 2_000
        if fault is not None:
            assert sandbox.strikes(fault) >= 7


SORTS = {
    "old first": Quirks(),
    "new first": Quirks(sort="new_first"),
    "last changed last": Quirks(sort_on="updated"),
    "last changed first": Quirks(sort="new_first", sort_on="updated"),
    "shuffled once": Quirks(sort="shuffled_once"),
}
BUSY = timedelta(minutes=20)
"""Of each location, 0.1 orders come and as many are changed or move on with each request."""
HASTE = timedelta(hours=1)
"""Ends come closer while a partition is read, here and there by a page."""


def read_while_orders_move(quirks: Quirks, **changes: Any) -> tuple[int, Run, Sandbox]:
    """How many orders a run lost that were there throughout; the run; the server, still."""
    world = World(seed=1, locations=LOCATIONS[:2], orders_per_location=500, life_days=120)
    with Sandbox(world, quirks=quirks, tick=BUSY) as moving:
        before = held(moving).keys()
        # One at a time, or the order of arrival would decide what each answer holds.
        run = read(moving, page_size=20, max_concurrent_requests=1, **changes)
    assert run.error is None
    lost = before - {record["id"] for record in run.records}
    return len(lost), run, Sandbox(world, quirks=quirks, clock=moving.clock)


@pytest.mark.parametrize("quirks", SORTS.values(), ids=SORTS.keys())
def test_orders_that_move_while_they_are_read_are_not_lost(quirks: Quirks) -> None:
    """None that is there throughout is lost; after the next day's run all are as they are."""
    lost, run, still = read_while_orders_move(quirks)
    assert lost == 0
    still.clock.advance(timedelta(days=1))
    with still:
        # Orders of this world live 120 days.
        second = read(still, state=run.state, lookback_days=130)
        assert second.error is None
        assert_complete([*run.records, *second.records], still)


@pytest.mark.parametrize(
    ("beyond_end", "code"), [("missing", 404), ("refused", 400), ("broken", 500)]
)
def test_a_page_that_is_gone_is_no_loss(beyond_end: Any, code: int) -> None:
    """A page is asked for in vain, for the end came closer: what is there is read all the same."""
    known: dict[str, Any] = {"infer_schema": False}
    in_vain = 0
    for seed in (5, 37, 38):
        quirks = Quirks(beyond_end=beyond_end)
        world = World(seed=seed, locations=LOCATIONS[:2], orders_per_location=100, life_days=120)
        with Sandbox(world, quirks=quirks, tick=HASTE) as moving:
            run = read(moving, page_size=5, max_concurrent_requests=1, max_tries=TRIES, **known)
            assert run.error is None
            in_vain += sum(entry.status == code for entry in moving.journal.orders)
        moving.clock.advance(timedelta(days=1))
        with Sandbox(world, quirks=quirks, clock=moving.clock) as still:
            second = read(still, page_size=20, state=run.state, lookback_days=130, **known)
            assert second.error is None
            assert_complete([*run.records, *second.records], still)
    assert in_vain


@pytest.mark.parametrize("quirks", SORTS.values(), ids=SORTS.keys())
def test_a_single_pass_would_lose_some_of_them(quirks: Quirks) -> None:
    """The orders of these runs do move: without another pass some are lost."""
    lost, _, _ = read_while_orders_move(quirks, max_read_passes=1)
    assert lost > 0


def test_a_server_that_shuffles_moves_no_bookmark() -> None:
    """What never settles is emitted as far as it was seen, and read again by the next run."""
    with Sandbox(SMALL, quirks=Quirks(sort="shuffled_each")) as sandbox:
        run = read(sandbox, page_size=2, max_concurrent_requests=1)
        assert run.error is None
        assert_complete(run.records, sandbox, but=run.bookmarks)
    assert without_bookmark(run) == set(run.bookmarks)
    assert_resumes(run, SMALL)


def test_a_status_is_asked_for_when_the_one_before_is_read() -> None:
    """So an order that moves on is met again: all passes over a status come before the next."""
    with Sandbox(SMALL, quirks=Quirks(sort="shuffled_each")) as sandbox:
        read(sandbox, infer_schema=False)
        for location in LOCATIONS:
            asked = [
                str(entry.parameter("order_status"))
                for entry in sandbox.journal.orders
                if entry.parameter("locationId") == location
            ]
            again = asked.index("completed")
            assert set(asked[:again]) == {"pending"}
            assert set(asked[again:]) == {"completed"}


@pytest.mark.parametrize(
    ("quirks", "fault"),
    [
        (Quirks(), Fault(Kind.SHORT_PAGE, every=1, location="1001", order_status="pending")),
        (Quirks(sort="shuffled_each"), None),
    ],
)
def test_fewer_orders_than_announced_move_no_bookmark(quirks: Quirks, fault: Fault | None) -> None:
    """Small partitions, whose pages lack orders or shuffle, are never taken for whole."""
    for seed in (0, 1, 4, 9):
        world = World(seed=seed, locations=["1001"], orders_per_location=30, life_days=120)
        with Sandbox(world, quirks=quirks, faults=[fault] if fault else []) as sandbox:
            run = read(sandbox, max_concurrent_requests=1)
            assert_complete(run.records, sandbox, but=without_bookmark(run))


def any_quirks(rng: random.Random) -> Quirks:
    """A server with oddities of all kinds, none of which keeps its orders from being read."""
    return Quirks(
        asks_from=rng.randint(0, 1),
        reports_from=rng.randint(0, 1),
        beyond_end=rng.choice(BEYOND_ENDS),
        fixed_page_size=rng.choice([None, 2, 6]),
        max_page_size=rng.choice([2, 100]),
        reports_asked_size=rng.random() < 0.3,
        filters_on=rng.choice(["created", "updated"]),
        sort=rng.choice(["old_first", "new_first", "shuffled_once"]),
        sort_on=rng.choice(["created", "updated"]),
        token_seconds=rng.choice([5, 300]),
        sends_date=rng.random() < 0.7,
        date_skew_seconds=rng.choice([0, -90, 90]),
        compresses=rng.random() < 0.5,
    )


def any_passing_fault(rng: random.Random) -> Fault:
    """A fault that any run meets, once or twice."""
    kind = rng.choice(PASSING_KINDS)
    wants_token = kind is Kind.STATUS and rng.random() < 0.3
    needs_named_page = kind is Kind.WRONG_PAGE
    return Fault(
        kind,
        location=None if kind in TOKEN_KINDS else rng.choice([None, *LOCATIONS]),
        page=NAMED_PAGE if needs_named_page else None,
        nth=1 if kind in TOKEN_KINDS or needs_named_page else rng.randint(1, 8),
        times=rng.randint(1, 2),
        code=401 if wants_token else rng.choice(CODES),
        revokes=wants_token,
        retry_after=rng.choice([None, 0, 45]),
        retry_after_as=rng.choice(["seconds", "date"]),
        seconds=0.0,
    )


@pytest.mark.parametrize("seed", range(MIXTURES))
def test_any_mixture_of_faults_and_oddities_loses_nothing(seed: int) -> None:
    """Several faults on an odd server; in every second mixture one that ends a partition."""
    rng = random.Random(seed)
    quirks = any_quirks(rng)
    faults = [any_passing_fault(rng) for _ in range(rng.randint(1, 5))]
    settings: dict[str, Any] = {
        "max_concurrent_requests": rng.choice([1, 2, 8]),
        "max_tries": 50,
    }
    lasting = Fault(rng.choice(LASTING_KINDS), every=1, location="1002", order_status="completed")
    if seed % 2:
        faults.append(replace(lasting, page=NAMED_PAGE))
        # A page larger than it says does not look short: its partition only keeps its place.
        quirks = replace(quirks, reports_asked_size=False)
    with Sandbox(SMALL, quirks=quirks, faults=faults) as sandbox:
        run = read(sandbox, **settings)
        if not seed % 2:
            assert_whole(run, sandbox)
            return
        assert_lost_no_other(run, sandbox)
        assert sandbox.strikes(faults[-1]) <= settings["max_tries"]
    assert_resumes(run, SMALL, quirks)
