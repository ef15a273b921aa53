"""The door: a gateway event in, the envelope out; the only place that knows HTTP.

``serve(ROUTES)`` makes a family's Lambda handler, a dict from (method, path) to row and no
framework. The order of refusal is the order of the lines here: transport, credential, org, roles,
schema, write gate, required revision; then the operation.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from shared import auth, envelope, log
from shared.call import Answer, Call, Provenance
from shared.errors import (
    ApiError,
    ContextMismatch,
    ExpectedRevisionRequired,
    Fault,
    InternalError,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
)
from shared.fields import (
    CcCode,
    ChannelCode,
    IdempotencyKey,
    NotNegative,
    OrgCode,
    Reason,
    ReasonCode,
    Request,
    SourceRefs,
    instant_shown,
)
from shared.keys import of_org
from shared.routes import ANYONE, EDITORS, MEMBER, READERS, Latency, Route, Tier
from shared.settings import SERVICE, settings
from shared.table import Table

__all__ = [
    "ANYONE", "EDITORS", "MEMBER", "READERS", "Answer", "Call", "Door", "Latency", "Route",
    "Tier", "new_id", "serve",
]  # fmt: skip

BASE = "/crm"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id(now: datetime) -> str:
    """26 characters, sortable by creation: 48 bits of milliseconds, then 80 that nobody guesses."""
    milliseconds = max(0, int(now.timestamp() * 1000))
    number = (milliseconds << 80) | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


class RequestContext(Request):
    """What the caller believes of itself; it must agree with what is so."""

    orgcode: str | None = None
    actor: str | None = None
    context_source: str | None = None
    channel_code: ChannelCode | None = None
    cccode: CcCode | None = None


class Crosscutting(Request):
    """The fields that every POST takes beside its own."""

    session_guid: str | None = None
    api_key: str | None = None
    orgcode: OrgCode | None = None
    cccode: CcCode | None = None
    request_context: RequestContext | None = None
    idempotency_key: IdempotencyKey | None = None
    expected_revision: NotNegative | None = None
    reason: Reason | None = None
    reason_code: ReasonCode | None = None
    source_refs: SourceRefs = Field(default_factory=list)
    dry_run: bool = False


CROSSCUTTING = frozenset(Crosscutting.model_fields)
_REPEATED = ("request_context", "reason", "source_refs")


@dataclass(frozen=True, slots=True)
class _Parts:
    """A body taken apart: the route's own fields, the crosscutting ones, and those repeated inside
    the record object."""

    own: Any
    crosscutting: dict[str, Any]
    repeated: dict[str, Any]


class Door:
    """A family's Lambda. ``answer`` is the same with a clock of the caller's choosing."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._rows = {(row.method, row.path): row for row in routes}
        self._methods: dict[str, list[str]] = {}
        for row in routes:
            self._methods.setdefault(row.path, []).append(row.method)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        return self.answer(event, context)

    def answer(
        self, event: dict[str, Any], context: Any, now: datetime | None = None
    ) -> dict[str, Any]:
        """The gateway's proxy event to its proxy response; never an exception."""
        began = time.perf_counter()
        wall = auth.now()
        path = str(event.get("path") or "")
        path = path.removeprefix(BASE) if path.startswith(BASE + "/") else path
        visit = _Visit(
            method=str(event.get("httpMethod") or "GET"),
            path=path,
            request_id=str(
                (event.get("requestContext") or {}).get("requestId")
                or getattr(context, "aws_request_id", None)
                or new_id(wall)
            ),
            headers={k.lower(): v for k, v in (event.get("headers") or {}).items() if v},
            now=now or wall,
            wall=wall,
            began=began,
        )
        return visit.respond(self, event)

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
    """The door of a family: its ``lambda_handler``."""
    return Door(routes)


