"""Whatever a user's files and settings hold, a command ends in an exit code and words."""

from __future__ import annotations

import copy
import json
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap_xstak_oms import cli
from tap_xstak_oms.airbyte import source
from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.tap import TapXstakOMS
from tests.effort import examples_of
from tests.support import CLIENT_SECRET, config_for, discovered, written
from xstak_sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EXIT_CODES = {0, 1, 2, 3, 4}
EXAMPLES = settings(
    max_examples=examples_of(40), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MOMENTS = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-10", "0000", "24:00"]
ODD_TEXTS = [
    *MOMENTS,
    "",
    " ",
    "\0",
    "\ud800",
    "[" * 9000,
    "9" * 5000,
    "1e999999",
    "null",
    "[]",
    "__NULL__",
    "a\nb",
    "sales_orders",
    "_synced_at",
    "FULL_TABLE",
    "string",
    "https://*.example.com",
    "http://[::1]:99999",
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -(10**30), 1e308, 5e-324, -0.0])
    | st.sampled_from(ODD_TEXTS)
    | st.text(max_size=5)
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(ODD_TEXTS[-9:]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside one."""
    yield path
    if isinstance(value, (dict, list)):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, name))


@st.composite
def spoiled(draw: st.DrawFn, good: Any) -> Any:
    """Something good of which one or two values are others, or gone."""
    value = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(places(value))))
        if not path:
            value = draw(anything)
            continue
        holder = value
        for name in path[:-1]:
            holder = holder[name]
        if draw(st.booleans()):
            holder[path[-1]] = draw(anything)
        else:
            del holder[path[-1]]
    return value


class Inputs:
    """A sandbox, and good files for it."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.folder = folder
        self.config = config_for(sandbox, max_tries=1, infer_schema=False)
        self.catalog = discovered(self.config | {"infer_schema": True})
        partitions = [
            {
                "context": {"_location_id": location, "_order_status": "pending"},
                "replication_key": "_synced_at",
                "replication_key_value": "2026-01-10T00:00:00.000000+00:00",
                "read_since": "2026-01-01T00:00:00.000000+00:00",
            }
            for location in ("1001", "77")
        ]
        stream_state = {"partitions": partitions}
        self.state = {"bookmarks": {"sales_orders": stream_state, "other": {}}}
        [entry, _] = self.catalog["streams"]
        stream = {"name": "sales_orders", "json_schema": entry["schema"]}
        self.configured = {
            "streams": [
                {
                    "stream": stream | {"source_defined_primary_key": [["id"]]},
                    "sync_mode": "incremental",
                    "primary_key": [["id"]],
                }
            ]
        }
        self.airbyte_state = [
            {
                "type": "STREAM",
                "stream": {
                    "stream_descriptor": {"name": "sales_orders"},
                    "stream_state": stream_state,
                },
            }
        ]

    def file(self, name: str, content: object) -> str:
        """A file that holds this as JSON."""
        return str(written(self.folder, f"{name}.json", content))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inputs]:
    """A small account."""
    with Sandbox(World(locations=("1001",), orders_per_location=3)) as sandbox:
        yield Inputs(sandbox, tmp_path_factory.mktemp("inputs"))


@pytest.fixture(autouse=True)
def _own_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """What a command changes in its process is as before."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        yield
    logging.captureWarnings(capture=False)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Run a command, which must end well or in words."""

    def run(main: Callable[[], None], *arguments: str) -> None:
        before, sys.argv = sys.argv, ["command", *arguments]
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        finally:
            sys.argv = before
            root.handlers[:] = handlers
            root.setLevel(level)
            told = "".join(capsys.readouterr())
        assert code in EXIT_CODES, told
        for sign in ("Traceback", "An error in the tap itself", "system_error", CLIENT_SECRET):
            assert sign not in told, told

    return run


NAMES = [*SCHEMA["properties"], *TapXstakOMS.sdk_schema(), "batch_config"]
MODES = [[], ["--discover"], ["--test"], ["--test=schema"]]


@EXAMPLES
@given(data=st.data())
def test_any_configuration(
    inputs: Inputs, command: Callable[..., None], data: st.DataObject
) -> None:
    """Settings of any value."""
    values = anything | st.lists(st.sampled_from(ODD_TEXTS), min_size=1, max_size=2)
    changes = data.draw(st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=2))
    config = inputs.config | {"start_date": "2026-01-01"} | changes
    if data.draw(st.booleans()):
        config = data.draw(spoiled(inputs.config))
    options = data.draw(st.sampled_from(MODES))
    command(cli.main, "--config", inputs.file("config", config), *options)


