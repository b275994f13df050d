"""A local XStak: the vendor document as a server, for tests and demonstrations."""

from xstak_sandbox.clock import WorldClock
from xstak_sandbox.faults import Fault, Kind
from xstak_sandbox.journal import Entry, Journal
from xstak_sandbox.quirks import Quirks
from xstak_sandbox.sandbox import Sandbox
from xstak_sandbox.shelf import Order
from xstak_sandbox.tokens import Credentials
from xstak_sandbox.world import RawOrder, World, location_ids

__all__ = [
    "Credentials",
    "Entry",
    "Fault",
    "Journal",
    "Kind",
    "Order",
    "Quirks",
    "RawOrder",
    "Sandbox",
    "World",
    "WorldClock",
    "location_ids",
]
