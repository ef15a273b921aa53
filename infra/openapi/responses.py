"""The shared responses, headers, parameters and examples; routes refer to them.

A refusal has one response per status, which explains all tags of that status. Which of them a
route may answer is said by the operation, in ``x-error-tags``. The statuses that every route has
share one response, which routes refer to as their ``default``: ``x-statuses`` names them, and
``longhand`` tells them apart again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from infra.openapi.schemas import TEMPLATE
from shared import envelope, errors
from shared.api import Route
from shared.errors import ApiError, Fault
from shared.routes import EVERYWHERE
from shared.settings import SERVICE

RECORDED = Path(__file__).with_name("answers.json")

# The usual refusal of each status gives the response its example, and its name to the response.
_USUAL: dict[int, tuple[str, type[ApiError]]] = {
    400: ("BadRequest", errors.InvalidInput),
    401: ("Unauthorized", errors.Unauthorized),
    403: ("Forbidden", errors.Forbidden),
    404: ("NotFound", errors.NotFound),
    409: ("Conflict", errors.Conflict),
    413: ("PayloadTooLarge", errors.PayloadTooLarge),
    415: ("UnsupportedMediaType", errors.UnsupportedMediaType),
    428: ("RevisionRequired", errors.ExpectedRevisionRequired),
    429: ("RateLimited", errors.RateLimited),
    500: ("InternalError", errors.InternalError),
    503: ("Unavailable", errors.Unavailable),
}
_ALWAYS = ("X-API-Version", "X-Request-Id")

COMMON = "CommonRefusal"
# Every route names its 400 itself: a linter asks for one refusal at least. ``/stat``, which asks
# for no credential, has only some of the common ones: that route names all that it has.
COMMON_STATUSES = tuple(sorted({error.status for error in EVERYWHERE} - {400}))

HEADERS = {
    "X-API-Version": (
        "The version of the API: the date of its contract. On every answer.",
        "2026-03-04",
    ),
    "X-Request-Id": (
        "The id of the request, as in `stats`. On every answer.",
        "01KA0000000000000000000000",
    ),
    "Idempotent-Replay": ("`true` where this is the answer of an earlier call.", "true"),
    "Retry-After": ("After how many seconds to try again.", "60"),
}

PARAMETERS = {
    "IdempotencyKeyHeader": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same as `idempotency_key` in the body; if both are sent, they agree. "
        "Send a key with every write: without one, a retry may have a second effect.",
        "schema": {"$ref": TEMPLATE.format(model="IdempotencyKey")},
    }
}


def headers() -> dict[str, Any]:
    return {
        name: {
            **({"x-on-every-answer": True} if name in _ALWAYS else {}),
            "description": words,
            "schema": {"type": "string", "examples": [example]},
        }
        for name, (words, example) in HEADERS.items()
    }


def responses(rows: Iterable[Route]) -> dict[str, Any]:
    """Returns the response of every status of refusals that a route names, and the common one."""
    refusals: dict[int, set[type[ApiError]]] = defaultdict(set)
    named: set[int] = set()
    for row in rows:
        for error in row.refusals:
            refusals[error.status].add(error)
        named |= {error.status for error in row.refusals} - set(_common(row))
    by_status = {
        status: sorted(classes, key=lambda cls: cls.tag) for status, classes in refusals.items()
    }
    made = {_USUAL[status][0]: _refusal(by_status[status]) for status in named}
    made[COMMON] = _common_refusal({status: by_status[status] for status in COMMON_STATUSES})
    return dict(sorted(made.items()))


def _common(row: Route) -> tuple[int, ...]:
    """The statuses of a route that its ``default`` stands for."""
    statuses = {error.status for error in row.refusals}
    return COMMON_STATUSES if statuses.issuperset(COMMON_STATUSES) else ()


def examples() -> dict[str, Any]:
    """Returns an example of every status of refusals; their tags and messages differ, no more."""
    return {name: {"value": _example(error)} for name, error in _USUAL.values()}


def of_route(row: Route) -> dict[str, Any]:
    """Returns the responses of a route, by status."""
    common = _common(row)
    own = sorted({error.status for error in row.refusals} - set(common))
    names = {str(status): _USUAL[status][0] for status in own}
    if common:
        names["default"] = COMMON
    refusals = {key: {"$ref": f"#/components/responses/{name}"} for key, name in names.items()}
    return {"200": _success(row), **refusals}


def _success(row: Route) -> dict[str, Any]:
    # What every answer has is said with the headers themselves.
    made = _response("Done.", row.envelope.__name__, ["Idempotent-Replay"] if row.writes else [])
    # A new row has none until it is recorded; a test says so.
    if answer := answers().get(row.path):
        example = envelope.success(answer["data"], answer["revision"], _stats(row.call))
        made["content"]["application/json"]["example"] = example
    return made


@cache
def answers() -> dict[str, Any]:
    """Returns what the routes answer to their samples in the demo world: ``data`` and ``revision``
    by path. They are recorded, so that no example can tell of what does not happen."""
    found: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found


def _response(words: str, schema: str, names: Iterable[str]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": TEMPLATE.format(model=schema)}}
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {
        "description": words,
        **({"headers": headers} if headers else {}),
        "content": {"application/json": content},
    }


def _refusal(classes: list[type[ApiError]]) -> dict[str, Any]:
    words = "\n".join(f"- `{cls.tag}`: {cls.message}" for cls in classes)
    return _refused(words, classes)


def _common_refusal(by_status: dict[int, list[type[ApiError]]]) -> dict[str, Any]:
    words = "\n".join(
        f"- {status} `{cls.tag}`: {cls.message}"
        for status, classes in by_status.items()
        for cls in classes
    )
    made = _refused(words, [cls for classes in by_status.values() for cls in classes])
    # A gateway's own 502 is not among them, though ``default`` alone would say so.
    return {"x-statuses": {str(status): _USUAL[status][0] for status in by_status}, **made}


def _refused(words: str, classes: list[type[ApiError]]) -> dict[str, Any]:
    waits = any(cls.retry_after_s is not None for cls in classes)
    names = (*_ALWAYS, "Retry-After") if waits else _ALWAYS
    made = _response(words, "ErrorEnvelope", names)
    of_statuses = dict.fromkeys(_USUAL[cls.status][0] for cls in classes)
    made["content"]["application/json"]["examples"] = {
        name: {"$ref": f"#/components/examples/{name}"} for name in of_statuses
    }
    return made


_MINOR: dict[type[ApiError], list[Fault]] = {
    errors.InvalidInput: [Fault("missing", "customer.email", "is required")]
}
_DETAIL: dict[type[ApiError], dict[str, Any]] = {errors.Conflict: {"current_revision": 4}}


_BUILD = {"build_major": "1", "build_minor": "0", "build_id": "MONDAY-1765671116"}


def _stats(call: str) -> dict[str, Any]:
    return {
        "call": call,
        "service": SERVICE,
        "request_id": "01KA0000000000000000000000",
        "timestamp_utc": "2026-01-12T15:30:00Z",
        "latency_ms": 12,
        "build": _BUILD,
    }


def _example(error: type[ApiError]) -> dict[str, Any]:
    made = error(minor=_MINOR.get(error, ()), detail=_DETAIL.get(error))
    return envelope.refusal(made, _stats("POST /account/update"))
