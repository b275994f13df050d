"""The reader's promises, with threads and without HTTP: a fake `fetch` that the tests hold still.

Nothing here sleeps: a fetch that is to hang waits for an event, and whoever waits for another
thread waits for what that thread sets.
"""

from __future__ import annotations

import gc
import signal
import threading
import weakref
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_xstak_oms.reading import reader as reader_module
from tap_xstak_oms.reading.asking import PageParameterIgnoredError
from tap_xstak_oms.reading.passes import Outcome
from tap_xstak_oms.reading.reader import Reader
from tests.workers import join_workers, workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

PATIENCE_SECONDS = 10
HANG_SECONDS = 4 * PATIENCE_SECONDS
"""Longer than any test may last."""

Partition = tuple[str, str]
"""Status and location."""


@dataclass(frozen=True)
class Page:
    """A page as the reader needs it, and one attribute more."""

    orders: list[int]
    number: int
    total_pages: int
    total_elements: int
    answered_at: str = "noon"


class RefusedError(Exception):
    """The answer was not accepted."""


class BrokenError(Exception):
    """One page cannot be had."""


class FatalError(Exception):
    """Nothing can be had any more."""

    fatal = True


@dataclass
class Server:
    """Pages of orders; counts from `asks_from` in requests and from `tells_from` in answers."""

    partitions: dict[Partition, list[list[int]]]
    asks_from: int = 0
    tells_from: int = 0
    before: Callable[[Partition, int | None], None] = lambda *_: None
    asked: list[tuple[Partition, int | None]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch(
        self,
        partition: Partition,
        asked: int | None,
        accept: Callable[[Page], bool],
        _: threading.Event,
    ) -> Page:
        """One page, as a client would fetch it."""
        with self._lock:
            self.asked.append((partition, asked))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.before(partition, asked)
            page = self.answer(partition, asked)
        finally:
            with self._lock:
                self.at_once -= 1
        if not accept(page):
            raise RefusedError
        return page

    def answer(self, partition: Partition, asked: int | None) -> Page:
        """The page as the server has it."""
        pages = self.partitions[partition]
        index = 0 if asked is None else asked - self.asks_from
        return Page(
            orders=pages[index] if 0 <= index < len(pages) else [],
            number=index + self.tells_from,
            total_pages=len(pages),
            total_elements=sum(map(len, pages)),
        )

    def reader(self, max_in_flight: int = 4, max_passes: int = 3) -> Reader[Partition, int, Page]:
        """A reader of all that this server has."""
        return Reader(
            list(self.partitions),
            self.fetch,
            lane=lambda partition: partition[1],
            orders=lambda page: page.orders,
            identify=lambda order: (order, 0),
            max_in_flight=max_in_flight,
            max_passes=max_passes,
        )


@pytest.fixture(autouse=True)
def _nothing_hangs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A consumer that waits in vain fails."""
    monkeypatch.setattr(reader_module, "SIGNAL_PATIENCE_SECONDS", 10 * PATIENCE_SECONDS)
    previous = signal.signal(signal.SIGALRM, _fail)
    signal.alarm(2 * PATIENCE_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


def _fail(_: int, __: FrameType | None) -> None:
    pytest.fail("the consumer waits for ever")


@pytest.fixture
def consumer_waits(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the consumer, holding the lock, is about to wait for a page."""
    waits = threading.Event()
    wait = threading.Condition.wait

    def spy(condition: threading.Condition, timeout: float | None = None) -> bool:
        if timeout == reader_module.SIGNAL_PATIENCE_SECONDS:
            waits.set()
        return wait(condition, timeout)

    monkeypatch.setattr(threading.Condition, "wait", spy)
    return waits


@pytest.fixture
def worker_sleeps(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set while the only worker waits, and nobody has woken it."""
    sleeps = threading.Event()
    wait, notify = threading.Condition.wait, threading.Condition.notify
    consumer = threading.get_ident()

    def spy_on_wait(condition: threading.Condition, timeout: float | None = None) -> bool:
        if threading.get_ident() != consumer:
            sleeps.set()
        return wait(condition, timeout)

    def spy_on_notify(condition: threading.Condition, n: int = 1) -> None:
        if threading.get_ident() == consumer:
            sleeps.clear()
        notify(condition, n)

    monkeypatch.setattr(threading.Condition, "wait", spy_on_wait)
    monkeypatch.setattr(threading.Condition, "notify", spy_on_notify)
    return sleeps


@pytest.fixture
def seven_sleep(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when seven workers have gone to sleep."""
    sleep = threading.Event()
    sleepers: set[int] = set()
    wait, consumer = threading.Condition.wait, threading.get_ident()

    def spy(condition: threading.Condition, timeout: float | None = None) -> bool:
        if timeout is None:
            sleepers.add(threading.get_ident())
        if len(sleepers - {consumer}) == 7:
            sleep.set()
        return wait(condition, timeout)

    monkeypatch.setattr(threading.Condition, "wait", spy)
    return sleep


def _pages(count: int, first: int = 0, size: int = 3) -> list[list[int]]:
    return [list(range(at, at + size)) for at in range(first, first + count * size, size)]


def _one_partition(pages: int, **options: Any) -> Server:
    return Server({("pending", "1"): _pages(pages)}, **options)


ONLY = ("pending", "1")


def _read_all(server: Server, max_in_flight: int = 4) -> list[object]:
    """Everything a consumer meets, page by page; errors by their name."""
    met: list[object] = []
    with server.reader(max_in_flight) as reader:
        for partition in server.partitions:
            try:
                met.extend((partition, list(orders)) for orders in reader.read(partition))
            except (BrokenError, RefusedError) as error:
                met.append((partition, repr(error)))
    return met


@st.composite
def _servers(draw: st.DrawFn) -> Server:
    locations = draw(st.integers(1, 4))
    sizes = draw(st.lists(st.integers(0, 7), min_size=1, max_size=10))
    names = [(f"status {at // locations}", f"{at % locations}") for at in range(len(sizes))]
    pages = {
        name: _pages(size, first=1000 * at)
        for at, (name, size) in enumerate(zip(names, sizes, strict=True))
    }
    counts_from = draw(st.integers(0, 1))
    return Server(pages, counts_from, counts_from)


@settings(deadline=None)
@given(_servers(), st.integers(1, 8), st.sets(st.tuples(st.integers(0, 9), st.integers(0, 6))))
def test_any_concurrency_reads_the_same(
    server: Server, max_in_flight: int, broken: set[tuple[int, int]]
) -> None:
    """Orders and errors come in the same order for any number of requests in flight."""
    names = list(server.partitions)

    def break_some(partition: Partition, asked: int | None) -> None:
        index = 0 if asked is None else asked - server.asks_from
        if (names.index(partition), index) in broken:
            raise BrokenError(partition, index)

    expected = _expected(server, broken)
    server.before = break_some

    assert _read_all(server, max_in_flight) == expected
    join_workers()


def _expected(server: Server, broken: set[tuple[int, int]]) -> list[object]:
    met: list[object] = []
    for at, (partition, pages) in enumerate(server.partitions.items()):
        for index, orders in enumerate(pages or [[]]):
            if (at, index) in broken:
                met.append((partition, repr(BrokenError(partition, index))))
                break
            met.append((partition, orders))
    return met


def test_requests_overlap_up_to_the_bound(seven_sleep: threading.Event) -> None:
    """As many requests are in flight as may be, though all but one worker slept, and no more."""
    together = threading.Barrier(8)

    def meet(_: Partition, asked: int | None) -> None:
        if asked is None:
            assert seven_sleep.wait(PATIENCE_SECONDS)
        elif asked > 1:
            together.wait(PATIENCE_SECONDS)  # breaks when fewer come

    server = _one_partition(18, before=meet)
    assert len(_read_all(server, max_in_flight=8)) == 18
    assert server.most_at_once == 8


def test_a_worker_that_sleeps_is_woken_whenever_there_is_work(
    worker_sleeps: threading.Event,
) -> None:
    """Pages taken, another pass and the end of a partition each wake a worker that went idle."""
    server = Server({("pending", "1"): [[1], [2], [2]], ("completed", "1"): _pages(9)})
    with server.reader(max_in_flight=1) as reader:
        for partition, pages in [(ONLY, 6), (("completed", "1"), 9)]:
            reading = reader.read(partition)
            for _ in reading:
                assert worker_sleeps.wait(PATIENCE_SECONDS)
            assert reading.outcome.pages == pages


def test_look_ahead_goes_across_partitions() -> None:
    """While one partition's only page is under way, those of other lanes are asked for."""
    server = Server({("pending", str(at)): _pages(1) for at in range(3)})
    together = threading.Barrier(3)
    server.before = lambda *_: (together.wait(PATIENCE_SECONDS), None)[1]

    assert len(_read_all(server, max_in_flight=3)) == 3


def test_a_location_s_next_status_waits_for_the_end_of_the_previous_one() -> None:
    """A location's next status is asked for only when its previous one has been consumed."""
    server = Server({(status, at): _pages(3) for status in ("pending", "completed") for at in "12"})
    consumed: Counter[Partition] = Counter()

    def check(partition: Partition, _: int | None) -> None:
        status, location = partition
        assert status == "pending" or consumed["pending", location] == 3

    server.before = check
    with server.reader() as reader:
        for partition in server.partitions:
            for _ in reader.read(partition):
                consumed[partition] += 1
    assert consumed == dict.fromkeys(server.partitions, 3)


@pytest.mark.parametrize("max_in_flight", [1, 8])
@pytest.mark.parametrize("tells_from", [0, 1])
@pytest.mark.parametrize("asks_from", [0, 1])
def test_how_the_server_counts_is_learned(
    asks_from: int, tells_from: int, max_in_flight: int
) -> None:
    """Requests and answers may count from 0 or 1, each by itself: learned once for a run (C8)."""
    server = Server({("pending", at): _pages(2) for at in "123"}, asks_from, tells_from)

    met = _read_all(server, max_in_flight)

    assert [orders for _, orders in _as_pairs(met)] == _pages(2) * 3
    assert len(server.asked) == 6 + abs(asks_from - tells_from)


def _as_pairs(met: list[object]) -> list[tuple[Partition, list[int]]]:
    return [pair for pair in met if isinstance(pair, tuple)]


class IgnoringServer(Server):
    """Answers with the first page, whatever is asked."""

    def answer(self, partition: Partition, _: int | None) -> Page:
        """The first page."""
        return super().answer(partition, self.asks_from)


@pytest.mark.parametrize("tells_from", [0, 1])
def test_a_server_that_ignores_the_page_is_an_error_of_its_own(tells_from: int) -> None:
    """After a few requests the partition fails; those of one page can be read nevertheless."""
    pages = {("pending", "1"): _pages(3), ("pending", "2"): _pages(1), ("pending", "3"): _pages(2)}
    server = IgnoringServer(pages, tells_from=tells_from)
    with server.reader() as reader:
        for name in "13":
            if name == "3":
                assert list(reader.read(("pending", "2"))) == _pages(1)
            with pytest.raises(PageParameterIgnoredError) as caught:
                list(reader.read(("pending", name)))
            assert (caught.value.wanted, caught.value.told) == (tells_from + 1, tells_from)
    named = [name for name, asked in server.asked if asked is not None]
    assert sorted(named) == [("pending", "1")] * 4 + [("pending", "3")] * 4


@pytest.mark.parametrize("tells_from", [0, 1])
@pytest.mark.parametrize("asks_from", [0, 1])
def test_a_last_page_that_stands_for_any_later_one_teaches_nothing(
    asks_from: int, tells_from: int
) -> None:
    """It has the number that was expected, however the server counts; others follow (C8, C9)."""

    class Clamping(Server):
        def answer(self, partition: Partition, asked: int | None) -> Page:
            last = len(self.partitions[partition]) - 1 + self.asks_from
            return super().answer(partition, asked and min(asked, last))

    server = Clamping({("pending", str(n)): _pages(n) for n in (2, 4)}, asks_from, tells_from)

    assert _as_pairs(_read_all(server, 1)) == [
        (partition, orders) for partition, pages in server.partitions.items() for orders in pages
    ]


@pytest.mark.parametrize(
    ("tells_from", "wrong", "sizes"),
    [(1, 0, (2, 4)), (1, 0, (4, 2)), (0, 2, (4, 2)), (1, 2, (5, 2))],
)
@pytest.mark.parametrize("asks_from", [0, 1])
def test_one_wrong_page_while_counting_is_learned_teaches_nothing(
    asks_from: int, tells_from: int, wrong: int, sizes: tuple[int, int]
) -> None:
    """The page is asked for again; all are read, whatever is given beyond the end (C8, C9)."""

    class OnceMistaken(Server):
        def answer(self, partition: Partition, asked: int | None) -> Page:
            last = len(self.partitions[partition]) - 1
            is_first_named = sum(number is not None for _, number in self.asked) == 1
            index = 0 if asked is None else wrong if is_first_named else asked - self.asks_from
            return super().answer(partition, min(index, last) + self.asks_from)

    pages = {("pending", str(n)): _pages(n) for n in sizes}
    met = _as_pairs(_read_all(OnceMistaken(pages, asks_from, tells_from), 1))
    assert met == [(name, orders) for name in pages for orders in pages[name]]


def test_an_answer_far_off_is_not_shifted_after() -> None:
    """A first named page off by more than one is no way of counting."""

    class FarOff(Server):
        def answer(self, partition: Partition, asked: int | None) -> Page:
            return super().answer(partition, None if asked is None else asked + 3)

    server = FarOff({ONLY: _pages(9)})
    with server.reader() as reader, pytest.raises(PageParameterIgnoredError):
        list(reader.read(ONLY))
    assert server.asked == [(ONLY, None), *[(ONLY, 1)] * 4]


def test_a_partition_that_shrank_while_counting_was_learned_teaches_nothing() -> None:
    """A first named page beyond the end is moved; the next partition's is then the first one."""

    class Shrinking(Server):
        def answer(self, partition: Partition, asked: int | None) -> Page:
            page = super().answer(partition, asked)
            if asked is not None and partition == ONLY:
                return Page([], 0, 1, 3)
            return page

    server = Shrinking({ONLY: _pages(2), ("pending", "2"): _pages(3)}, asks_from=1)
    with server.reader(1) as reader:
        reading = reader.read(ONLY)
        emitted = [order for orders in reading for order in orders]
        assert emitted == [0, 1, 2]
        assert [name for name, _ in server.asked].count(ONLY) == reading.outcome.pages
        assert list(reader.read(("pending", "2"))) == _pages(3)


def test_another_page_than_the_one_asked_for_is_refused() -> None:
    """Once it is known how pages are counted, an answer of another number is not accepted."""

    class Mistaken(Server):
        def answer(self, partition: Partition, asked: int | None) -> Page:
            return super().answer(partition, 1 if asked == 2 else asked)

    server = Mistaken({ONLY: _pages(4)})

    assert _read_all(server)[-1] == (ONLY, repr(RefusedError()))


def test_growth_is_read_on() -> None:
    """A partition that grows while being read is read to its new end, by its own totals (C9)."""

    class Growing(Server):
        def answer(self, partition: Partition, asked: int | None) -> Page:
            if asked == 2:
                self.partitions[partition] = _pages(6)
            return super().answer(partition, asked)

    server = Growing({ONLY: _pages(3)})
    with server.reader(1) as reader:
        reading = reader.read(ONLY)
        assert list(reading)[:6] == _pages(6)
    assert reading.outcome == Outcome(
        settled=True, passes=2, pages=12, orders=18, total=18, quiet=True
    )


def test_pages_beyond_an_end_that_came_closer_are_no_error() -> None:
    """A page asked for beyond an end that has shrunk since is moved, whatever it says it is."""

    class Shrinking(Server):
        def answer(self, partition: Partition, asked: int | None) -> Page:
            if asked == 3:
                self.partitions[partition] = _pages(3)
                return Page([], 0, 3, 9)
            return super().answer(partition, asked)

    server = Shrinking({ONLY: _pages(40)})
    with server.reader(1) as reader:
        reading = reader.read(ONLY)
        emitted = [order for orders in reading for order in orders]
    assert emitted == list(range(9))
    assert reading.outcome.settled
    assert max(asked or 0 for _, asked in server.asked) == 3


def test_every_pass_begins_with_a_request_that_names_no_page() -> None:
    """What is not quiet is read again, all of its pages at once, and emits what is new only."""
    server = _one_partition(4)
    server.partitions[ONLY][3] = [2, 99]  # an order that moved, so that totals and orders differ
    together = threading.Barrier(4)

    def meet(_: Partition, asked: int | None) -> None:
        if server.asked.count((ONLY, asked)) == 2:
            together.wait(PATIENCE_SECONDS)

    server.before = meet
    with server.reader() as reader:
        reading = reader.read(ONLY)
        assert list(reading) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [99], [], [], [], []]
    assert reading.outcome == Outcome(settled=True, passes=2, pages=8, orders=10, total=11)
    assert Counter(asked for _, asked in server.asked) == {None: 2, 1: 2, 2: 2, 3: 2}


def test_the_first_answer_is_at_hand_before_the_first_orders() -> None:
    """The first answer, with whatever else it carries, is there when its orders are."""
    with _one_partition(2).reader() as reader:
        reading = reader.read(ONLY)
        for _ in reading:
            assert reading.first.answered_at == "noon"
            assert reading.first.orders == [0, 1, 2]


def test_what_was_met_is_forgotten_with_the_partition() -> None:
    """A partition that has been read leaves counts behind, and no key of an order."""

    class Key:
        pass

    keys = [Key() for _ in range(12)]
    references = [weakref.ref(key) for key in keys]
    server = _one_partition(4)
    reader: Reader[Partition, int, Page] = Reader(
        [ONLY],
        server.fetch,
        lane=str,
        orders=lambda page: page.orders,
        identify=lambda order: (keys[order], 0),
        max_in_flight=2,
        max_passes=3,
    )
    with reader:
        reading = reader.read(ONLY)
        assert len(list(reading)) == 4
        keys.clear()
        gc.collect()
        assert not any(reference() for reference in references)
        assert reading.outcome.orders == 12


def test_the_first_failed_page_wins_although_a_later_one_failed_sooner() -> None:
    """A partition's error is that of its first page in page order to fail, after those before."""
    later_failed = threading.Event()
    server = _one_partition(6)

    def fail(_: Partition, asked: int | None) -> None:
        if asked == 4:
            later_failed.set()
            raise BrokenError(asked)
        if asked == 3:
            assert later_failed.wait(PATIENCE_SECONDS)
            raise BrokenError(asked)

    server.before = fail
    with server.reader() as reader:
        orders = iter(reader.read(ONLY))
        assert [next(orders) for _ in range(3)] == _pages(3)
        with pytest.raises(BrokenError, match="3"):
            next(orders)


def test_a_failed_partition_does_not_stop_others_nor_its_lane() -> None:
    """Other locations, and the next status of the failed one, are read."""
    server = Server(
        {("pending", "1"): _pages(2), ("pending", "2"): _pages(2), ("completed", "1"): _pages(2)}
    )

    def fail(partition: Partition, _: int | None) -> None:
        if partition == ONLY:
            raise BrokenError

    server.before = fail
    assert [partition for partition, _ in _as_pairs(_read_all(server))] == [
        ONLY,
        *[("pending", "2")] * 2,
        *[("completed", "1")] * 2,
    ]


def test_what_identify_raises_ends_the_partition_alone() -> None:
    """An order that cannot be identified fails its partition, not its neighbours."""
    server = Server({("pending", at): _pages(2) for at in "12"})

    def identify(order: int) -> tuple[int, int]:
        if order == 4 and not failed:
            failed.append(order)
            raise BrokenError
        return order, 0

    failed: list[int] = []
    reader: Reader[Partition, int, Page] = Reader(
        list(server.partitions),
        server.fetch,
        lane=str,
        orders=lambda page: page.orders,
        identify=identify,
        max_in_flight=2,
        max_passes=3,
    )
    with reader:
        with pytest.raises(BrokenError):
            list(reader.read(ONLY))
        assert list(reader.read(("pending", "2"))) == _pages(2)


def test_a_fatal_error_ends_everything_at_once(consumer_waits: threading.Event) -> None:
    """A fatal error anywhere is raised although the page awaited hangs, and ends all asking."""
    release = threading.Event()
    server = Server({("pending", str(at)): _pages(1) for at in range(99)})

    def fail(partition: Partition, _: int | None) -> None:
        if partition == ("pending", "1"):
            assert consumer_waits.wait(PATIENCE_SECONDS)
            raise FatalError
        assert release.wait(HANG_SECONDS)

    server.before = fail
    with server.reader(max_in_flight=2) as reader:
        for name in "05":
            with pytest.raises(FatalError):
                list(reader.read(("pending", name)))
        release.set()
        join_workers()
    assert len(server.asked) == 2
    with pytest.raises(FatalError):
        list(reader.read(("pending", "6")))


def test_close_waits_for_no_request() -> None:
    """Closing returns although a request hangs; its thread ends when the request does."""
    hangs, release = threading.Event(), threading.Event()
    server = _one_partition(3)

    def hang(_: Partition, asked: int | None) -> None:
        if asked is not None:
            hangs.set()
            assert release.wait(HANG_SECONDS)

    server.before = hang
    with server.reader() as reader:
        next(iter(reader.read(ONLY)))
        assert hangs.wait(PATIENCE_SECONDS)
    assert server.at_once == 1
    assert all(worker.daemon for worker in workers())
    release.set()
    join_workers()
    assert len(server.asked) == 2
    with pytest.raises(RuntimeError, match="closed"):
        list(reader.read(ONLY))


def test_threads_end_with_the_last_partition() -> None:
    """Where all has been read, nobody has to close the reader for its threads to end."""
    server = Server({("pending", "1"): _pages(3), ("pending", "2"): _pages(2)})
    reader = server.reader(max_in_flight=4)
    list(reader.read(("pending", "1")))
    assert workers()
    list(reader.read(("pending", "2")))
    join_workers()


def test_closing_twice_or_unread_is_nothing() -> None:
    """A reader that read nothing has asked for nothing, and closes as often as one likes."""
    server = _one_partition(3)
    reader = server.reader()
    reader.read(ONLY)
    reader.close()
    reader.close()
    assert server.asked == []


def test_closing_does_not_wait_for_the_consumer_it_interrupts() -> None:
    """A signal's handler may close the reader at any moment, even while its thread has the lock."""
    with _one_partition(3).reader() as reader, reader._lock:  # noqa: SLF001 - no other way in
        reader.close()


def test_another_thread_can_close_under_a_waiting_consumer(
    consumer_waits: threading.Event,
) -> None:
    """A consumer that waits for a page is told when the reader is closed."""
    release = threading.Event()
    server = _one_partition(1)

    def close(*_: object) -> None:
        assert consumer_waits.wait(PATIENCE_SECONDS)
        reader.close()
        assert release.wait(HANG_SECONDS)

    server.before = close
    reader = server.reader()
    with pytest.raises(RuntimeError, match="closed"):
        list(reader.read(ONLY))
    release.set()


class InterruptedByTestError(Exception):
    """Raised by the signal handler."""


@pytest.mark.parametrize("closes", [False, True])
def test_a_signal_interrupts_a_waiting_consumer(
    closes: bool,  # noqa: FBT001 - a case
    consumer_waits: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A handler that raises, and may close the reader itself, ends the wait for a hung request."""
    monkeypatch.setattr(reader_module, "SIGNAL_PATIENCE_SECONDS", 0.5)
    release = threading.Event()
    server = _one_partition(1)
    reader = server.reader()
    main = threading.get_ident()

    def hang(*_: object) -> None:
        assert consumer_waits.wait(PATIENCE_SECONDS)
        signal.pthread_kill(main, signal.SIGUSR1)
        assert release.wait(HANG_SECONDS)

    def handle(_: int, __: FrameType | None) -> None:
        if closes:
            reader.close()
        raise InterruptedByTestError

    server.before = hang
    previous = signal.signal(signal.SIGUSR1, handle)
    try:
        with reader, pytest.raises(InterruptedByTestError):
            list(reader.read(ONLY))
        assert server.at_once == 1
    finally:
        signal.signal(signal.SIGUSR1, previous)
        release.set()


def test_an_iterator_left_midway_ends_its_partition() -> None:
    """A partition left midway is over with: its lane goes on, and it cannot be begun again."""
    server = Server({("pending", "1"): _pages(50), ("completed", "1"): _pages(3)})
    with server.reader() as reader:
        for _ in reader.read(ONLY):
            break
        with pytest.raises(ValueError, match="left"):
            list(reader.read(ONLY))
        assert list(reader.read(("completed", "1"))) == _pages(3)


def test_a_lane_goes_on_when_its_partition_was_left_midway() -> None:
    """The next of a location is asked for when an iterator is closed, before it is read."""
    server = Server({("pending", "1"): _pages(9), ("completed", "1"): _pages(1)})
    is_asked = threading.Event()
    server.before = lambda partition, _: is_asked.set() if partition != ONLY else None
    with server.reader() as reader:
        for _ in reader.read(ONLY):
            break
        assert is_asked.wait(PATIENCE_SECONDS)


def test_going_on_ends_an_iterator_still_held() -> None:
    """One partition is read at a time: to read the next ends the one before."""
    server = Server({("pending", "1"): _pages(5), ("completed", "1"): _pages(3)})
    with server.reader() as reader:
        held = iter(reader.read(ONLY))
        next(held)
        following = iter(reader.read(("completed", "1")))
        assert next(following) == _pages(1)[0]
        with pytest.raises(ValueError, match="read"):
            next(held)
        assert list(following) == _pages(3)[1:]


def test_partitions_may_be_passed_over() -> None:
    """One may begin anywhere and pass partitions over, whatever has been fetched of them."""
    server = Server({(status, "1"): _pages(4) for status in "abcdef"})
    with server.reader() as reader:
        for status in "bdf":
            assert list(reader.read((status, "1"))) == _pages(4)
    assert {name for name, _ in server.asked} <= {(status, "1") for status in "bcdef"}


def test_ten_thousand_partitions_of_one_page() -> None:
    """Every partition costs one request, and all are read in their order."""
    names = [(status, str(at)) for status in ("pending", "completed") for at in range(5_000)]
    server = Server({name: [[at]] for at, name in enumerate(names)})

    assert _read_all(server, 8) == [(name, [at]) for at, name in enumerate(names)]
    assert len(server.asked) == 10_000
