"""Every way in which the tap can fail, as one tree.

    TapError                    said to a person as it stands: one or two sentences, no traceback
    ├── UsageError              an option, a file or a setting is wrong
    │   └── SettingsError       the configuration is wrong; carries every problem at once
    ├── OutputError             stdout takes nothing more
    ├── RunError                ends the run: nothing can be read (an outage)
    │   └── CredentialsError    the credentials were refused
    └── PartitionError          ends one partition; the others go on
        ├── RefusedError        the server will not answer this request
        └── RetriableError      may pass by itself: tried again up to `max_tries` times

Each tells the exit code of a command that ends with it. The codes are documented and stable.

No text of an error ever holds a secret, a token or an order's data: errors are built from our
own words, numbers and setting names. Of what a server said they hold at most the ID of a request.
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
    """Something that a person should read.

    Attributes:
        exit_code: Of a command that ends with it: 1 if not everything was read and written.
        request_id: The ID that the server gave to the request which failed, None where it gave
            none. The text holds it once the request is given up.
    """

    exit_code = 1
    request_id: str | None = None

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
    """Stdout takes nothing more."""

    def __init__(self, error: OSError) -> None:
        reason = (error.strerror or "no reason is known").lower()
        what = _OUTPUT_PROBLEMS.get(error.errno or 0, f"Cannot write to stdout ({reason})")
        super().__init__(f"{what}: nothing more can be written.")


class RunError(TapError):
    """The run cannot go on, whatever the partition."""

    exit_code = 4
    fatal = True
    """Tells the reader to end everything."""


class CredentialsError(RunError):
    """The token endpoint refused the credentials."""

    exit_code = 3


class PartitionError(TapError):
    """One partition cannot be read; the others can.

    Attributes:
        gone: Whether it may mean that there is no such page. The reader then asks whether there
            still is.
    """

    def __init__(self, message: str, *, gone: bool = False, request_id: str | None = None) -> None:
        super().__init__(message)
        self.gone = gone
        self.request_id = request_id


class RefusedError(PartitionError):
    """The server refuses one request, and would again; it says nothing of others."""

    def __init__(self, message: str, *, gone: bool = True, request_id: str | None = None) -> None:
        super().__init__(message, gone=gone, request_id=request_id)


class RetriableError(PartitionError):
    """One try of one request failed in a way that may pass.

    Attributes:
        retry_after: Seconds the server asked everybody to wait, if it did.
    """

    retry_after: float | None = None


def of_the_tap(error: Exception) -> str:
    """The message of an unexpected error: its type and place, not its text, which may hold data."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(at.filename).name}, line {at.lineno}"
    return f"An error in the tap itself: {type(error).__name__} in {place}. Please report it."
