"""How many examples the random tests try."""

from __future__ import annotations

from hypothesis import settings

ALL = 100
"""Per cent, and Hypothesis' own number of examples of a test."""
PROFILES = {"all": ALL, "quick": 10}

# How long an example takes says more of the machine than of the code.
for name, examples in PROFILES.items():
    settings.register_profile(name, deadline=None, print_blob=True, max_examples=examples)
settings.load_profile("all")


def examples_of(number: int) -> int:
    """That many examples, and fewer of them with `--hypothesis-profile=quick`."""
    return max(2, number * settings().max_examples // ALL)