@dataclass(slots=True)
class _Visit:
    """One request on its way through the door."""

    method: str
    path: str
    request_id: str
    headers: dict[str, str]
    now: datetime
    wall: datetime
    began: float
    call: Call | None = None
    table: Table | None = None

    def respond(self, door: Door, event: dict[str, Any]) -> dict[str, Any]:
        extra = {"X-Request-Id": self.request_id}
        if self.method == "OPTIONS" and door.methods(self.path):
            allow = ", ".join(sorted([*door.methods(self.path), "OPTIONS"]))
            extra |= {
                "Allow": allow,
                "Access-Control-Allow-Methods": allow,
                "Access-Control-Allow-Headers": "content-type, x-orgcode, x-session-guid, "
                "x-api-key, x-cccode, idempotency-key",
                "Access-Control-Max-Age": "600",
            }
            body = envelope.success({"allow": allow}, None, self._stats())
            return envelope.response(200, body, extra.items())
        refused: ApiError | None = None
        try:
            answer = self._serve(door.row(self.method, self.path), event)
        except ApiError as error:
            refused = error
        except Exception as error:
            # A defect: said once in the log with its place, and nothing of it to the caller.
            log.failed(error, call=f"{self.method} {self.path}", request_id=self.request_id)
            refused = InternalError()
        stats = self._stats()
        if refused is not None:
            status, body = refused.status, envelope.refusal(refused, stats)
            extra |= refused.headers
        else:
            status, body = 200, envelope.success(answer.data, answer.revision, stats)
            if answer.replayed:
                extra["Idempotent-Replay"] = "true"
        self._log(status, refused)
        return envelope.response(status, body, extra.items())

    def _serve(self, row: Route, event: dict[str, Any]) -> Answer:
        self.table = Table()
        call = Call(
            route=row,
            now=self.now,
            wall=self.wall,
            table=self.table,
            request_id=self.request_id,
            new_id=partial(new_id, self.now),
        )
        if row.roles == (ANYONE,):
            answer: Answer = row.operation(call, None)
            return answer
        parts = _apart(row, envelope.read_json(envelope.body_text(event, self.headers)))
        said = auth.claim(self.headers, parts.crosscutting)
        said = replace(
            said,
            mismatch=auth.contradiction(self.headers, parts.crosscutting, parts.repeated),
        )
        call = replace(call, claim=said, identity=auth.identify(said, row, self.table, self.wall))
        self.call = call
        try:
            call, body = _schema(call, parts, self.headers)
            if row.writes:
                refusing = bool(getattr(body, "only_refuses", False))
                auth.gate(call.caller, row, refusing=refusing)
            if row.revision == "required" and call.expected_revision is None and not row.creates:
                raise ExpectedRevisionRequired()
        except ApiError:
            # On a strict route nobody is told what is wrong before it is certain who asks.
            if row.strict:
                call.load()
            raise
        self.call = call
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
        if self.call is not None and self.call.identity is not None:
            stats |= self.call.identity.stamp()
            if self.call.cccode is not None:
                stats["cccode"] = self.call.cccode
        return stats

    def _log(self, status: int, refused: ApiError | None) -> None:
        facts = {
            "call": f"{self.method} {self.path}" if self.call or status < 400 else "-",
            "status": status,
            "request_id": self.request_id,
            "latency_ms": int((time.perf_counter() - self.began) * 1000),
        }
        if refused is not None:
            facts["tag"] = refused.tag
        if self.call is not None and self.call.identity is not None:
            facts["orgcode"] = self.call.identity.orgcode
            facts["fingerprint"] = self.call.identity.fingerprint
        log.answered(**facts)


def _apart(row: Route, value: Any) -> _Parts:
    if isinstance(value, str) and row.bare is not None:
        return _Parts({row.bare: value}, {}, {})
    if not isinstance(value, dict):
        raise InvalidInput.of("body", "must be a JSON object", "json")
    crosscutting = {k: value[k] for k in value if k in CROSSCUTTING}
    own = {k: v for k, v in value.items() if k not in CROSSCUTTING}
    repeated: dict[str, Any] = {}
    inner = own.get(row.record) if row.record else None
    if isinstance(inner, dict):
        repeated = {k: inner[k] for k in _REPEATED if k in inner}
        own[str(row.record)] = {k: v for k, v in inner.items() if k not in _REPEATED}
    return _Parts(own, crosscutting, repeated)


