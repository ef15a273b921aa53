"""The door: it takes a gateway event and returns the envelope. No other module knows HTTP.

``serve(ROUTES)`` makes a family's Lambda handler: a dict from (method, path) to the row of a route,
without a framework. The checks run in the order of the lines here: transport, credential, org,
roles, request validation, write gate, required revision. Then the operation runs.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from shared import auth, envelope, log, start
from shared.call import Answer, Call, Facts
from shared.errors import (
    ApiError,
    InternalError,
    MethodNotAllowed,
    NotFound,
)
from shared.fields import instant_shown
from shared.routes import (
    ANYONE,
    COLD,
    EDITORS,
    MEMBER,
    READERS,
    Latency,
    Route,
    Tier,
    reading,
    writing,
)
from shared.settings import SERVICE, settings
from shared.table import Table
from shared.validation import Crosscutting, apart, validated

__all__ = [
    "ANYONE", "EDITORS", "MEMBER", "READERS", "Answer", "Call", "Crosscutting", "Door", "Latency",
    "Route", "Tier", "new_id", "reading", "serve", "writing",
]  # fmt: skip

BASE = "/crm"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id(now: datetime) -> str:
    """Returns 26 characters that sort by creation time: 48 bits of milliseconds, then 80 random
    bits, so that no id can be guessed."""
    milliseconds = max(0, int(now.timestamp() * 1000))
    number = (milliseconds << 80) | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


class Door:
    """A family's Lambda handler. ``answer`` does the same, but takes the time from its caller."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._rows = {(row.method, row.path): row for row in routes}
        self._is_new = True
        self._methods: dict[str, list[str]] = {}
        for row in routes:
            self._methods.setdefault(row.path, []).append(row.method)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        return self.answer(event, context)

    def answer(
        self, event: dict[str, Any], context: Any, now: datetime | None = None
    ) -> dict[str, Any]:
        """Returns the proxy response to a proxy event of the gateway. It never raises."""
        began = time.perf_counter()
        wall = auth.now()
        path = str(event.get("path") or "")
        # The rows have no base path: the gateway adds it.
        path = path.removeprefix(BASE) if path.startswith(BASE + "/") else path
        is_first, self._is_new = self._is_new, False
        gateway = event.get("requestContext") or {}
        received = gateway.get("requestTimeEpoch")
        invocation = _Invocation(
            method=str(event.get("httpMethod") or "GET"),
            path=path,
            request_id=str(
                # The gateway's id comes first: its access log has the same one.
                gateway.get("requestId") or getattr(context, "aws_request_id", None) or new_id(wall)
            ),
            received_ms=received if isinstance(received, int) else None,
            is_first=is_first,
            headers={k.lower(): v or "" for k, v in (event.get("headers") or {}).items()},
            now=now or wall,
            wall=wall,
            began=began,
        )
        return invocation.respond(self, event)

    def row(self, method: str, path: str) -> Route:
        row = self._rows.get((method, path))
        if row is not None:
            return row
        methods = self._methods.get(path)
        if methods is None:
            raise NotFound()
        allow = ", ".join(sorted([*methods, "OPTIONS"]))
        raise MethodNotAllowed(detail={"allowed": sorted(methods)}, headers={"Allow": allow})

    def methods(self, path: str) -> list[str]:
        return self._methods.get(path, [])


def serve(routes: Sequence[Route]) -> Door:
    """Returns the door of a family: its ``lambda_handler``."""
    start.ready(routes)
    return Door(routes)


