"""The types of fields as the API document shows them: form, unit, an example.

Each has a ``title``, under which the document keeps it once and refers to it. A schema never
refuses what the service takes in its normal form (trimmed, composed, upper case where it is
folded). What a schema cannot say (bytes, records, the clock) its description says.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

# Characters that show nothing, by ranges that every dialect of regular expressions reads; Unicode
# has some more.
_CONTROLS = r"\u0000-\u001f\u007f-\u009f"
_LINES = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f"
_BLANK = _CONTROLS + (
    r"\u00a0\u00ad\u061c\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb"
)
_UNSEEN = _BLANK + r" \u0300-\u036f\u115f\u1160\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"


def text(title: str, most: int, description: str, *, lines: bool = False) -> Schema:
    """The schema of a text with a visible character and at most ``most`` bytes."""
    inside = _LINES if lines else _CONTROLS
    said = f"{description} At most {most} bytes of UTF-8, no control characters"
    return {
        "title": title,
        "type": "string",
        "minLength": 1,
        "maxLength": most,
        "pattern": f"^[^{inside}]*[^{_UNSEEN}][^{inside}]*$",
        "description": f"{said} but newline and tab." if lines else f"{said}.",
    }


def form(title: str, pattern: str, description: str, example: str) -> Schema:
    """The schema of a string of one form."""
    return {
        "title": title,
        "type": "string",
        "pattern": f"^{pattern}$",
        "description": description,
        "examples": [example],
    }


def printable_text(title: str, description: str, example: str) -> Schema:
    """The schema of a name of another system: 1 to 128 characters that print, trimmed."""
    ends, inside = f"[^{_BLANK} ]", f"[^{_BLANK}]"
    said = f"{description} 1 to 128 printable characters."
    return form(title, f"{ends}({inside}{{0,126}}{ends})?", said, example)


def choice(title: str, values: list[str], description: str) -> Schema:
    """The schema of a code out of a list."""
    return {"title": title, "type": "string", "enum": values, "description": description}


NAME = text("Name", 200, "A line of text.")
SHORT_TEXT = text("ShortText", 64, "A short line of text.")
SEARCH_TEXT = text("SearchText", 254, "What to search for: the beginnings of words.")
NOTE = text("Note", 4000, "A text of several lines.", lines=True)
LONG_BYTES = 65_536
LONG_TEXT = {
    "title": "LongText",
    "type": "string",
    "maxLength": LONG_BYTES,
    "pattern": f"^[^{_LINES}]*$",
    "description": f"A text of any number of lines, which may be empty. At most {LONG_BYTES} bytes "
    "of UTF-8, no control characters but newline and tab.",
}
REASON = text(
    "Reason",
    1000,
    "Why the change is made, in words; kept with the change and shown in histories.",
    lines=True,
)
SOURCE_ID = text("SourceId", 128, "The id of a source, as its own system writes it.")
GUID = form(
    "Guid",
    "[!-~]{1,64}",
    "The id of a record: opaque, at most 64 printable ASCII characters.",
    "cust_01KA0000000000000000000000",
)
FOREIGN_ID = form(
    "ForeignId",
    "[!-~]{1,64}",
    "The id of a record of another system: at most 64 printable ASCII characters.",
    "store-17",
)
CODE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
CODE_TEXT = form(
    "Code",
    CODE,
    "A code that people read and type: 1 to 64 of A-Z a-z 0-9 . _ -, compared in upper case.",
    "NORTHWIND",
)
CHANNEL_CODE = form(
    "ChannelCode",
    "[a-z][a-z0-9]*(_[a-z0-9]+)*",
    "The sales channel, in lower snake case.",
    "pos_generic",
)
CCCODE = r"[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}"
CC_CODE = form(
    "CcCode",
    CCCODE,
    "A code that is passed through to `stats` and to events; header and body must agree.",
    "AB12-CD34-EF56",
)
ORG_CODE = form(
    "OrgCode",
    "[A-Z0-9-]{2,32}",
    "The org of the call, where no header `x-orgcode` names it; both must agree.",
    "ACME",
)
ORDER_REF = printable_text(
    "OrderRef", "The order's number in the system that took it; case counts.", "SO-1001"
)
IDEMPOTENCY_KEY = printable_text(
    "IdempotencyKey",
    "Makes a retry safe: the same request under the same key has one effect and one answer, for "
    "30 days unless the org says otherwise. The header `Idempotency-Key` is the same thing.",
    "9b2f6c1e-till-7-0042",
)
_CATEGORIES = (
    "LIFECYCLE|POLICY|PRICING|PROMOTION|INVENTORY|RECEIVING|FULFILLMENT|CUSTOMER|LOYALTY|FRAUD"
    "|ACCOUNTING|COMPLIANCE|TAX|SYSTEM"
)
REASON_CODE = rf"({_CATEGORIES})\.[A-Z0-9_]{{1,48}}"
REASON_CODE_TEXT = form(
    "ReasonCode",
    REASON_CODE,
    "Why the change is made, as CATEGORY.CODE; events carry it.",
    "CUSTOMER.GOODWILL",
)
EMAIL_FORM = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
EMAIL = {
    "title": "Email",
    "type": "string",
    "format": "email",
    "maxLength": 254,
    "pattern": EMAIL_FORM,
    "description": "An e-mail address; kept as typed, compared without regard to case. Addresses "
    "that cannot exist are refused.",
    "examples": ["ada@example.com"],
}
PHONE_FORM = r"\+?[0-9 ()./-]{3,32}"
PHONE = form(
    "Phone",
    # No number has fewer than four digits; an international one begins with the country's.
    r"(\+[ (]*[1-9]|[0-9(])[0-9 ()./-]{1,29}[0-9]",
    "A phone number: E.164, or a national form of the org's default region. Numbers that cannot "
    "exist are refused.",
    "+12025550123",
)
WEBSITE = form(
    "Website",
    rf"[Hh][Tt][Tt][Pp][Ss]?://[^\s\\{_CONTROLS}]+",
    "An address of the web, with a host that can exist; at most 200 bytes.",
    "https://example.com",
)
LANGUAGE = form(
    "Language",
    "[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*",
    "A BCP 47 language tag; its subtags must be registered ones.",
    "en-GB",
)

INSTANT = {
    "title": "Instant",
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(\.[0-9]{1,3})?(Z|[+-][0-9]{2}:[0-9]{2})$",
    "description": "A time: ISO 8601 with Z or an offset, milliseconds at most.",
    "examples": ["2026-01-01T00:00:00Z"],
}
DAY = {
    "title": "Day",
    "type": "string",
    "format": "date",
    "description": "A date, YYYY-MM-DD.",
    "examples": ["2026-01-31"],
}
AS_OF_DAY = {
    "title": "AsOfDay",
    "anyOf": [
        {"type": "string", "format": "date"},
        {key: INSTANT[key] for key in ("type", "format", "pattern")},
    ],
    "description": "A date, YYYY-MM-DD, or a time, which stands for the date that it is in the "
    "org's time zone.",
    "examples": ["2026-01-31"],
}

_NUMBER = {"type": "number", "minimum": 0, "maximum": 999_999_999.999999}
_DIGITS = {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,6})?$"}
# Some digit is not 0.
_PLACES = "[1-9][0-9]{0,5}|0[1-9][0-9]{0,4}|00[1-9][0-9]{0,3}|0{3}[1-9][0-9]{0,2}|0{4}[1-9][0-9]?"
_PART = rf"^(100(\.0{{1,6}})?|[1-9][0-9]?(\.[0-9]{{1,6}})?|0\.({_PLACES}|0{{5}}[1-9]))$"
_EXACT = "an exact decimal of at most 9 digits and 6 places, as a number or as a string"
FACTOR = {
    "title": "Factor",
    "anyOf": [_NUMBER, _DIGITS],
    "description": f"A factor or rate: {_EXACT}.",
    "examples": [1.5],
}
PERCENT = {
    "title": "Percent",
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
        {"type": "string", "pattern": _PART},
    ],
    "description": f"More than 0 and at most 100, in percent: {_EXACT}.",
    "examples": [12.5],
}
POINTS_DELTA: Schema = {
    "title": "PointsDelta",
    "not": {"const": 0},
    "description": "Points to give (more than 0) or to take (less than 0).",
    "examples": [50],
}
FREE_MAP: Schema = {
    "title": "FreeMap",
    "type": "object",
    "maxProperties": 50,
    "additionalProperties": True,
    "description": "Fields of your own; the service keeps them and does not read them. At most 50 "
    "keys and 8 KiB of JSON.",
}
LIMIT: Schema = {
    "title": "Limit",
    "type": "integer",
    "minimum": -(2**53) + 1,
    "maximum": 2**53 - 1,
    "default": 8,
    "description": "How many items a page holds; brought into 1 to 256.",
}
NEXT_TOKEN: Schema = {
    "title": "NextToken",
    "type": "string",
    "minLength": 1,
    "description": "The `next_token` of the page before, unchanged, with the same filters; it is "
    "valid for 24 hours.",
}
TAGS = "Short texts to sort by; a repeated one counts once. At most 50."
SOURCE_REFS = "What the change goes back to: orders, tickets, transactions; at most 20."
