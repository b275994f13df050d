"""The command line of the sandbox."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from xstak_sandbox.clock import WorldClock
from xstak_sandbox.faults import Fault
from xstak_sandbox.manual import manual
from xstak_sandbox.moments import PAKISTAN
from xstak_sandbox.options import build
from xstak_sandbox.quirks import Quirks
from xstak_sandbox.sandbox import Sandbox
from xstak_sandbox.world import World, location_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code is 1 if that cannot begin.

    Prints one line when ready: the base URL; and on stderr, if asked to, what a client has to know.
    """
    options = _parser().parse_args(arguments)
    ended = _ended_by_signals()
    try:
        with _sandbox(options) as sandbox:
            if options.show_config:
                since = sandbox.world.start - timedelta(days=options.days)
                sys.stderr.write(f"{json.dumps(_config(sandbox, since), indent=2)}\n")
            sys.stdout.write(f"{sandbox.url}\n")
            sys.stdout.flush()
            ended.wait()
    except ValueError as problem:
        return _fail(f"{problem}.")
    except OSError as problem:
        where = f"{options.host}:{options.port}"
        return _fail(f"The sandbox cannot listen on {where}: {problem.strerror}; try --port.")
    return 0


def _ended_by_signals() -> threading.Event:
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return ended


def _fail(sentence: str) -> int:
    sys.stderr.write(f"{sentence[0].upper()}{sentence[1:]}\n")
    return 1


def _sandbox(options: argparse.Namespace) -> Sandbox:
    world = World(
        seed=options.seed,
        locations=location_ids(options.locations),
        orders_per_location=options.orders,
        days=options.days,
        start=options.now,
        statuses=options.statuses.split(","),
        life_days=options.life_days,
        cancelled_share=options.cancelled_share,
        deleted_share=options.deleted_share,
        short_offsets=options.short_offsets,
    )
    return Sandbox(
        world,
        quirks=build(Quirks, _quirks(options)),
        faults=[build(Fault, f"kind={spec}".split(",")) for spec in options.fault],
        clock=WorldClock(world.start, runs=not options.clock_stands),
        tick=timedelta(seconds=options.tick_seconds),
        latency=timedelta(milliseconds=options.latency_ms),
        host=options.host,
        port=options.port,
        kept_pages=options.keep_pages,
    )


def _config(sandbox: Sandbox, since: datetime) -> dict[str, object]:
    return sandbox.config(since.date().isoformat(), order_statuses=list(sandbox.world.statuses))


def _quirks(options: argparse.Namespace) -> list[str]:
    base = options.page_base
    return [
        f"filters_on={options.filters_on}",
        *([] if base is None else [f"asks_from={base}", f"reports_from={base}"]),
        *options.quirk,
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m xstak_sandbox",
        description="A local XStak with made-up orders.",
        epilog=manual(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=8765, help="0 takes any that is free (default: 8765)")
    add("--host", default="127.0.0.1", help="a loopback address (default: 127.0.0.1)")
    add("--seed", type=int, default=7, help="decides the orders (default: 7)")
    add("--locations", type=int, default=3, help="how many, from 1001 on (default: 3)")
    add("--orders", type=int, default=250, help="per location by now (default: 250)")
    add("--days", type=float, default=60, help="over which they came (default: 60)")
    add("--life-days", type=float, default=25, help="an order's longest life (default: 25)")
    add("--cancelled-share", type=float, default=0, help="of orders, from any status (default: 0)")
    add("--deleted-share", type=float, default=0, help="of orders, from any status (default: 0)")
    add("--statuses", default="pending,completed", help="in lifecycle order, with commas")
    add("--now", type=_moment, default=datetime.now(PAKISTAN), help="the world's time at start")
    add("--clock-stands", action="store_true", help="real time does not pass in the world")
    add("--tick-seconds", type=float, default=0, help="world time per orders request (default: 0)")
    add("--latency-ms", type=float, default=0, help="by which each answer is late (default: 0)")
    add("--filters-on", choices=("created", "updated"), default="created", help="C11")
    add("--page-base", type=int, choices=(0, 1), help="C8, both asked and reported (default: 1)")
    add("--short-offsets", action="store_true", help="C5, orders' own times end in +5:00")
    add("--show-config", action="store_true", help="say on stderr the config.json that reads it")
    add("--keep-pages", type=int, default=0, help="finished pages to keep ready, for benchmarks")
    add("--quirk", action="append", default=[], metavar="NAME=VALUE", help="see below")
    add("--fault", action="append", default=[], metavar="SPEC", help="see below")
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=PAKISTAN)
