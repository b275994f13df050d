"""Settings from the environment and from a file `.env`: which file, and what its lines mean."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tap_xstak_oms.config.environment import environment
from tap_xstak_oms.config.schema import SCHEMA
from tap_xstak_oms.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "TAP_XSTAK_OMS_"
SECRETS = ["client_id", "client_secret"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, in a folder of someone else."""
    folder = tmp_path / "theirs" / "mine"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def held() -> dict[str, object]:
    """What the environment holds."""
    return environment([*SCHEMA["properties"], "flattening_max_depth"])


def test_a_file_further_up_is_not_read(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file in a parent folder does not decide where the secret is sent."""
    caplog.set_level(logging.INFO)
    (folder.parent / ".env").write_text(f"{PREFIX}AUTH_URL=https://evil.example.com\n")
    assert held() == {}
    assert not caplog.messages


def test_the_file_that_is_read_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line at info level names the file, and nothing of what it holds."""
    caplog.set_level(logging.INFO)
    (folder / ".env").write_text(f"{PREFIX}AUTH_URL=https://auth.example.com\n")
    assert held() == {"auth_url": "https://auth.example.com"}
    assert caplog.messages == [f"Reading settings from {folder / '.env'}."]


def test_the_environment_overrides_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the process is meant for this run."""
    (folder / ".env").write_text(f"{PREFIX}PAGE_SIZE=5\n{PREFIX}MAX_TRIES=2\n")
    monkeypatch.setenv(f"{PREFIX}PAGE_SIZE", "7")
    assert held() == {"page_size": "7", "max_tries": "2"}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "secret",
    [
        "a${HOME}b",
        "a$HOME",
        "a #b",
        "a# b",
        "$",
        "#a",
        "a\\nb",
        "a'b",
        'a"b',
        "a=b",
        "a ${x:-y} # #",
    ],
)
def test_a_secret_stays_as_it_is_written(folder: Path, name: str, secret: str) -> None:
    """Nothing in it is replaced, cut off or unescaped."""
    (folder / ".env").write_text(f"{PREFIX}{name.upper()}={secret}\r\n{PREFIX}MAX_TRIES=2\n")
    assert held() == {name: secret, "max_tries": "2"}


@pytest.mark.parametrize("written", ["'{}'", '"{}"', "'{}' # a comment"])
def test_quotes_are_no_part_of_a_value(folder: Path, written: str) -> None:
    """What stands between quotes is taken as it is."""
    value = "a ${HOME} #b"
    (folder / ".env").write_text(f"export {PREFIX}CLIENT_SECRET={written.format(value)}\n")
    assert held() == {"client_secret": value}


def test_other_values_may_have_a_comment(folder: Path) -> None:
    """As in any other file `.env`; a value that is empty is not set."""
    lines = ["# all of it", "PAGE_SIZE=5 # orders", "API_URL=", "FLATTENING_MAX_DEPTH=1"]
    (folder / ".env").write_text("\n".join(f"{PREFIX}{line}" for line in lines))
    assert held() == {"page_size": "5", "flattening_max_depth": 1}


def test_a_line_that_is_none_is_told_by_number(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The other lines count, and the warning shows nothing of that one."""
    (folder / ".env").write_text(f"\n{PREFIX}CLIENT_SECRET='hidden\n{PREFIX}PAGE_SIZE=5\n")
    assert held() == {"page_size": "5"}
    [warning] = [line for line in caplog.messages if "Ignoring" in line]
    assert "line 2 of .env" in warning
    assert "hidden" not in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        "client=é\n".encode("latin-1"),
        "a=b\n".encode("utf-16"),
        "a=b\n".encode("utf-16-le"),
        "a=b\n".encode("utf-32"),
    ],
)
def test_another_encoding_is_told(folder: Path, content: bytes) -> None:
    """A file that some editor wrote in its own encoding is not half read."""
    (folder / ".env").write_bytes(content)
    with pytest.raises(UsageError, match=r"the file '\.env' is not UTF-8 text") as caught:
        held()
    assert caught.value.__context__ is None


def test_a_byte_order_mark_is_no_fault(folder: Path) -> None:
    """Some editors begin a file with one."""
    (folder / ".env").write_bytes(f"{PREFIX}PAGE_SIZE=5\n".encode("utf-8-sig"))
    assert held() == {"page_size": "5"}


def test_a_folder_of_that_name_is_none_of_ours(folder: Path) -> None:
    """Some keep a virtual environment in it."""
    (folder / ".env").mkdir()
    assert held() == {}


def test_a_file_that_cannot_be_read_is_told(folder: Path) -> None:
    """It is there for a reason."""
    (folder / ".env").symlink_to(".env")
    with pytest.raises(UsageError, match=r"the file '\.env' cannot be read \(too many levels"):
        held()


def test_junk_in_a_variable_is_left_for_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """However deep it is nested, it is a string that no setting can be."""
    monkeypatch.setenv(f"{PREFIX}FLATTENING_MAX_DEPTH", "[" * 100_000)
    assert held() == {"flattening_max_depth": "[" * 100_000}
