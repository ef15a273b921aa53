"""Bodies: strict JSON comes in, the one envelope goes out.

Strict means: no duplicate keys, no NaN or infinity, no lone surrogates, no integer that a double
cannot hold, at most 16 levels. Numbers with a fraction are read as exact decimals.
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
from shared.fields import LARGEST_INTEGER, NULL, WHOLE
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


class _NotStrict(ValueError):
    """The text is JSON, but not strict JSON. The message says what is wrong, not where."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _NotStrict("an object must not repeat a key")
    return made


def _integer(text: str) -> int:
    # By length first: ``int`` is slow on very long texts.
    if len(text) > 17 or abs(number := int(text)) > LARGEST_INTEGER:
        raise _NotStrict("integers must lie within ±(2^53-1)")
    return number


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    # No amount or rate needs as much, and arithmetic on such numbers would cost too much.
    if len(text) > 40 or abs(number.adjusted()) > 100:
        raise _NotStrict("a number has too many digits")
    return number


def _constant(_: str) -> Any:
    raise _NotStrict("NaN and infinity are not numbers of JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_constant,
)


def _is_too_deep(text: str) -> bool:
    # Before the parser runs, which would fail on a deep text with a RecursionError.
    if text.count("{") + text.count("[") <= DEPTH:
        return False
    depth = 0
    for mark in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if mark in "[{" else -1
        if depth > DEPTH:
            return True
    return False


def read_json(text: str) -> Any:
    """Returns the value of a body. Raises ``InvalidInput`` where it is not strict JSON."""
    if not text.strip():
        return {}
    if _is_too_deep(text):
        raise InvalidInput.of("body", f"must be at most {DEPTH} levels deep", "depth")
    try:
        value = _decoder.decode(text)
    except _NotStrict as error:
        raise InvalidInput.of("body", str(error), "json") from None
    except json.JSONDecodeError as error:
        raise InvalidInput.of("body", f"must be JSON: {_message(error)}", "json") from None
    except ValueError:
        raise InvalidInput.of("body", "must be JSON", "json") from None
    # Most bodies are ASCII without escapes: they need no search.
    if ("\\u" in text or not text.isascii()) and _SURROGATE.search(
        json.dumps(value, ensure_ascii=False, default=str)
    ):
        raise InvalidInput.of("body", "must not hold lone surrogates", "json")
    return value


_SPACE = " \t\r\n"
_TRAILING_COMMA = re.compile(r"\s*(,)\s*[}\]]")


def _message(error: json.JSONDecodeError) -> str:
    """Returns what is wrong and where, without any part of the body."""
    words, place = error.msg[0].lower() + error.msg[1:].partition(": ")[0], error
    # Some versions of Python stop at the comma, others at the bracket after it.
    before = error.doc[: error.pos].rstrip(_SPACE + ",")
    if comma := _TRAILING_COMMA.match(error.doc, len(before)):
        words = "a comma must not stand before the end of an object or a list,"
        place = json.JSONDecodeError(words, error.doc, comma.start(1))
    return f"{words} at line {place.lineno}, column {place.colno}"


def body_text(event: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """Returns the body of a gateway event as text, decoded where the gateway has encoded it."""
    raw = event.get("body") or ""
    # Base 64 takes a third more: what is this large is too large in any form, and is not decoded.
    if len(raw) > BODY_BYTES * 2:
        raise PayloadTooLarge()
    if event.get("isBase64Encoded"):
        try:
            data = base64.b64decode(raw, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidInput.of(
                "body", "must be base64, as isBase64Encoded says", "json"
            ) from None
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

# The library's kinds of faults, as callers see them: tag and words. They must not change with it.
_KINDS = {
    "missing": ("missing", "is required"),
    "extra_forbidden": ("unknown-field", "is not a field of this request"),
    "string_type": ("string", "must be a string"),
    "int_type": ("integer", WHOLE),
    "bool_type": ("boolean", "must be true or false"),
    "list_type": ("list", "must be a list"),
    "dict_type": ("object", "must be an object"),
    "model_type": ("object", "must be an object"),
    "model_attributes_type": ("object", "must be an object"),
    "literal_error": ("choice", None),
    "string_pattern_mismatch": ("form", None),
}


# What the library says of these is no sentence.
_COUNTS = {
    "too_long": "must have at most {max_length} elements",
    "too_short": "must have at least {min_length} elements",
}


def faults(error: ValidationError) -> list[Fault]:
    """Returns every fault of a body with its dotted path, and without the value that was sent."""
    found = []
    for fault in error.errors(include_url=False, include_context=True):
        kind, where = fault["type"], ".".join(str(part) for part in fault["loc"]) or "body"
        if fault["input"] is NULL:
            found.append(Fault("null", where, "must not be null"))
            continue
        tag, words = _KINDS.get(kind, (kind.replace("_", "-"), None))
        if kind in _COUNTS and "ctx" in fault:
            # Our own faults of this kind bring their words, and no numbers.
            words = _COUNTS[kind].format(**fault["ctx"])
        elif words is None:
            words = fault["msg"][0].lower() + fault["msg"][1:]
            words = words.removeprefix("input should").strip()
            words = words if words.startswith(("must", "is", "has")) else f"must {words}"
        found.append(Fault(tag, where, words))
    return found


# ---------------------------------------------------------------- answers


def success(
    data: Mapping[str, Any], revision: int | None, stats: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the envelope of an answer."""
    body: dict[str, Any] = {"success": True, "data": data}
    if revision is not None:
        body["revision"] = revision
    body["build"], body["stats"] = stats["build"], stats
    return body


def refusal(error: ApiError, stats: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the envelope of an error."""
    body: dict[str, Any] = {
        "success": False,
        "error": {
            "major": {"tag": error.tag, "message": error.text},
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
    """Returns the proxy response for the gateway."""
    return {
        "statusCode": status,
        "headers": {**HEADERS, **dict(headers)},
        "body": "" if body is None else dumps_in_order(body),
        "isBase64Encoded": False,
    }


def dumps_in_order(body: Mapping[str, Any]) -> str:
    """Returns compact JSON in the order of the envelope. Decimals become JSON numbers."""
    return _IN_ORDER.encode(body)


_IN_ORDER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=float)


def canonical(body: Any) -> str:
    """Returns a text that is the same for equal requests, to be hashed."""
    return dumps(body)
