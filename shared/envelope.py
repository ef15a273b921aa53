"""Bodies: strict JSON in, the one envelope out.

Strict means: no duplicate keys, no NaN or infinity, no lone surrogates, no integer that a double
cannot hold, at most 16 levels deep. Numbers with a fraction are read as exact decimals.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shared.codec import dumps
from shared.errors import (
    ApiError,
    Fault,
    InvalidInput,
    PayloadTooLarge,
    UnsupportedMediaType,
)
from shared.fields import LARGEST_INTEGER, NULL
from shared.settings import API_VERSION

if TYPE_CHECKING:
    from pydantic import ValidationError

BODY_BYTES, DEPTH = 256 * 1024, 16
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
HEADERS = {
    "content-type": "application/json",
    "X-API-Version": API_VERSION,
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
}


class _Refused(ValueError):
    """What the JSON holds cannot be taken; the text says what, not where."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused("an object must not repeat a key")
    return made


def _integer(text: str) -> int:
    if len(text) > 17 or abs(number := int(text)) > LARGEST_INTEGER:
        raise _Refused("integers must lie within ±(2^53-1)")
    return number


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if len(text) > 40 or abs(number.adjusted()) > 100:
        raise _Refused("a number has too many digits")
    return number


def _constant(_: str) -> Any:
    raise _Refused("NaN and infinity are not numbers of JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_constant,
)


def _too_deep(text: str) -> bool:
    if text.count("{") + text.count("[") <= DEPTH:
        return False
    depth = 0
    for mark in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if mark in "[{" else -1
        if depth > DEPTH:
            return True
    return False


def read_json(text: str) -> Any:
    """The value of a body; ``InvalidInput`` for anything that is not strict JSON."""
    if not text.strip():
        return {}
    if _too_deep(text):
        raise InvalidInput.of("body", f"must be at most {DEPTH} levels deep", "depth")
    try:
        value = _decoder.decode(text)
    except _Refused as refused:
        raise InvalidInput.of("body", str(refused), "json") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidInput.of("body", f"must be JSON: {_said(error)} at {place}", "json") from None
    except ValueError:
        raise InvalidInput.of("body", "must be JSON", "json") from None
    if ("\\u" in text or not text.isascii()) and _SURROGATE.search(
        json.dumps(value, ensure_ascii=False, default=str)
    ):
        raise InvalidInput.of("body", "must not hold lone surrogates", "json")
    return value


def _said(error: json.JSONDecodeError) -> str:
    """What is wrong, without anything that was sent."""
    return error.msg[0].lower() + error.msg[1:].partition(":")[0]


def body_text(event: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """The body of a gateway event as text, decoded where the gateway encoded it."""
    raw = event.get("body") or ""
    if len(raw) > BODY_BYTES * 2:
        raise PayloadTooLarge()
    if event.get("isBase64Encoded"):
        try:
            data = base64.b64decode(raw, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidInput.of("body", "must be base64 as announced", "json") from None
    else:
        data = raw.encode(errors="surrogatepass")
    if len(data) > BODY_BYTES:
        raise PayloadTooLarge()
    media = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media and media != "application/json" and not re.fullmatch(r"application/.+\+json", media):
        raise UnsupportedMediaType()
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidInput.of("body", "must be UTF-8", "json") from None


# ---------------------------------------------------------------- faults

_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be a string",
    "int_type": "must be an integer",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "decimal_type": "must be a number",
}
_TAGS = {"missing": "missing", "extra_forbidden": "unknown-field"}


def faults(error: ValidationError) -> list[Fault]:
    """Every fault of a body, each with its dotted path; never with what was sent."""
    found = []
    for fault in error.errors(include_url=False, include_context=True):
        kind, where = fault["type"], ".".join(str(part) for part in fault["loc"]) or "body"
        if fault["input"] is NULL:
            found.append(Fault("null", where, "must not be null"))
            continue
        words = _WORDS.get(kind)
        if words is None:
            words = fault["msg"][0].lower() + fault["msg"][1:]
            words = words.removeprefix("input should").strip()
            words = words if words.startswith(("must", "is", "has")) else f"must {words}"
        found.append(Fault(_TAGS.get(kind, kind.replace("_", "-")), where, words))
    return found


# ---------------------------------------------------------------- answers


def success(
    data: Mapping[str, Any], revision: int | None, stats: Mapping[str, Any]
) -> dict[str, Any]:
    body: dict[str, Any] = {"success": True, "data": data}
    if revision is not None:
        body["revision"] = revision
    body["build"], body["stats"] = stats["build"], stats
    return body


def refusal(error: ApiError, stats: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "success": False,
        "error": {
            "major": {"tag": error.tag, "message": error.said},
            "minor": [fault.shown() for fault in error.minor],
            "retryable": error.retryable,
            "detail": error.detail,
        },
    }
    if error.record is not None:
        body["data"] = error.record
    if error.revision is not None:
        body["revision"] = error.revision
    body["build"], body["stats"] = stats["build"], stats
    return body


def response(
    status: int, body: Mapping[str, Any] | None, headers: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """The gateway's proxy response."""
    return {
        "statusCode": status,
        "headers": {**HEADERS, **dict(headers)},
        "body": "" if body is None else dumps_in_order(body),
        "isBase64Encoded": False,
    }


def dumps_in_order(body: Mapping[str, Any]) -> str:
    """Compact JSON in the order of the envelope; exact decimals become JSON numbers."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, default=float)


def canonical(body: Any) -> str:
    """The text that two equal requests have in common."""
    return dumps(body)