@EXAMPLES
@given(data=st.data())
def test_any_environment(inputs: Inputs, command: Callable[..., None], data: st.DataObject) -> None:
    """Variables of any text."""
    texts = (anything.map(json.dumps) | scalars.map(str)).filter(
        lambda text: "\0" not in text and text.isascii()
    )
    variables = data.draw(st.dictionaries(st.sampled_from(NAMES), texts, min_size=1, max_size=2))
    names = {f"TAP_XSTAK_OMS_{name.upper()}": text for name, text in variables.items()}
    with pytest.MonkeyPatch.context() as patch:
        for name, text in names.items():
            patch.setenv(name, text)
        command(cli.main, "--config", inputs.file("config", inputs.config), "--config=ENV")


@EXAMPLES
@given(data=st.data())
def test_any_catalog(inputs: Inputs, command: Callable[..., None], data: st.DataObject) -> None:
    """A catalog of which something is spoiled."""
    catalog = data.draw(spoiled(inputs.catalog) | anything)
    words = ["--config", inputs.file("config", inputs.config)]
    options = data.draw(st.sampled_from([[], ["--discover"], ["--test=schema"]]))
    command(cli.main, *words, "--catalog", inputs.file("catalog", catalog), *options)


@EXAMPLES
@given(data=st.data())
def test_any_state(inputs: Inputs, command: Callable[..., None], data: st.DataObject) -> None:
    """A state of which something is spoiled."""
    state = data.draw(spoiled(inputs.state) | spoiled({"type": "STATE", "value": inputs.state}))
    words = ["--config", inputs.file("config", inputs.config)]
    command(cli.main, *words, "--state", inputs.file("state", state))


@EXAMPLES
@given(data=st.data())
def test_any_mix_of_files(
    inputs: Inputs, command: Callable[..., None], data: st.DataObject
) -> None:
    """Files that change places, or hold messages, lines, pages or nothing."""
    message = {"type": "STATE", "value": inputs.state}
    lines = "".join(f"{json.dumps(line)}\n" for line in (inputs.catalog, message, message))
    objects = [inputs.config, inputs.catalog, inputs.state, message, inputs.configured]
    texts = [*map(json.dumps, objects), lines, lines[:-9], "", "\n", "<!doctype html>", "a: 1"]
    words = ["--config", inputs.file("config", inputs.config)]
    for option in data.draw(st.lists(st.sampled_from(["config", "catalog", "state"]), min_size=1)):
        path = inputs.folder / f"any-{option}"
        path.write_text(data.draw(st.sampled_from(texts)))
        words += [f"--{option}", str(path)]
    command(cli.main, *words, *data.draw(st.sampled_from(MODES)))


@EXAMPLES
@given(content=st.binary(max_size=30), option=st.sampled_from(["--config", "--catalog", "--state"]))
def test_any_bytes(
    inputs: Inputs, command: Callable[..., None], content: bytes, option: str
) -> None:
    """Files of any bytes."""
    path = inputs.folder / "bytes"
    path.write_bytes(content)
    command(cli.main, "--config", inputs.file("config", inputs.config), option, str(path))


@EXAMPLES
@given(content=st.binary(max_size=60))
def test_any_environment_file(
    inputs: Inputs, command: Callable[..., None], tmp_path: Path, content: bytes
) -> None:
    """A file `.env` of any bytes."""
    (tmp_path / ".env").write_bytes(content + b"\nTAP_XSTAK_OMS_PAGE_SIZE=" + content)
    command(cli.main, "--config", inputs.file("config", inputs.config), "--config=ENV")


@EXAMPLES
@given(data=st.data())
def test_any_file_of_airbyte(
    inputs: Inputs, command: Callable[..., None], data: st.DataObject
) -> None:
    """One of the files that Airbyte gives is spoiled."""
    files: dict[str, Any] = {
        "config": inputs.config,
        "catalog": inputs.configured,
        "state": inputs.airbyte_state,
    }
    odd = data.draw(st.sampled_from(list(files)))
    files[odd] = data.draw(st.one_of(spoiled(files[odd]), anything))
    mode = data.draw(st.sampled_from(["read", "check", "discover"])) if odd == "config" else "read"
    names = list(files) if mode == "read" else ["config"]
    words = [word for name in names for word in (f"--{name}", inputs.file(name, files[name]))]
    command(source.main, mode, *words)
