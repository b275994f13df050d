"""The command: its options, and how it ends."""

from __future__ import annotations

import json
import logging
import sys
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import click
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_xstak_oms import process
from tap_xstak_oms.config.files import content_of_object
from tap_xstak_oms.errors import TapError, of_the_tap
from tap_xstak_oms.singer.rediscovery import extended
from tap_xstak_oms.tap import TapXstakOMS

if TYPE_CHECKING:
    from singer_sdk.plugin_base import _ConfigInput

logger = logging.getLogger("tap-xstak-oms")


class Command(TapXstakOMS):
    """The tap as a command: what its options do."""

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """The SDK's command, with options that report mistakes in words."""
        command = super().get_singer_command()
        options = {option.name: option for option in command.params}
        for name in ("catalog", "state"):
            options[name].type, options[name].callback = options["config"].type, _object
        # The SDK would act on these two at once, before it has read the other options.
        for name in ("discover", "test"):
            options[name].callback, options[name].expose_value = None, True
        for name, text in _HELP.items():
            cast("click.Option", options[name]).help = text
        command.help = cls.__doc__
        return command

    @classmethod
    @override
    def invoke(  # type: ignore[override]  # the SDK's takes open files
        cls,
        *,
        config: _ConfigInput,
        about: bool,
        about_format: str | None,
        discover: bool,
        test: str,
        state: dict[str, Any] | None,
        catalog: dict[str, Any] | None,
    ) -> None:
        """Do what the options ask for."""
        if about:
            cls.print_about(about_format)
            return
        answers = discover or test != CliTestOptionValue.Disabled.value
        make = partial(cls, config=config.config, parse_env_config=config.parse_env)
        if not answers:
            logger.info("%s %s, singer-sdk %s", cls.name, cls.plugin_version, cls.sdk_version)
            make(state=state, catalog=catalog).run()
        elif discover:
            tap = make(validate_config=False, setup_mapper=False)
            found = tap.catalog_dict
            click.echo(json.dumps(extended(catalog, found) if catalog else found, indent=2))
        elif test == CliTestOptionValue.Schema.value:
            make(catalog=catalog).write_schemas()
        else:
            make(setup_mapper=False).test()

    def test(self) -> None:
        """Check the connection.

        Raises:
            TapError: The account cannot be read, or a location or status has no order at all.
        """
        if doubts := self.check_connection():
            raise TapError("\n".join(doubts))

    @classmethod
    @override
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read `--config`: files, where later ones override earlier ones, and `ENV`."""
        given = super().cb_config(ctx, param, tuple(path for path in value if path == "ENV"))
        for path in value:
            if path != "ENV":
                given.config |= content_of_object(path, "configuration", parse_float=Decimal)
        return given


_HELP = {
    "config": "A JSON file with the configuration, or ENV for the variables TAP_XSTAK_OMS_...; "
    "may be given more than once, and later ones override earlier ones.",
    "catalog": "A JSON file with the catalog, used as it stands. With --discover it is kept, and "
    "extended by what is new.",
    "state": "A JSON file with the state of the last run: its last STATE message, or the `value` "
    "of that.",
    "discover": "Sample orders and write the catalog to stdout.",
    "test": "Check that the account can be read, and that each location and status has orders. "
    "--test=schema writes the SCHEMA message instead.",
    "about": "Tell the settings and capabilities of the tap.",
    "about_format": "How --about writes: for machines or for a page.",
}


def _object(_: object, option: click.Parameter, path: str | None) -> dict[str, Any] | None:
    """The JSON object in the file that an option names."""
    return None if path is None else content_of_object(path, str(option.name))


def main() -> None:
    """Run the command line; a user's mistake ends in words and an exit code."""
    process.prepare()
    try:
        with process.complete_output():
            Command.cli()
    except TapError as error:
        for line in str(error).splitlines():
            logger.error("%s", line, extra=error.fields)  # noqa: TRY400 - a person reads it
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the SDK would tell its text, which could hold anything
        logger.critical("%s", of_the_tap(error))
        sys.exit(1)