def _schema(call: Call, parts: _Parts, headers: Mapping[str, str]) -> tuple[Call, Any]:
    """The validated body, and the call with what the crosscutting fields say; or every fault."""
    row, faults = call.route, []
    # What the record repeats stands in where the top level is silent, but is checked all the same.
    over, fault_list = _validated(Crosscutting, {**parts.repeated, **parts.crosscutting})
    faults += fault_list
    if parts.repeated:
        inner, fault_list = _validated(Crosscutting, parts.repeated)
        faults += [replace(f, field=f"{row.record}.{f.field}") for f in fault_list]
        if inner is not None and inner.request_context is not None:
            faults += _disagreements(call, inner.request_context, f"{row.record}.")
    body, fault_list = _validated(row.request, parts.own) if row.request else (None, [])
    faults += fault_list
    if over is not None:
        faults += _required(row, over)
        if over.request_context is not None and "request_context" in parts.crosscutting:
            faults += _disagreements(call, over.request_context, "")
    key, key_faults = _header(headers, "idempotency-key")
    cccode, cc_faults = _header(headers, "x-cccode")
    faults += key_faults + cc_faults
    if faults or over is None:
        raise InvalidInput(minor=_once(faults))
    if key and over.idempotency_key and key != over.idempotency_key:
        raise ContextMismatch(minor=[Fault("mismatch", "idempotency_key", _AGREE)])
    if cccode and over.cccode and cccode != over.cccode:
        raise ContextMismatch(minor=[Fault("mismatch", "cccode", _AGREE)])
    context = over.request_context
    return (
        replace(
            call,
            provenance=Provenance(
                reason=over.reason,
                reason_code=over.reason_code,
                source_refs=tuple(ref.model_dump() for ref in over.source_refs),
            ),
            idempotency_key=(key or over.idempotency_key) if row.writes else None,
            expected_revision=over.expected_revision,
            dry_run=over.dry_run,
            cccode=cccode or over.cccode or (context.cccode if context else None),
            channel_code=context.channel_code if context else None,
            request_hash=_request_hash(call, body) if row.writes else "",
        ),
        body,
    )


_AGREE = "must be the same in the header and in the body"


def _validated(model: Any, value: Any) -> tuple[Any, list[Fault]]:
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        return None, envelope.faults(error)


def _header(headers: Mapping[str, str], name: str) -> tuple[Any, list[Fault]]:
    value = headers.get(name)
    if value is None:
        return None, []
    field = {"idempotency-key": "idempotency_key", "x-cccode": "cccode"}[name]
    read, faults = _validated(Crosscutting, {field: value})
    return (getattr(read, field) if read else None), [
        replace(f, field=f"header {name}") for f in faults
    ]


def _required(row: Route, over: Crosscutting) -> list[Fault]:
    found = []
    if over.dry_run and not row.dry_run:
        found.append(Fault("unknown-field", "dry_run", "is not taken by this route"))
    if row.provenance == "required":
        if over.reason is None:
            found.append(Fault("missing", "reason", "is required"))
        if not over.source_refs:
            found.append(Fault("missing", "source_refs", "must name at least one source"))
    return found


def _disagreements(call: Call, context: RequestContext, prefix: str) -> list[Fault]:
    caller, found = call.caller, []
    for name, is_so in (("actor", caller.actor), ("context_source", caller.context_source)):
        said = getattr(context, name)
        if said is not None and said != is_so:
            field = f"{prefix}request_context.{name}"
            found.append(Fault("mismatch", field, "must agree with the credential"))
    return found


def _once(faults: list[Fault]) -> list[Fault]:
    return list(dict.fromkeys(faults))


def _request_hash(call: Call, body: BaseModel | None) -> str:
    """What tells a replay from another request: the route and the normalised body."""
    own = {} if body is None else body.model_dump(mode="json", exclude_unset=True)
    text = envelope.canonical([call.route.path, own])
    return of_org(call.caller.orgcode).hash("request", text)
