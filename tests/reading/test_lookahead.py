"""Which page is asked for next: bounds, barriers and learning how pages count, without threads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tap_xstak_oms.reading.lookahead import PAGES_AHEAD_PER_REQUEST, LookAhead, PageRequest
from tap_xstak_oms.reading.window import Window


@dataclass(frozen=True)
class _Page:
    number: int
    total_pages: int
    total_elements: int = 0
    orders: tuple[int, ...] = ()


@dataclass
class _Run:
    """Workers and a consumer in one thread, taking turns as the seed has it."""

    sizes: list[int]
    lanes: list[int]
    max_in_flight: int
    seed: int
    growth: int = 0
    in_flight: list[PageRequest[_Page]] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ahead: LookAhead[_Page] = LookAhead(self.lanes, self.max_in_flight)
        self.random = Random(self.seed)

    def read_all(self) -> None:
        while self.ahead.current < len(self.sizes):
            turns = [self._claim, self._deliver, self._take]
            self.random.shuffle(turns)
            assert any(turn() for turn in turns), "nobody can go on"

    def _claim(self) -> bool:
        if len(self.in_flight) == self.max_in_flight:
            return False
        request = self.ahead.claim()
        if request is None:
            return False
        self._check(request)
        self.in_flight.append(request)
        return True

    def _check(self, request: PageRequest[_Page]) -> None:
        lane = self.lanes[request.position]
        assert lane not in self.lanes[self.ahead.current : request.position]
        assert self._outstanding() <= self.max_in_flight * (PAGES_AHEAD_PER_REQUEST + 1)

    def _outstanding(self) -> int:
        positions = range(self.ahead.current, len(self.sizes))
        return sum(self.ahead.window(position).outstanding for position in positions)

    def _deliver(self) -> bool:
        if not self.in_flight:
            return False
        request = self.in_flight.pop(self.random.randrange(len(self.in_flight)))
        if request.index > 0:
            self.ahead.shift = 0
        if self.growth and self.random.random() < 0.3:
            self.growth -= 1
            self.sizes[request.position] += 1
        self.ahead.deliver(request, _Page(request.index, self.sizes[request.position]))
        return True

    def _take(self) -> bool:
        position = self.ahead.current
        window = self.ahead.window(position)
        if window.is_exhausted:
            self.ahead.go_to(position + 1)
        elif window.has_next:
            self.taken.append((position, self.ahead.take().number))
        else:
            return False
        return True


_sizes = st.lists(st.integers(0, 9), max_size=12)


@given(_sizes, st.integers(1, 5), st.integers(1, 6), st.integers(0, 20), st.integers())
def test_every_page_is_taken_in_order(
    sizes: list[int], lanes: int, max_in_flight: int, growth: int, seed: int
) -> None:
    """However threads interleave and partitions grow: in order, in bounds, lane by lane, no jam."""
    run = _Run(sizes, [at % lanes for at in range(len(sizes))], max_in_flight, seed, growth)

    run.read_all()

    assert run.taken == sorted(run.taken)
    pages = Counter(position for position, _ in run.taken)
    if not growth:
        assert pages == {at: max(1, size) for at, size in enumerate(sizes)}


def _claim_firsts(ahead: LookAhead[_Page], count: int) -> list[PageRequest[_Page]]:
    requests = [request for _ in range(count) if (request := ahead.claim()) is not None]
    assert [request.index for request in requests] == [0] * count
    return requests


def _deliver_firsts(ahead: LookAhead[_Page], total_pages: int, count: int = 1) -> None:
    for request in _claim_firsts(ahead, count):
        ahead.deliver(request, _Page(0, total_pages))


def _claim_all(ahead: LookAhead[_Page]) -> list[tuple[int, int]]:
    claimed = []
    while (request := ahead.claim()) is not None:
        claimed.append((request.position, request.index))
    return claimed


def test_the_look_ahead_is_bounded() -> None:
    """Nothing more is asked for when thrice the requests in flight wait to be consumed."""
    ahead: LookAhead[_Page] = LookAhead([0, 1], 4)
    ahead.shift = 0
    _deliver_firsts(ahead, 100)

    assert _claim_all(ahead) == [(0, index) for index in range(1, 12)]


def test_the_look_ahead_is_bounded_over_many_partitions() -> None:
    """Partitions of one page are asked for in order, and as few ahead as pages of one partition."""
    ahead: LookAhead[_Page] = LookAhead(range(99), 4)

    assert _claim_all(ahead) == [(position, 0) for position in range(12)]


def test_a_partition_of_a_full_look_ahead_is_not_starved() -> None:
    """The partition being consumed has all requests, although later ones fill the look-ahead."""
    ahead: LookAhead[_Page] = LookAhead([0, 1], 4)
    ahead.shift = 0
    first, second = _claim_firsts(ahead, 2)
    ahead.deliver(second, _Page(0, 100))
    assert len(_claim_all(ahead)) == 10

    ahead.deliver(first, _Page(0, 10))

    assert _claim_all(ahead) == [(0, 1), (0, 2), (0, 3)]


def test_a_lane_waits_for_its_previous_partition() -> None:
    """A lane's next partition is asked for when the one before has ended, not when it came."""
    ahead: LookAhead[_Page] = LookAhead(["a", "a", "b"], 4)
    _deliver_firsts(ahead, 1)
    assert _claim_all(ahead) == [(2, 0)]

    ahead.take()
    ahead.go_to(1)

    assert _claim_all(ahead) == [(1, 0)]


