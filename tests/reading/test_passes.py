"""When a moving set of pages has been read whole, and which of its orders are emitted."""

from __future__ import annotations

import tracemalloc
from typing import NoReturn

import pytest

from tap_xstak_oms.reading.passes import Outcome, Passes

Order = tuple[str, int]
"""An order's id and its version."""


class _Read:
    """A read of pages given as the ids they hold and the total they tell."""

    def __init__(self, max_passes: int = 3) -> None:
        self.outcome = Outcome()
        self._passes: Passes[Order] = Passes(lambda order: order, max_passes, self.outcome)

    def take(self, *pages: tuple[str, int], version: int = 1) -> str:
        """Returns the ids emitted."""
        emitted: list[Order] = []
        for ids, total in pages:
            orders = [(order, version) for order in ids]
            emitted += self._passes.take(orders, total, is_only_page=len(pages) == 1)
        return "".join(order for order, _ in emitted)

    def begin_another(self) -> bool:
        return self._passes.begin_another()


def test_a_quiet_pass_settles() -> None:
    """One total told by all answers, and as many distinct orders: the read is done."""
    read = _Read()

    assert read.take(("ab", 4), ("cd", 4)) == "abcd"
    assert not read.begin_another()
    assert read.outcome == Outcome(settled=True, quiet=True, passes=1, pages=2, orders=4, total=4)


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([("ab", 4), ("cd", 3)], id="the total fell"),
        pytest.param([("ab", 4), ("cd", 5)], id="the total rose"),
        pytest.param([("ab", 4), ("bc", 4)], id="an order came twice"),
        pytest.param([("ab", 3), ("cd", 3)], id="more orders than announced"),
    ],
)
def test_a_pass_that_is_not_quiet_is_repeated(pages: list[tuple[str, int]]) -> None:
    """Totals that differ, or other than the distinct orders met, ask for another pass."""
    read = _Read()
    read.take(*pages)

    assert read.begin_another()
    assert not read.outcome.settled


def test_a_later_pass_emits_what_is_new_or_changed() -> None:
    """What was emitted is not emitted again, unless its content is another."""
    read = _Read()
    read.take(("ab", 4), ("cd", 3))
    read.begin_another()

    assert read.take(("ac", 4)) == ""
    assert read.take(("de", 4)) == "e"
    assert read.take(("b", 4), version=2) == "b"
    assert read.outcome.orders == 5


def test_an_exact_repeat_is_emitted_once() -> None:
    """An order that moved to a later page of the same pass is emitted once."""
    assert _Read().take(("ab", 4), ("bc", 4)) == "abc"


def test_a_pass_that_brings_nothing_new_settles() -> None:
    """Where totals changed meanwhile, a pass that shows nothing new has shown all there is."""
    read = _Read()
    read.take(("ab", 4), ("bc", 4))
    read.begin_another()
    read.take(("ab", 4), ("bc", 3))

    assert not read.begin_another()
    assert read.outcome.settled
    assert read.outcome.passes == 2


def test_a_total_that_stands_still_and_is_not_reached_is_not_believed() -> None:
    """Answers that agree on more orders than they hold never settle, however often asked."""
    read = _Read(max_passes=3)
    for pass_number in range(3):
        read.take(("ab", 9), ("bc", 9))
        assert read.begin_another() == (pass_number < 2)

    assert not read.outcome.settled


def test_an_end_that_comes_much_closer_is_not_believed() -> None:
    """A server that knows no more of what it announced, page after page, keeps orders back."""
    read = _Read(max_passes=3)
    for pass_number in range(3):
        read.take(("abc", 9), ("", 3), ("", 0))
        assert read.begin_another() == (pass_number < 2)

    assert not read.outcome.settled


def test_a_read_is_as_quiet_as_its_last_pass() -> None:
    """What moved before proves nothing against it; what moved in the last one does."""
    read = _Read()
    read.take(("ab", 4), ("c", 3))
    assert read.begin_another()
    read.take(("ab", 3), ("d", 3))
    assert not read.begin_another()
    assert read.outcome == Outcome(settled=True, quiet=True, passes=2, pages=4, orders=4, total=3)
    restless = _Read()
    for pages in ((("ab", 4), ("c", 3)), (("ab", 4), ("c", 3))):
        restless.take(*pages)
        restless.begin_another()
    assert (restless.outcome.settled, restless.outcome.quiet) == (True, False)


