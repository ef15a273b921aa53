"""What every key of the table begins with: the org. ``shared.keys``, the map of the table, stands
on this."""

from __future__ import annotations

from dataclasses import dataclass

from shared import hashes

Key = tuple[str, str]
"""The primary key of a record: (pk, sk)."""
KeyRange = tuple[str, str, str]
"""Places that lie side by side: (pk, first sk, last sk), both included."""
LAST = "\U0010ffff"
"""Sorts after every character that a key holds."""


@dataclass(frozen=True, slots=True)
class OrgKeys:
    """The partitions of one org, and the hashes that they hold."""

    org: str
    _secret: bytes

    def hash(self, *parts: str) -> str:
        """Returns ``h(…)``: the keyed hash of values that must not be readable in a key."""
        return hashes.short(hashes.keyed(self._secret, parts))

    def _at(self, *parts: str) -> str:
        return "#".join(("O", self.org, *parts))

    def partition(self, *parts: str) -> str:
        """Returns a partition of this org, in the table or in an index."""
        return self._at(*parts)