def test_the_first_named_page_is_asked_for_alone() -> None:
    """Until the run knows how pages are counted (C8), only one request names a page."""
    ahead: LookAhead[_Page] = LookAhead("abc", 8)
    _deliver_firsts(ahead, 3, count=3)
    probe = ahead.claim()
    assert probe is not None
    assert (probe.position, probe.index) == (0, 1)
    assert ahead.claim() is None

    ahead.shift = 0
    ahead.deliver(probe, _Page(1, 3))

    assert _claim_all(ahead) == [(0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_probe_that_taught_nothing_holds_up_nobody() -> None:
    """Where a last page leaves open how the server counts, others find out side by side."""
    ahead: LookAhead[_Page] = LookAhead(range(4), 4)
    _deliver_firsts(ahead, 2, count=4)
    probe = ahead.claim()
    assert probe is not None
    assert _claim_all(ahead) == []
    ahead.deliver(probe, _Page(1, 2))
    assert _claim_all(ahead) == [(1, 1), (2, 1), (3, 1)]


def test_when_the_probe_fails_another_partition_probes() -> None:
    """A first named page that failed leaves the learning to the next partition."""
    ahead: LookAhead[_Page] = LookAhead("ab", 8)
    _deliver_firsts(ahead, 3, count=2)
    probe = ahead.claim()
    assert probe is not None
    assert ahead.claim() is None

    ahead.deliver(probe, OSError())

    assert _claim_all(ahead) == [(1, 1)]


def test_what_a_probe_of_a_dropped_partition_held_up_goes_on() -> None:
    """A probe whose partition was left midway still makes way for others."""
    ahead: LookAhead[_Page] = LookAhead("ab", 8)
    _deliver_firsts(ahead, 3, count=2)
    probe = ahead.claim()
    assert probe is not None
    assert ahead.claim() is None

    ahead.go_to(1)
    ahead.shift = 0
    ahead.deliver(probe, _Page(1, 3))

    assert _claim_all(ahead) == [(1, 1), (1, 2)]


def test_a_dropped_partition_takes_no_room() -> None:
    """A partition left midway makes room, and what still comes for it changes nothing."""
    ahead: LookAhead[_Page] = LookAhead("abcde", 1)
    ahead.shift = 0
    _deliver_firsts(ahead, 9)
    late = ahead.claim()
    assert late is not None

    ahead.go_to(1)
    assert not ahead.deliver(late, _Page(1, 9))

    assert _claim_all(ahead) == [(1, 0), (2, 0), (3, 0)]


def test_nothing_is_asked_for_after_a_failed_page() -> None:
    """A failed page ends its partition: the pages beyond it are not asked for."""
    ahead: LookAhead[_Page] = LookAhead("a", 2)
    ahead.shift = 0
    _deliver_firsts(ahead, 9)
    request = ahead.claim()
    assert request is not None

    ahead.deliver(request, OSError())

    assert ahead.claim() is None


def test_a_page_beyond_the_end_ends_the_asking() -> None:
    """After an answer from beyond an end that came closer, nothing beyond it is asked for."""
    window: Window[_Page] = Window(base=0, extent=50)
    window.asked = 5

    window.arrive(4, _Page(4, 3))

    assert window.extent == 5


def test_an_answer_overtaken_by_growth_does_not_end_the_pass() -> None:
    """An older answer that tells fewer pages does not take back what a newer one told."""
    window: Window[_Page] = Window(base=0, extent=3)
    window.asked = 3
    window.arrive(2, _Page(2, 5))

    window.arrive(1, _Page(1, 3))

    assert window.extent == 5


def test_the_cost_of_a_partition_does_not_depend_on_their_number() -> None:
    """A partition of one page costs as many looks among 10 000 as it does among 100."""
    assert _looks(partitions=100, pages=1) <= 5 * 100
    assert _looks(partitions=10_000, pages=1) <= 5 * 10_000


def test_the_cost_of_a_page_does_not_depend_on_their_number() -> None:
    """A page costs as many looks among 10 000 of its partition as it does among 100."""
    assert _looks(partitions=2, pages=50) <= 5 * 100
    assert _looks(partitions=2, pages=5_000) <= 5 * 10_000


def _looks(partitions: int, pages: int) -> int:
    class _Counted(LookAhead[_Page]):
        looks = 0

        def window(self, position: int) -> Window[_Page]:
            self.looks += 1
            return super().window(position)

    ahead = _Counted([at % (partitions // 2) for at in range(partitions)], 8)
    ahead.shift = 0
    for position in range(partitions):
        for _ in range(pages):
            while (request := ahead.claim()) is not None:
                ahead.deliver(request, _Page(request.index, pages))
            ahead.take()
        ahead.go_to(position + 1)
    return ahead.looks