def test_a_server_that_lists_an_order_twice_settles() -> None:
    """The same orders seen in two passes, as many rows as announced: that is all there is."""
    read = _Read()
    read.take(("ab", 4), ("bc", 4))
    read.begin_another()
    read.take(("ab", 4), ("bc", 4))

    assert not read.begin_another()
    assert read.outcome.settled


def test_a_key_that_repeats_settles_in_the_second_pass() -> None:
    """The same keys with the same contents again: each order is emitted once, and all are read."""
    outcome = Outcome()
    passes: Passes[Order] = Passes(lambda order: order, 3, outcome)
    pages = [[("a", 1), ("b", 1)], [("a", 2), ("b", 2)], [("a", 3)]]
    emitted = [[*passes.take(page, 5, is_only_page=False)] for page in pages]
    assert emitted == pages
    assert passes.begin_another()
    emitted = [[*passes.take(page, 5, is_only_page=False)] for page in pages]
    assert emitted == [[], [], []]
    assert not passes.begin_another()
    assert outcome == Outcome(settled=True, passes=2, pages=6, orders=2, total=5)


def test_orders_that_change_while_they_are_read_are_no_key_that_repeats() -> None:
    """In each pass others are met twice, with contents of their own: more may be out of sight."""
    outcome = Outcome()
    passes: Passes[Order] = Passes(lambda order: order, 3, outcome)
    for number, twice in enumerate("abc", start=1):
        first = [(order, 1) for order in "abcd"]
        passes.take(first, 8, is_only_page=False)
        passes.take([(twice, 9 * number), ("e", 1)], 8, is_only_page=False)
        passes.begin_another()
    assert not outcome.settled


def test_repeats_that_change_are_not_believed() -> None:
    """Where other orders repeat in each pass, some are pushed out of sight: it is a shuffler."""
    read = _Read(max_passes=3)
    for pages in (("ab", "bc"), ("bc", "cd"), ("ab", "bc")):
        read.take(*((page, 4) for page in pages))
        read.begin_another()

    assert not read.outcome.settled


def test_a_changed_order_is_not_a_new_one() -> None:
    """A pass that brings only changes brings nothing new."""
    read = _Read()
    read.take(("ab", 4), ("c", 3))
    read.begin_another()
    read.take(("ab", 4), ("c", 3), version=2)

    assert not read.begin_another()
    assert read.outcome.settled


@pytest.mark.parametrize(("new", "settled"), [(9, True), (10, False)])
def test_a_last_pass_may_bring_few(new: int, settled: bool) -> None:  # noqa: FBT001 - a case
    """Less than one new order in a hundred is what arrived meanwhile, but only at the last."""
    outcome = Outcome()
    passes: Passes[int] = Passes(lambda order: (order, 0), 3, outcome)
    for times in range(3):
        passes.take(range(times * new, times * new + 1000), 999, is_only_page=False)
        passes.take([], 1000, is_only_page=False)
        assert passes.begin_another() == (times < 2)

    assert outcome == Outcome(settled, passes=3, pages=6, orders=1000 + 2 * new, total=1000)


def test_a_later_pass_hands_on_what_it_met() -> None:
    """Between the second pass and the third the keys of a large partition are not copied."""
    passes: Passes[int] = Passes(lambda order: (order, 0), 3, Outcome())
    for orders in (range(10_000), range(5_000, 15_000)):
        assert passes.take(orders, 20_000, is_only_page=False)
        passes.take([], 20_000, is_only_page=False)
        tracemalloc.start()
        assert passes.begin_another()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 10_000


def test_what_never_settles_ends_unsettled() -> None:
    """The passes are counted, and the last of them that brings many ends the read unsettled."""
    read = _Read(max_passes=2)
    read.take(("ab", 9), ("cd", 9))
    assert read.begin_another()
    read.take(("ef", 9), ("gh", 9))

    assert not read.begin_another()
    assert not read.outcome.settled
    assert read.outcome.passes == 2


