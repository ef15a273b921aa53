"""Customers whose names repeat as those of people do: some very common, most of them rare."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import accumulate

from lambdas.customer.models.records import CustomerProfileRecord
from shared.keys import CUSTOMER_PREFIX
from tests.bench.census import FEMALE, LAST, MALE

SEED = 1990
_MADE_UP, _SLOPE = 20_000, 0.9
"""How many last names are made up, and how fast they become rare. The census's do so alike."""
_MAILED = {"gmail.com": 40, "yahoo.com": 15, "hotmail.com": 10, "outlook.com": 10, "icloud.com": 8}
_AREAS = (212, 305, 312, 404, 415, 512, 602, 617, 702, 713, 718, 818, 909, 917, 949)
BORN = datetime(2026, 1, 1, tzinfo=UTC)


def people(many: int) -> Iterator[CustomerProfileRecord]:
    """Yields so many customers, the same ones in every run, the oldest first."""
    chance = random.Random(SEED)
    firsts, lasts = _firsts(), _lasts(chance)
    mailed = list(_MAILED)
    for number in range(many):
        first, last = (
            chance.choices(names, cum_weights=weights)[0] for names, weights in (firsts, lasts)
        )
        host = chance.choices([*mailed, f"{last}.example"], [*_MAILED.values(), 17])[0]
        yield CustomerProfileRecord(
            customer_guid=f"{CUSTOMER_PREFIX}01KA{number:022d}",
            kind="individual",
            status="active",
            first_name=first.title(),
            last_name=last.title(),
            email=f"{first}.{last}{number}@{host}",
            phone=f"+1{chance.choice(_AREAS)}{chance.randrange(2_000_000, 10_000_000)}",
            date_of_birth=date(1940 + number % 60, 1 + number % 12, 1 + number % 28),
            created_at=BORN,
            updated_at=BORN,
        )


def _shares(listed: str) -> dict[str, float]:
    words = listed.split()
    return {name: float(share) for name, share in zip(words[::2], words[1::2], strict=True)}


def _firsts() -> tuple[list[str], list[float]]:
    shares = _shares(MALE)
    for name, share in _shares(FEMALE).items():
        shares[name] = shares.get(name, 0) + share
    return list(shares), list(accumulate(shares.values()))


def _lasts(chance: random.Random) -> tuple[list[str], list[float]]:
    """Returns last names with the sums of their shares. A rare one begins and ends like common
    ones, so that beginnings of words repeat as they do in life."""
    shares = _shares(LAST)
    known = list(shares)
    rarest, rank = shares[known[-1]], len(known)
    while len(shares) < rank + _MADE_UP:
        start, end = chance.sample(known, 2)
        share = rarest * (rank / (len(shares) + 1)) ** _SLOPE
        shares.setdefault(start[: chance.randint(2, 4)] + end[-chance.randint(2, 5) :], share)
    return list(shares), list(accumulate(shares.values()))
