"""Sandboxes and callers for the tests of the sandbox."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.sandbox.client import Client
from xstak_sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve = Callable[..., Client]


@pytest.fixture
def serve(caplog: pytest.LogCaptureFixture) -> Iterator[Serve]:
    """Start a sandbox with the given arguments and return a client of it.

    Whatever the server itself complains of fails the test.
    """
    with ExitStack() as stack:

        def start(*arguments: Any, **options: Any) -> Client:
            sandbox = stack.enter_context(Sandbox(*arguments, **options))
            return stack.enter_context(Client(sandbox))

        yield start
    phases: tuple[Literal["setup", "call", "teardown"], ...] = ("setup", "call", "teardown")
    records = [record for phase in phases for record in caplog.get_records(phase)]
    assert [r.getMessage() for r in records if r.name.startswith("uvicorn")] == []


@pytest.fixture
def client(serve: Serve) -> Client:
    """A client of a sandbox with nothing special."""
    return serve()