def test_one_page_is_quiet_and_leaves_nothing_behind() -> None:
    """A partition of one page passes through as it came: no order in it is even identified."""

    def identify(_: str) -> NoReturn:
        raise AssertionError

    outcome = Outcome()
    passes: Passes[str] = Passes(identify, 3, outcome)

    assert passes.take("aa", 5, is_only_page=True) == "aa"
    assert not passes.begin_another()
    assert outcome == Outcome(settled=True, quiet=True, passes=1, pages=1, orders=2, total=5)


def test_a_partition_that_shrank_to_one_page_is_quiet() -> None:
    """A later pass of one page settles, and emits nothing twice."""
    read = _Read()
    read.take(("ab", 3), ("", 2))
    read.begin_another()

    assert read.take(("bc", 9)) == "c"
    assert not read.begin_another()
    assert read.outcome.settled


class _WithoutKeys:
    """A read of orders without a key, given as one letter for each content."""

    def __init__(self, max_passes: int = 3) -> None:
        self.outcome = Outcome()
        self._passes: Passes[str] = Passes(
            lambda order: (None, ord(order)), max_passes, self.outcome
        )

    def read(self, *passes: str, total: int) -> list[str]:
        """Returns what each pass emitted, as far as another was due; pages are apart by blanks."""
        emitted = []
        for pages in passes:
            fresh: list[str] = []
            for page in pages.split():
                fresh += self._passes.take(page, total, is_only_page=" " not in pages)
            emitted.append("".join(fresh))
            if not self._passes.begin_another():
                break
        return emitted


@pytest.mark.parametrize(
    "pages", ["aaaa", "aa aa", "aaa a", "a a a a", "ab ca da a", "aa bb aa bb"]
)
def test_identical_orders_without_a_key_are_as_many_as_there_are(pages: str) -> None:
    """On one page or several, and however many passes: each is emitted, and once."""
    read = _WithoutKeys()
    orders = pages.replace(" ", "")
    emitted = "".join(read.read(*[pages] * 9, total=len(orders)))
    assert sorted(emitted) == sorted(orders)
    assert read.outcome.settled
    assert read.outcome.orders == len(orders)


def test_an_order_without_a_key_that_moved_on_is_one() -> None:
    """Met twice in a pass because another went or came before it, it is emitted once."""
    read = _WithoutKeys()
    assert read.read("ab bc", "ab cd", total=4) == ["abc", "d"]
    assert read.outcome.settled


def test_the_last_pass_emits_further_identical_orders() -> None:
    """Where no other pass can tell, rather one twice than one that is lost."""
    assert _WithoutKeys(max_passes=1).read("aa bb", total=4) == ["aabb"]
    assert _WithoutKeys(max_passes=2).read("ab cd", "aa bb", total=9) == ["abcd", "ab"]


def test_orders_without_keys_that_are_shuffled_are_not_believed() -> None:
    """As many rows as announced are not all orders where each pass repeats others."""
    read = _WithoutKeys()
    emitted = read.read("ab bc", "bc cd", "da ab", total=4)
    assert len(emitted) == 3
    assert not read.outcome.settled


def test_a_further_identical_order_that_comes_and_goes_is_not_emitted() -> None:
    """Only what two passes on end have met counts."""
    read = _WithoutKeys(max_passes=5)
    assert read.read("aa bc", "ab cd", "aa bd", "ab cd", total=9)[:4] == ["abc", "d", "", ""]


@pytest.mark.parametrize("orders", [5_000, 7_500, 11_000])
def test_an_order_takes_less_than_a_hundred_bytes_in_every_pass(orders: int) -> None:
    """A large partition's identities take little, whatever they are grown from."""
    passes: Passes[int] = Passes(lambda order: (b"%d" % order, -order), 4, Outcome())
    tracemalloc.start()
    for begin in range(4):
        for page in range(begin, begin + orders, 100):
            passes.take(range(page, page + 100), 2 * orders + page, is_only_page=False)
        assert passes.begin_another() == (begin < 3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * orders
