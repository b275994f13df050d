"""What `--help` says of quirks and faults: the words that their own code has for them."""

from __future__ import annotations

import ast
import inspect
import re
from itertools import pairwise
from textwrap import dedent, indent
from typing import get_type_hints

from xstak_sandbox.faults import Fault, Kind
from xstak_sandbox.options import choices
from xstak_sandbox.quirks import Quirks


def manual() -> str:
    """How quirks, faults and the control paths are used, and everything that there is of each."""
    return f"""\
A quirk is a doubtful point of the vendor's document, read in another way than usual:
  --quirk page_size=5 --quirk sort=new_first

{_attributes(Quirks)}

A fault is one of the kinds below, and what narrows it down, joined with commas. Each number counts
the requests that the fault could strike; without nth= or every= it strikes the first one, once:
  --fault status,code=429,retry_after=2,every=7   every seventh orders request is refused
  --fault reset,nth=3                             the third one loses its connection
  --fault hang,location=1001,page=2,seconds=5     page 2 of location 1001 comes 5 seconds late
  --fault no_access_token                         the first token answer lacks the token

{_kinds()}

{_attributes(Fault)}

Control: GET /_sandbox/health, /_sandbox/summary?start=..., /_sandbox/journal (DELETE forgets it),
POST /_sandbox/advance with {{"hours": 26}} (also days, minutes, seconds).
"""


def _attributes(described: type) -> str:
    """The section of that name in a class's docstring, with the values that there are to choose."""
    _, _, section = (inspect.getdoc(described) or "").partition("Attributes:\n")
    hints = get_type_hints(described)

    def with_choices(found: re.Match[str]) -> str:
        hint = hints[found[1]]
        values = "..." if hint is Kind else "|".join(choices(hint) or ["..."])
        return f"{found[1]}={values}\n    "

    told = re.sub(r"^(\w+): ", with_choices, dedent(section), flags=re.MULTILINE)
    return indent(told.strip(), "  ")


def _kinds() -> str:
    """Each kind of fault with the string that stands below it in its class."""
    tree = ast.parse(inspect.getsource(Kind))
    body = next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return "\n".join(
        f"  {ast.literal_eval(kind.value)}\n      {ast.literal_eval(says.value)}"
        for kind, says in pairwise(body)
        if isinstance(kind, ast.Assign) and isinstance(says, ast.Expr)
    )
