"""Fields that look like times but have no timestamp column: the user decides."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tap_xstak_oms.discovery.remarks import MOST_NAMES, Remark, warning
from tap_xstak_oms.discovery.types import DATE_TIME, MAJORITY
from tap_xstak_oms.records.timestamps import MILLISECONDS, NAIVE, SECONDS, WITH_OFFSET, form_of
from tap_xstak_oms.wording import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from tap_xstak_oms.discovery.fields import Field

_NAME_OF_A_TIME = re.compile(
    r"(?:.*[^a-z0-9])?(?:at|on|when|ts)|.*(?:date|time|timestamp)|date.*", re.IGNORECASE | re.DOTALL
)
_IN_CAMEL_CASE = re.compile(r".*[a-z0-9](?:At|On)", re.DOTALL)
_PLAUSIBLE = {
    SECONDS: range(946684800, 4102444800),
    MILLISECONDS: range(946684800000, 4102444800000),
}
"""From 2000 to 2100. Other numbers of that length are probably no times."""


def remarks_on_times(
    fields: Iterable[Field], properties: Mapping[str, Any], named: Collection[str]
) -> Iterator[Remark]:
    """Name the fields that look like times, and those in `timestamp_fields` without a value."""
    fields = list(fields)
    lacking = sorted(set(named) - {field.name for field in fields if field.values})
    if lacking:
        yield warning(
            f"`timestamp_fields` names {listed(lacking, MOST_NAMES)}: no sampled order has a value "
            "there.",
            timestamp_fields=lacking,
        )
    forms: dict[str, list[str]] = defaultdict(list)
    for field in fields:
        if properties.get(field.name, {}).get("format") != DATE_TIME and (form := _form(field)):
            forms[form].append(field.name)
    for form, names in forms.items():
        zone = " They are read in `timezone`: leave out what is in UTC." if NAIVE in form else ""
        yield Remark(
            f"These look like times ({form}): {listed(names, MOST_NAMES)}. To have them in UTC, "
            f"name them in `timestamp_fields`.{zone}",
            {"time_like": names, "form": form},
        )


def _form(field: Field) -> str | None:
    """The form of nearly all values of a field, if they may be times but have no offset."""
    found = [_form_in(field.name, text) for text in field.said]
    known = [form for form in found if form]
    if not known or len(known) / len(found) < MAJORITY:
        return None
    others = sorted(set(known) - {WITH_OFFSET})
    return " or ".join(others) or None


def _form_in(name: str, text: bytes) -> str | None:
    form = form_of(text)
    if form not in _PLAUSIBLE:
        return form
    # A number may be anything, so the field's name must say that it is a time.
    is_named = _NAME_OF_A_TIME.fullmatch(name) or _IN_CAMEL_CASE.fullmatch(name)
    number = int(float(text.strip(b'"')))
    return form if is_named and number in _PLAUSIBLE[form] else None
