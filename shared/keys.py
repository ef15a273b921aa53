"""THE MAP OF THE TABLE: every partition key, sort key and index entry, and the schema itself as data.

One table holds every record. ``pk`` and ``sk`` are strings; three sparse, overloaded indexes carry
the map ``v`` (what a list may show) beside their keys. Every partition of an org's records starts
``O#<org>#``, so a key made for one org cannot reach another's record. What identifies a person, a
secret, a card or an order stands in a key only as ``h(…)``: HMAC-SHA-256 under a key of the org's
own, 128 bits, base 32. The org's key is derived from one root that never rotates.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from functools import cache, lru_cache

from shared import clients
from shared.settings import settings

Key = tuple[str, str]
"""A record's place: (pk, sk)."""

PARTITION, SORT, VIEW, TTL = "pk", "sk", "v", "ttl"


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index, with the names of its two key attributes."""

    name: str
    partition: str
    sort: str


BY_STATUS = Index("GSI1", "g1pk", "g1sk")
SECOND_ORDER = Index("GSI2", "g2pk", "g2sk")
ALL_OF_KIND = Index("GSI3", "g3pk", "g3sk")
INDEXES = (BY_STATUS, SECOND_ORDER, ALL_OF_KIND)
