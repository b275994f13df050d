"""The orders of one partition that were met, in few bytes each.

Of a million orders, each takes 26 to 51 bytes here, and 106 to 290 in a dictionary. An order is
known by 64 bits of a hash, its content by 64 more. If two of a million orders share the first
(1 in 37 million), their contents differ, and both are emitted each time they are met: nothing is
lost.
"""

from __future__ import annotations

from array import array

_FEWEST_PLACES = 64
_MASK = (1 << 64) - 1


class Known:
    """Identities, each with two small numbers: open addressing over arrays. Not thread-safe.

    A place holds an identity or is free for it; it is valid until the next `keep`.

    Attributes:
        passes: By place, the last pass that met it, from 1 on; 0 if the place is empty.
    """

    def __init__(self) -> None:
        self._count = 0
        self._allot(_FEWEST_PLACES)

    def _allot(self, places: int) -> None:
        self._last = places - 1
        self._most = places * 2 // 3
        self._identities = array("Q", [0]) * places
        self._contents = array("Q", [0]) * places
        self.passes = bytearray(places)

    def place(self, identity: int) -> int:
        """Find the place of an identity: a hash, of which 64 bits count."""
        wanted, last = identity & _MASK, self._last
        identities, passes = self._identities, self.passes
        at = wanted & last
        while passes[at] and identities[at] != wanted:
            at = (at + 1) & last
        return at

    def has(self, at: int, content: int) -> bool:
        """Whether the identity at a place has this content."""
        return self._contents[at] == content & _MASK

    def keep(self, at: int, identity: int, content: int, pass_number: int) -> bool:
        """Fill the place of an identity; return whether its content is new or has changed."""
        content &= _MASK
        if not self.passes[at]:
            self._fill(at, identity & _MASK, content, pass_number)
            self._count += 1
            if self._count > self._most:
                self._grow()
            return True
        self.passes[at] = pass_number
        if self._contents[at] == content:
            return False
        self._contents[at] = content
        return True

    def _fill(self, at: int, identity: int, content: int, pass_number: int) -> None:
        self._identities[at] = identity
        self._contents[at] = content
        self.passes[at] = pass_number

    def _grow(self) -> None:
        held = zip(self._identities, self._contents, self.passes, strict=True)
        self._allot(2 * (self._last + 1))
        for identity, content, pass_number in held:
            if pass_number:
                self._fill(self.place(identity), identity, content, pass_number)
