"""What `--help` of the sandbox says."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from typing import Any

import pytest

from xstak_sandbox import Fault, Kind, Quirks
from xstak_sandbox.cli import main
from xstak_sandbox.options import build


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> str:
    """What is said to who asks for help."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_help_names_all_that_can_go_wrong(told: str) -> None:
    """Each kind of fault, each field of a fault and each quirk stands there with its meaning."""
    lines = told.splitlines()
    meanings = {line.strip(): meaning for line, meaning in pairwise(lines)}
    for kind in Kind:
        assert meanings[kind.value].startswith("      ")
    for field in (*fields(Fault), *fields(Quirks)):
        [heading] = [heading for heading in meanings if heading.startswith(f"{field.name}=")]
        assert meanings[heading].startswith("      ")
    assert meanings["every=..."].strip() == ("It strikes every so many matching requests instead.")


def test_help_names_values_that_are_taken(told: str) -> None:
    """Whatever is said to be a value of a quirk or of a fault is one."""
    headings = [line.strip().partition("=") for line in told.splitlines() if "|" in line]
    named: dict[str, tuple[Any, list[str]]]
    named = {f.name: (Fault, ["kind=hang"]) for f in fields(Fault)}
    named |= {f.name: (Quirks, []) for f in fields(Quirks)}
    assert len(headings) > 10
    for name, _, values in headings:
        described, needed = named[name]
        for value in values.split("|"):
            build(described, [*needed, f"{name}={value}"])
