"""What comes in."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from lambdas.giftcard import codes
from lambdas.giftcard.models.records import StoredStatus
from shared.fields import Guid, Instant, MoneyIn, Note, OrderRef, RecordId, Request, refuse


def _without_separators(value: str) -> str:
    # Upper case may lengthen a letter ("ß"); no card has such a code, so its length is of no use.
    return re.sub(r"[\s-]", "", value).upper()


def _importable(code: str) -> str:
    if not re.fullmatch("[A-Z0-9]{12,32}", code):
        raise refuse("card-code", "must be 12 to 32 letters and digits")
    if codes.is_mistyped(code):
        # Bearers could never use such a card: their requests are refused without a look-up.
        raise refuse("card-code", "has 17 characters, so the last one must check the others")
    return code


_EXAMPLE = ["7K3M-9QWX-2VBN-4RTZ-6"]
# A malformed code is no fault of the body: it is answered as an unknown one.
CardCode = Annotated[
    str,
    AfterValidator(_without_separators),
    WithJsonSchema(
        {
            "title": "CardCode",
            "type": "string",
            "description": "The code of the card; case, spaces and hyphens do not matter.",
            "examples": _EXAMPLE,
        }
    ),
    RecordId(),
]
ImportedCode = Annotated[
    str,
    AfterValidator(_without_separators),
    AfterValidator(_importable),
    WithJsonSchema(
        {
            "title": "ImportedCardCode",
            "type": "string",
            "pattern": "^([A-Za-z0-9][ -]?){11,31}[A-Za-z0-9]$",
            "description": "The code of a card that exists elsewhere already: 12 to 32 letters and "
            "digits; of 17, the last one must check the others, as in the codes made here.",
            "examples": _EXAMPLE,
        }
    ),
]


class StoredValueIssueRequest(Request):
    """``card_code``: only for a card that exists elsewhere already (import)."""

    amount: MoneyIn
    """What the card is worth."""
    card_code: ImportedCode | None = None
    customer_guid: Guid | None = None
    """The customer whom the card is linked to; holds on them apply to it."""
    expires_at: Instant | None = None
    """When the card stops paying; without it never."""
    memo: Note | None = None
    """A note about the card, for people."""
    promotional: bool = False
    """Whether the card was given away: only such a card may expire within five years."""


class StoredValueGetRequest(Request):
    card_code: CardCode


class StoredValueRedeemRequest(Request):
    """``allow_partial``: take what is there, where that is less than ``amount``."""

    card_code: CardCode
    order_ref: OrderRef
    amount: MoneyIn
    """How much to take."""
    allow_partial: bool = False
    """Takes what is there, where that is less than `amount`."""


class StoredValueReverseRequest(Request):
    """Without ``amount``: all that is left of what the order took."""

    card_code: CardCode
    order_ref: OrderRef
    amount: MoneyIn | None = None
    """How much to give back; without it all that is left of what the order took."""


class StoredValueStatusSetRequest(Request):
    card_code: CardCode
    status: StoredStatus