@dataclass(slots=True)
class _Invocation:
    """One request, from its event to its response. ``now`` may be a test clock; ``wall`` is the
    real time. ``received_ms``: when the gateway received it, in milliseconds since 1970.
    ``is_first``: it is the first of this process."""

    method: str
    path: str
    request_id: str
    headers: dict[str, str]
    now: datetime
    wall: datetime
    began: float
    received_ms: int | None
    is_first: bool
    row: Route | None = None
    call: Call | None = None
    table: Table | None = None

    def respond(self, door: Door, event: dict[str, Any]) -> dict[str, Any]:
        headers = {"X-Request-Id": self.request_id}
        if self.method == "OPTIONS" and door.methods(self.path):
            allow = ", ".join(sorted([*door.methods(self.path), "OPTIONS"]))
            headers |= {
                "Allow": allow,
                "Access-Control-Allow-Methods": allow,
                "Access-Control-Allow-Headers": "content-type, x-orgcode, x-session-guid, "
                "x-api-key, x-cccode, idempotency-key",
                "Access-Control-Max-Age": "600",
            }
            body = envelope.success({"allow": allow}, None, self._stats())
            return envelope.response(200, body, headers.items())
        refused: ApiError | None = None
        try:
            self.row = door.row(self.method, self.path)
            answer = self._serve(self.row, event)
        except ApiError as error:
            refused = error
        except Exception as error:
            # A defect. The log gets its place in the code, once; the caller gets no detail.
            log.failed(error, call=f"{self.method} {self.path}", request_id=self.request_id)
            refused = InternalError()
        stats = self._stats()
        if refused is not None:
            status, body = refused.status, envelope.refusal(refused, stats)
            headers |= refused.headers
        else:
            status, body = 200, envelope.success(answer.data, answer.revision, stats)
            if answer.replayed:
                headers["Idempotent-Replay"] = "true"
        self._log(status, refused)
        return envelope.response(status, body, headers.items())

    def _serve(self, row: Route, event: dict[str, Any]) -> Answer:
        self.table = Table()
        if row.roles == (ANYONE,):
            answer: Answer = row.operation()
            return answer
        parts = apart(row, envelope.read_json(envelope.body_text(event, self.headers)))
        claim = replace(
            auth.require_claim(self.headers, parts.crosscutting),
            mismatch=auth.contradiction(self.headers, parts.crosscutting, parts.repeated),
        )
        call = self.call = Call(
            route=row,
            identity=auth.identify(claim, row, self.table, self.wall),
            facts=Facts(request_id=self.request_id),
            now=self.now,
            table=self.table,
            new_id=partial(new_id, self.now),
        )
        try:
            facts, body = validated(call, parts, self.headers)
            call = self.call = replace(call, facts=facts)
            if row.writes:
                auth.require_write_access(call.caller, row, refusing=facts.only_refuses)
            if row.revision == "required" and not row.creates:
                facts.require_revision()
        except ApiError as error:
            # A strict route verifies its caller before it gives any error. The write gate is no
            # part of that for a 400: a faulty body is refused before the gate is asked.
            raise call.refusal(error, gated=error.status != 400) from None
        answer = row.operation(call, body)
        assert isinstance(answer, Answer), row.path
        return answer

    def _stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = {
            "call": f"{self.method} {self.path}",
            "service": SERVICE,
            "request_id": self.request_id,
            "timestamp_utc": instant_shown(self.now),
            "latency_ms": int((time.perf_counter() - self.began) * 1000),
            "build": settings().build,
        }
        if self.table is not None:
            stats["read_units"] = self.table.read_units
            stats["write_units"] = self.table.write_units
        if self.call is not None:
            stats |= self.call.caller.stamp()
            if self.call.facts.cccode is not None:
                stats["cccode"] = self.call.facts.cccode
        return stats

    def _log(self, status: int, refused: ApiError | None) -> None:
        facts = {
            # The path of an unknown route is a stranger's text, so the log does not get it.
            "call": "-" if self.row is None else self.row.call,
            "status": status,
            "request_id": self.request_id,
            "latency_ms": int((time.perf_counter() - self.began) * 1000),
        }
        if refused is not None:
            facts["tag"] = refused.tag
        if self.call is not None:
            facts["orgcode"] = self.call.caller.orgcode
            facts["fingerprint"] = self.call.caller.fingerprint
        log.answered(**facts, **self._latency())

    def _latency(self) -> dict[str, Any]:
        """Returns the metrics of the request's latency class: whether it was over the limits of its
        route, and whether it was a cold start. The time is that since the gateway received the
        request, so a cold start counts. Only the way back through the gateway is not in it."""
        if self.row is None or self.received_ms is None:
            return {}
        # The two clocks may differ by a few milliseconds.
        spent_ms = max(0, time.time_ns() // 1_000_000 - self.received_ms)
        latency = self.row.latency
        return {
            "since_received_ms": spent_ms,
            **log.metrics({**latency.over(spent_ms), COLD: int(self.is_first)}, tier=latency.tier),
        }
