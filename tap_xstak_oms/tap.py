"""The tap: its settings, its streams, and how a run ends."""

from __future__ import annotations

import copy
import logging
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.helpers.capabilities import (
    CapabilitiesEnum,
    PluginCapabilities,
    TapCapabilities,
)
from typing_extensions import override

from tap_xstak_oms.api.client import XStakClient
from tap_xstak_oms.clock import Clock
from tap_xstak_oms.config import sdk_settings
from tap_xstak_oms.config.environment import environment
from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.config.settings import Settings
from tap_xstak_oms.discovery.connection import check_connection
from tap_xstak_oms.discovery.discover import Discovered, discover, without_orders
from tap_xstak_oms.errors import PartitionError, RunError, SettingsError
from tap_xstak_oms.records.columns import own_schema
from tap_xstak_oms.records.selection import EVERYTHING
from tap_xstak_oms.singer.catalog import Known, prepare_catalog
from tap_xstak_oms.singer.logs import quieten_sdk
from tap_xstak_oms.singer.maps import in_words
from tap_xstak_oms.singer.nested import ALL_LEVELS, levels_of, told
from tap_xstak_oms.singer.state import check_state
from tap_xstak_oms.singer.writer import LineWriter
from tap_xstak_oms.streams import SalesOrderReadsStream, SalesOrdersStream
from tap_xstak_oms.sync import bookmarks, opening, reads
from tap_xstak_oms.sync.summary import NOTHING_READ
from tap_xstak_oms.sync.sync import Account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from singer_sdk.singerlib import Catalog
    from singer_sdk.streams import Stream

STREAMS = (SalesOrdersStream.name, SalesOrderReadsStream.name)
NO_ANSWER = "There was no answer yet."


