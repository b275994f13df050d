"""The command: its options, and what a mistake ends in."""

from __future__ import annotations

import ctypes
import json
import logging
import sys
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.tap_base import CliTestOptionValue

from tap_xstak_oms.config.files import text_of_object
from tap_xstak_oms.errors import SettingsError, TapError
from tap_xstak_oms.tap import TapXstakOMS

if TYPE_CHECKING:
    import click
    from singer_sdk.plugin_base import _ConfigInput

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""

logger = logging.getLogger("tap-xstak-oms")


def share_one_heap() -> None:
    """Let all threads of this process take their memory from one heap, where that can be said.

    The C library of most Linux systems (glibc) would keep one for each of them. Pages are taken
    by many threads and freed by one, so that all of these heaps grow and little is given back.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


class Command(TapXstakOMS):
    """The tap as a command: what its options mean."""

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """The SDK's command, whose options take what they should and complain in words."""
        command = super().get_singer_command()
        options = {option.name: option for option in command.params}
        for name in ("catalog", "state"):
            options[name].type, options[name].callback = options["config"].type, _object
        return command

    @classmethod
    def invoke(  # type: ignore[override]  # the SDK's takes open files
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput,
        state: dict[str, Any] | None = None,
        catalog: dict[str, Any] | None = None,
    ) -> None:
        """Tell about the tap, or run it."""
        if about:
            cls.print_about(about_format)
            return
        logger.info("%s %s, singer-sdk %s", cls.name, cls.plugin_version, cls.sdk_version)
        try:
            tap = cls(
                config=config.config,
                state=state,
                catalog=catalog,
                parse_env_config=config.parse_env,
            )
        except ConfigValidationError as error:
            # The SDK's command would end it with a line that says nothing.
            raise SettingsError(error.errors) from None
        tap.run()

    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read `--config`: files, of which later ones override earlier ones, and `ENV`."""
        given = super().cb_config(ctx, param, tuple(path for path in value if path == "ENV"))
        for path in value:
            if path != "ENV":
                text = text_of_object(path, "configuration")
                given.config |= json.loads(text, parse_float=Decimal)
        return given

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Answer `--test`; the SDK's own would look through all partitions for an order."""
        if value != CliTestOptionValue.All.value:
            super().cb_test(ctx, param, value)
            return
        given = ctx.params["config"]
        tap = cls(config=given.config, parse_env_config=given.parse_env, setup_mapper=False)
        tap.check_connection()
        ctx.exit()


def _object(_: object, option: click.Parameter, path: str | None) -> dict[str, Any] | None:
    """The JSON object in the file that an option names."""
    if path is None:
        return None
    held: dict[str, Any] = json.loads(text_of_object(path, str(option.name)))
    return held


def main() -> None:
    """Run the command line; every mistake of a user ends in words and exit code 1."""
    share_one_heap()
    try:
        Command.cli()
    except ConfigValidationError as error:
        problems = error.errors
    except TapError as error:
        problems = str(error).splitlines()
    else:
        return
    for problem in problems:
        logger.error("%s", problem)
    sys.exit(1)
