"""All errors of the tap, as one tree.

    TapError                    shown to a person as it is: one or two sentences, no traceback
    ├── UsageError              an option, a file or a setting is wrong
    │   └── SettingsError       the configuration is wrong; holds every problem
    ├── OutputError             stdout accepts nothing more
    ├── RunError                ends the run: nothing can be read (an outage)
    │   └── CredentialsError    the server refused the credentials
    └── PartitionError          ends one partition; the others go on
        ├── RefusedError        the server refuses this request
        └── RetriableError      may pass: tried again up to `max_tries` times

Each has the exit code of a command that ends with it. The codes are documented and stable.

No error text holds a secret, a token or an order's data: it is made of our own words, numbers and
setting names, and holds nothing that a server said but the ID of a request.
"""

from __future__ import annotations

import errno
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_OUTPUT_PROBLEMS = {
    errno.EPIPE: "The downstream process closed the pipe",
    errno.EBADF: "stdout is closed",
}


class TapError(Exception):
    """An error for a person to read.

    Attributes:
        exit_code: The exit code of a command that ends with it: 1 if not everything was read and
            written.
        request_id: The server's ID of the failed request, if it gave one. The text holds it once
            the request is given up.
    """

    exit_code = 1

    def __init__(self, message: str, *, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id

    @property
    def fields(self) -> dict[str, str]:
        """What JSON logs hold beside the text."""
        return {"request_id": self.request_id} if self.request_id else {}


class UsageError(TapError):
    """An option, a file or a setting is wrong."""

    exit_code = 2


class SettingsError(UsageError):
    """The configuration is wrong.

    Attributes:
        problems: One sentence each, naming the setting and what would be right.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class OutputError(TapError):
    """Stdout accepts nothing more."""

    def __init__(self, error: OSError) -> None:
        reason = (error.strerror or "no reason is known").lower()
        what = _OUTPUT_PROBLEMS.get(error.errno or 0, f"Cannot write to stdout ({reason})")
        super().__init__(f"{what}: nothing more can be written.")


class RunError(TapError):
    """The run cannot go on with any partition."""

    exit_code = 4
    fatal = True
    """Makes the reader end everything."""


class CredentialsError(RunError):
    """The token endpoint refused the credentials."""

    exit_code = 3


class PartitionError(TapError):
    """One partition cannot be read; the others can.

    Attributes:
        gone: Whether it may mean that the page no longer exists. The reader then checks that.
    """

    gone = False


class RefusedError(PartitionError):
    """The server refuses one request, and would again; it may answer others."""

    gone = True


class RetriableError(PartitionError):
    """One try of one request failed in a way that may pass.

    Attributes:
        retry_after: The seconds that the server asked all workers to wait, if it did.
    """

    retry_after: float | None = None


def of_the_tap(error: Exception) -> str:
    """Describe an unexpected error by type and place; its text may hold data."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(at.filename).name}, line {at.lineno}"
    return f"An error in the tap itself: {type(error).__name__} in {place}. Please report it."