class TapXstakOMS(Tap):
    """Singer tap for the XStak OMS sales API."""

    name = "tap-xstak-oms"
    package_name = "tap-xstak-oms"
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(SCHEMA)
    # No BATCH: its files would bypass stream maps and selection.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.TEST,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(  # noqa: PLR0913 - as the SDK has it, and the time
        self,
        *,
        config: Mapping[str, Any] | None = None,
        catalog: Mapping[str, Any] | Catalog | None = None,
        state: Mapping[str, Any] | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
        setup_mapper: bool = True,
        clock: Clock | None = None,
        message_writer: LineWriter | None = None,
    ) -> None:
        """Create the tap.

        Args:
            config: The configuration.
            catalog: A catalog to use as it is, instead of discovery.
            state: The state of the last run.
            parse_env_config: Whether to take settings from the environment too.
            validate_config: False if the tap may have no settings at all.
            setup_mapper: False for a tap that does not read, but only discovers or tests.
            clock: The source of time.
            message_writer: Where messages go, instead of stdout.

        Raises:
            SettingsError: The configuration is wrong; holds every problem.
            TapError: The catalog or the state cannot be used.
        """
        quieten_sdk(self.name, STREAMS)
        given = dict(config or {})
        if parse_env_config:
            given |= environment(self.setting_names())
        self._clock = clock or Clock()
        self._writer = message_writer or LineWriter()
        self._stream: SalesOrdersStream | None = None
        self._reads = setup_mapper
        self._settings = self._parse(given, must_be_complete=validate_config)
        self.levels_told = levels_of(given, self._settings.nested_schema if self._settings else "")
        self._selection = EVERYTHING
        try:
            super().__init__(
                config=self._sdk_config(given),
                catalog=self._prepare(catalog),
                state=self._checked(state),
                validate_config=self._settings is not None,
                setup_mapper=setup_mapper,
                message_writer=self._writer,
            )
        except (RunError, PartitionError):
            self.logger.info(NOTHING_READ)
            raise

    def run(self) -> None:
        """Read everything, then write the last state and log a summary, whatever ended the run.

        Raises:
            TapError: Not everything could be read.
        """
        try:
            self.sync_all()
        finally:
            self._conclude()

    def check_connection(self) -> list[str]:
        """Check whether the account can be read, and log what was found.

        Returns:
            Doubts, one sentence each: the locations and statuses that have no order at all.

        Raises:
            TapError: Not everything can be read.
        """
        return check_connection(self._settings, self._clock) if self._settings else []

    @override
    def _setup_signal_handlers(self) -> None:
        super()._setup_signal_handlers()
        # nohup sets it to be ignored, on purpose.
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            with suppress(ValueError):  # outside the main thread: the SDK sets none there either
                signal.signal(signal.SIGHUP, self._handle_termination)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        # The SDK's own could write STATE into the middle of a record, and would exit with 0.
        self._writer.stop(signum, partial(self._say_last, signal.Signals(signum).name))

    def _say_last(self, signal_name: str) -> None:
        self.logger.warning("Stopped by %s.", signal_name)
        # The given state is loaded before the first message, but maybe not yet now.
        if self._writer.has_begun:
            self._conclude()
        else:
            self.logger.info(NOTHING_READ if self._reads else NO_ANSWER)

    def _conclude(self) -> None:
        try:
            if self._stream is not None:
                self._stream.conclude()
            if self.state:
                self.state_writer.write_state(self.state)
        finally:
            if self._stream is not None:
                self._stream.tell_summary()

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        # Orders come first; the SDK sorts streams by name.
        found = super().streams
        return {name: found[name] for name in STREAMS}

    @override
    def discover_streams(self) -> list[Stream]:
        """Find the columns and the key of the orders: in the catalog, else in sampled orders."""
        account = None
        if self._settings is not None:
            client = XStakClient(self._settings, self._clock)
            account = Account(self._settings, client, self._clock)
        schema, primary_keys = self._discovered(account)
        self._stream = SalesOrdersStream(
            self,
            schema=told(schema, self.levels_told) if self._reads else schema,
            primary_keys=primary_keys,
            selection=self._selection,
            account=account,
            writer=self._writer,
        )
        return [self._stream, self._stream.reads]

    def _discovered(self, account: Account | None) -> Discovered:
        if self.input_catalog is not None:
            return self._given(self.input_catalog)
        if account is not None and account.settings.infer_schema:
            return discover(account.settings, account.client)
        self.logger.warning(
            "No order was sampled: the whole order goes to _extra, and there is no key."
        )
        return without_orders()

    def _given(self, catalog: Catalog) -> Discovered:
        if not any(map(catalog.get_stream, STREAMS)):
            self.logger.warning(
                "The catalog has no stream %s: nothing is read.", " or ".join(STREAMS)
            )
        entry = catalog.get_stream(SalesOrdersStream.name)
        if entry is None:
            return without_orders()
        return Discovered(entry.schema.to_dict(), list(entry.key_properties or []))

    def _parse(self, given: Mapping[str, Any], *, must_be_complete: bool) -> Settings | None:
        if not (given or must_be_complete):
            needed = ", ".join(SCHEMA["required"])
            self.logger.warning("Cannot read orders: %s are not set.", needed)
            return None
        problems = list(sdk_settings.problems(given, self.sdk_schema(), STREAMS))
        settings = None
        try:
            settings = Settings.parse(given, now=self._clock.now())
        except SettingsError as error:
            problems = error.problems + problems
        if problems:
            raise SettingsError(problems)
        return settings

    def _sdk_config(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that the SDK sees: ours, checked, and its own."""
        unknown = sorted(set(given) - self.setting_names())
        if unknown:
            self.logger.warning("There is no setting %s: ignored.", ", ".join(unknown))
        theirs = {name: given[name] for name in self.sdk_schema() if given.get(name) is not None}
        return theirs | (self._settings.as_config() if self._settings else {})

    def _checked(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        if given is None:
            return {}
        state = check_state(given, SalesOrdersStream.name)
        if state and "bookmarks" not in state:
            self.logger.warning(
                "The state has no `bookmarks`: everything is read from `start_date`. Was it the "
                "`value` of a STATE message?",
            )
        if self._settings is not None:
            stream = state.get("bookmarks", {}).get(SalesOrdersStream.name, {})
            ours = set(self._settings.partitions)
            states = bookmarks.of_partitions(stream.get("partitions", []), ours)
            opening.warn_if_ahead(states, self._settings, self._clock.now())
        return state

    def _prepare(self, catalog: Mapping[str, Any] | Catalog | None) -> Catalog | None:
        if catalog is None:
            return None
        keys = self._settings.primary_keys if self._settings else None
        times = (self._settings.timestamp_fields if self._settings else None) or ()
        known = {
            SalesOrdersStream.name: Known(own_schema(), keys, self.levels_told, times),
            SalesOrderReadsStream.name: Known({}, reads.KEY, ALL_LEVELS),
        }
        prepared = prepare_catalog(catalog, known)
        self._selection = prepared.selections.get(SalesOrdersStream.name, EVERYTHING)
        return prepared.catalog

    @classmethod
    def setting_names(cls) -> set[str]:
        """The names of all settings, the SDK's own included."""
        return {*SCHEMA["properties"], *cls.sdk_schema()}

    @classmethod
    def sdk_schema(cls) -> dict[str, Any]:
        """The schemas of the settings that the SDK adds to ours, by name."""
        with_theirs = copy.deepcopy(SCHEMA)
        cls.append_builtin_config(with_theirs)
        schemas: dict[str, Any] = with_theirs["properties"]
        return {name: schemas[name] for name in schemas if name not in SCHEMA["properties"]}

    @override
    def setup_mapper(self) -> None:
        # It logs what expressions make of an order.
        logging.getLogger("singer_sdk.mapper").setLevel(logging.WARNING)
        columns = {name: stream.schema["properties"] for name, stream in self.streams.items()}
        maps = self.config.get(sdk_settings.STREAM_MAPS) or {}
        problems = list(sdk_settings.unknown_columns(maps, columns))
        if problems:
            raise SettingsError(problems)
        with in_words():
            super().setup_mapper()
        for name, stream in self.streams.items():
            if not stream.selected:
                # Something else, like the SDK's own tests, may still read it alone.
                self.mapper.register_raw_stream_schema(name, stream.schema, stream.primary_keys)
