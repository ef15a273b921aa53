"""Money, points and exact decimals: integers and decimals, never floats.

``shared.fields`` passes these on: a model imports its types from there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from shared import field_schemas as schemas
from shared.marks import Word
from shared.models import Listed, Request, Shape, refuse

LARGEST_INTEGER = 2**53 - 1


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An integer number of minor units of an ISO 4217 currency."""

    currency: Word
    amount: int

    def plus(self, minor: int) -> Money:
        return Money(self.currency, self.amount + minor)


@cache
def _exponents() -> dict[str, int]:
    import iso4217

    return {c.code: c.exponent for c in iso4217.Currency if c.exponent is not None}


def major_unit(currency: str) -> int:
    """How many minor units one major unit of the currency has (EUR 100, JPY 1)."""
    return int(10 ** _exponents()[currency])


def is_currency(code: str) -> bool:
    """Whether the code is a currency of ISO 4217 that has a minor unit."""
    return code in _exponents()


def _currency(value: str) -> str:
    if not is_currency(value):
        raise refuse("currency", "must be an ISO 4217 code in upper case, such as EUR")
    return value


Currency = Annotated[
    str,
    AfterValidator(_currency),
    Listed("Currency", lambda: sorted(_exponents()), "An ISO 4217 currency with a minor unit."),
]
Positive = Annotated[int, Field(gt=0, le=LARGEST_INTEGER)]
NotNegative = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]


def _not_zero(points: int) -> int:
    if points == 0:
        raise refuse("zero", "must not be 0")
    return points


PointsDelta = Annotated[
    int,
    Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER, json_schema_extra=schemas.POINTS_DELTA),
    AfterValidator(_not_zero),
]


class MoneyIn(Request):
    """More than nothing, in minor units."""

    currency: Currency
    """The currency."""
    amount: Positive
    """Minor units, such as cents; more than 0."""

    def money(self) -> Money:
        return Money(self.currency, self.amount)


class MoneyOrZeroIn(Request):
    """Nothing or more, in minor units."""

    currency: Currency
    """The currency."""
    amount: NotNegative
    """Minor units, such as cents; 0 or more."""

    def money(self) -> Money:
        return Money(self.currency, self.amount)


class MoneyOut(Shape):
    """An amount of money."""

    currency: str
    """The currency: an ISO 4217 code."""
    amount: int
    """Minor units, such as cents."""


def _factor(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise refuse("decimal", "must be a decimal number")
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text):
        # Fifteen digits are what every reader of JSON numbers takes exactly.
        message = "must be a decimal number of at most 9 digits and 6 places, not negative"
        raise refuse("decimal", message)
    return Decimal(text)


Factor = Annotated[
    Decimal,
    BeforeValidator(_factor),
    WithJsonSchema(schemas.FACTOR),
]


def _percent(part: Decimal) -> Decimal:
    if not 0 < part <= 100:
        raise refuse("percent", "must be more than 0 and at most 100")
    return part


Percent = Annotated[Factor, AfterValidator(_percent), WithJsonSchema(schemas.PERCENT)]
