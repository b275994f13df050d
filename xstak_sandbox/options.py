"""`NAME=VALUE` on the command line, read by the types of a dataclass's fields."""

from __future__ import annotations

import types
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

TRUTHS = {"true": True, "false": False}


class OptionError(ValueError):
    """An option is unknown or has a wrong value; the message says which and what would do."""


def build(kind: type[T], options: Iterable[str]) -> T:
    """An instance of a dataclass from options such as `page_size=50`.

    Strings stand as they are, truth values are `true` and `false`, several strings are joined
    with `|`.

    Raises:
        OptionError: See there.
    """
    hints = get_type_hints(kind)
    known = [field.name for field in fields(kind)]
    values = {}
    for option in options:
        name, equals, text = option.partition("=")
        if name not in known or not equals:
            raise OptionError(f"{option!r} is not NAME=VALUE with one of {', '.join(known)}")
        values[name] = _read(name, hints[name], text)
    try:
        return kind(**values)
    except (TypeError, ValueError) as problem:
        raise OptionError(str(problem)) from None


def _read(name: str, hint: object, text: str) -> object:
    known = choices(hint)
    if known is not None:
        if text not in known:
            raise OptionError(f"{name} must be one of {', '.join(known)}, not {text!r}")
        return known[text]
    try:
        return _reader(hint)(text)
    except ValueError:
        raise OptionError(f"{text!r} is no value for {name}") from None


def choices(hint: object) -> dict[str, object] | None:
    """What may be written for a field of this type, and what it means; None: anything."""
    if hint is bool:
        return dict(TRUTHS)
    if get_origin(hint) is Literal:
        return {choice: choice for choice in get_args(hint)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {choice.value: choice for choice in hint}
    return None


def _reader(hint: object) -> Callable[[str], object]:
    if get_origin(hint) in {Union, types.UnionType}:
        return _reader(next(part for part in get_args(hint) if part is not type(None)))
    if get_origin(hint) is tuple:
        return lambda text: tuple(text.split("|"))
    if not callable(hint):
        raise TypeError(f"no option is read as {hint}")
    return hint
