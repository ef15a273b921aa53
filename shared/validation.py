"""Request validation: a body is split and validated. An error lists all faults at once.

A body has the route's own fields and the crosscutting ones. Some crosscutting fields may be
repeated inside the record object. The results are a validated model of the own fields, and the
``Facts`` of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

from shared import envelope
from shared.call import Call, Facts, Provenance
from shared.errors import ContextMismatch, Fault, InvalidInput
from shared.fields import (
    CcCode,
    ChannelCode,
    Circumstances,
    IdempotencyKey,
    NotNegative,
    OrgCode,
    Reason,
    ReasonCode,
    Request,
    SourceRefs,
    Unordered,
    source_refs,
)
from shared.keys import of_org
from shared.routes import Route
from shared.settings import OrgSettings


class RequestContext(Request):
    """What the caller says about itself. It must agree with the credential."""

    orgcode: str | None = None
    """The org of the call."""
    actor: str | None = None
    """The caller: `user_guid:<id>` or `service_account:<id>`."""
    context_source: str | None = None
    """What the caller is known by: `session` or `api_key`."""
    channel_code: ChannelCode | None = None
    cccode: CcCode | None = None


class Crosscutting(Request):
    """The fields that every POST accepts beside its own."""

    session_guid: str | None = None
    """The session, where no header `x-session-guid` names it."""
    api_key: str | None = None
    """The API key, where no header `x-api-key` names it."""
    orgcode: OrgCode | None = None
    cccode: CcCode | None = None
    request_context: RequestContext | None = None
    idempotency_key: IdempotencyKey | None = None
    expected_revision: NotNegative | None = None
    """The revision of the record that the change is based on; another one is a `conflict`."""
    reason: Reason | None = None
    reason_code: ReasonCode | None = None
    source_refs: SourceRefs = Field(default_factory=list)
    dry_run: bool = False
    """Answers as if it were done, with `data.dry_run`, and changes nothing."""


CROSSCUTTING = frozenset(Crosscutting.model_fields)
_REPEATED = ("request_context", "reason", "source_refs")


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a body: the route's own fields, the crosscutting ones, and the crosscutting ones
    that are repeated inside the record object."""

    own: Any
    crosscutting: dict[str, Any]
    repeated: dict[str, Any]


def apart(row: Route, value: Any) -> Parts:
    """Returns the parts of a JSON body. Raises 400 where it is no object, unless it is a string and
    the route accepts one."""
    if isinstance(value, str) and row.bare is not None:
        return Parts({row.bare(value) if callable(row.bare) else row.bare: value}, {}, {})
    if not isinstance(value, dict):
        raise InvalidInput.of("body", "must be a JSON object", "json")
    crosscutting = {k: value[k] for k in value if k in CROSSCUTTING}
    own = {k: v for k, v in value.items() if k not in CROSSCUTTING}
    repeated: dict[str, Any] = {}
    inner = own.get(row.record) if row.record else None
    if isinstance(inner, dict):
        repeated = {k: inner[k] for k in _REPEATED if k in inner}
        own[str(row.record)] = {k: v for k, v in inner.items() if k not in _REPEATED}
    return Parts(own, crosscutting, repeated)


def validated(call: Call, parts: Parts, headers: Mapping[str, str]) -> tuple[Facts, Any]:
    """Returns the crosscutting facts and the validated body, or raises 400 with every fault."""
    row, faults = call.route, []
    # The top level wins over what the record object repeats, but both are validated.
    given = {**parts.repeated, **parts.crosscutting}
    known = Circumstances(call.now, call.settings)
    over, fault_list = _validated(Crosscutting, given, known)
    faults += fault_list + _required(row, given, headers)
    if parts.repeated:
        inner, fault_list = _validated(Crosscutting, parts.repeated, known)
        faults += [replace(f, field=f"{row.record}.{f.field}") for f in fault_list]
        if inner is not None and inner.request_context is not None:
            faults += _disagreements(call, inner.request_context, f"{row.record}.")
    body, fault_list = _validated(row.request, parts.own, known) if row.request else (None, [])
    faults += fault_list
    if body is not None:
        faults += _own_faults(body, call.settings, {fault.field for fault in fault_list})
    if body is not None and over is not None:
        faults += _missing_order(body, over)
    context = None if over is None else over.request_context
    if context is not None and "request_context" in parts.crosscutting:
        faults += _disagreements(call, context, "")
    key, key_faults = _header(headers, "idempotency-key", known)
    cccode, cc_faults = _header(headers, "x-cccode", known)
    faults += key_faults + cc_faults
    if faults or over is None:
        raise InvalidInput(minor=_once(faults))
    if key and over.idempotency_key and key != over.idempotency_key:
        raise ContextMismatch(minor=[Fault("mismatch", "idempotency_key", _AGREE)])
    sent = {"cccode": over.cccode, "request_context.cccode": context.cccode if context else None}
    first = cccode or over.cccode
    others = [field for field, value in sent.items() if value and first and value != first]
    if others:
        raise ContextMismatch(minor=[Fault("mismatch", field, _AGREE) for field in others])
    facts = Facts(
        request_id=call.facts.request_id,
        provenance=Provenance(
            reason=over.reason,
            reason_code=over.reason_code,
            source_refs=tuple(ref.model_dump() for ref in over.source_refs),
        ),
        idempotency_key=(key or over.idempotency_key) if row.writes else None,
        expected_revision=over.expected_revision,
        request_hash=_request_hash(call, body, over) if row.writes else "",
        dry_run=over.dry_run,
        only_refuses=bool(getattr(body, "only_refuses", False)),
        cccode=cccode or over.cccode or (context.cccode if context else None),
        channel_code=context.channel_code if context else None,
    )
    return facts, body


_AGREE = "must be the same in the header and in the body"


_APART = ("extra_forbidden", "future", "phone")
"""Kinds of faults that say nothing of other fields: no field of ours, a time that has not come, a
number that cannot exist."""


def _validated(model: Any, value: Any, circumstances: Circumstances) -> tuple[Any, list[Fault]]:
    """Returns (the model or None, every fault). Where the faults are of kinds that leave the rest
    of the body readable, the model is made without the faulty fields, so that the faults which it
    finds itself are listed too."""
    try:
        return model.model_validate(value, context=circumstances), []
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        found = [_with_suggestion(model, fault) for fault in envelope.faults(error)]
    if any(fault["type"] not in _APART for fault in wrong):
        return None, found
    for fault in wrong:
        value = _without(value, fault["loc"])
    valid, more = _validated(model, value, circumstances)
    return valid, found + more


def _with_suggestion(model: type[BaseModel], fault: Fault) -> Fault:
    """Returns the fault of an unknown field with the field that was probably meant: one with a
    similar name in the same object, or one with the same name elsewhere in the request."""
    if fault.tag != "unknown-field":
        return fault
    known = dict(_fields_of(model))
    holder, _, name = fault.field.rpartition(".")
    # All elements of a list have the same fields, so the numbers in a path do not matter.
    outer = "".join(f"{part}." for part in holder.split(".") if part and not part.isdigit())
    beside = {path.removeprefix(outer): path for path in known if path.startswith(outer)}
    if model is not Crosscutting and not outer:
        beside |= {name: name for name in CROSSCUTTING}
    close = get_close_matches(name, [n for n in beside if "." not in n], n=1, cutoff=0.7)
    elsewhere = [path for path in known if path.rpartition(".")[2] == name]
    meant = next(iter(close or elsewhere), None)
    if meant is None and name in CROSSCUTTING:
        meant = f"{name}, at the top level"
    return fault if meant is None else replace(fault, message=f"{fault.message}; {meant} is")


def _fields_of(model: type[BaseModel], outer: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yields every field of a request and of the objects in it, with its dotted path."""
    for name, field in model.model_fields.items():
        yield outer + name, field
        for part in _types_in(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _fields_of(part, f"{outer}{name}.")


def _types_in(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _types_in(part)


def _without(value: Any, place: tuple[int | str, ...]) -> Any:
    """Returns the value without the field at a place in it."""
    (key, *deeper) = place
    if isinstance(value, list):
        return [_without(e, tuple(deeper)) if n == key else e for n, e in enumerate(value)]
    if key not in value:
        return value
    # An element of a list goes with its list: the numbers of the others must not change.
    if not deeper or (isinstance(value.get(key), list) and len(deeper) == 1):
        return {k: v for k, v in value.items() if k != key}
    return {**value, key: _without(value[key], tuple(deeper))}


def _header(
    headers: Mapping[str, str], name: str, circumstances: Circumstances
) -> tuple[Any, list[Fault]]:
    value = headers.get(name)
    if value is None:
        return None, []
    field = {"idempotency-key": "idempotency_key", "x-cccode": "cccode"}[name]
    read, faults = _validated(Crosscutting, {field: value}, circumstances)
    return (getattr(read, field) if read else None), [
        replace(f, field=f"header {name}") for f in faults
    ]


def _required(row: Route, given: Mapping[str, Any], headers: Mapping[str, str]) -> list[Fault]:
    """Returns the faults of crosscutting fields that the route requires and the body lacks."""
    found = []
    if given.get("dry_run") is True and not row.dry_run:
        found.append(Fault("unknown-field", "dry_run", "is not accepted by this route"))
    if row.provenance == "required":
        if "reason" not in given:
            found.append(Fault("missing", "reason", "is required"))
        if source_refs(given.get("source_refs", [])) == []:
            found.append(Fault("missing", "source_refs", "must name at least one source"))
    if row.needs_key and not (headers.get("idempotency-key") or "idempotency_key" in given):
        message = "is required: without it a repeat would take effect twice"
        found.append(Fault("missing", "idempotency_key", message))
    return found


def _own_faults(part: Any, org: OrgSettings, wrong: set[str], where: str = "") -> list[Fault]:
    """Returns the faults that the models of a request (nested ones too) find by their checks. A
    field that is there but ``wrong`` counts as named: it has a fault of its own."""
    if isinstance(part, list):
        places = ((one, f"{where}{number}.") for number, one in enumerate(part))
        return [fault for one, place in places for fault in _own_faults(one, org, wrong, place)]
    if not isinstance(part, Request):
        return []
    found = [replace(f, field=where + f.field) for f in part.faults(org)]
    if any(where + name in wrong for name in part.exactly_one):
        found = [fault for fault in found if fault.tag != "exactly-one"]
    for name in type(part).model_fields:
        found += _own_faults(getattr(part, name), org, wrong, f"{where}{name}.")
    return found


def _missing_order(body: Request, over: Crosscutting) -> list[Fault]:
    """Returns the fault where a request must name an order and does not."""
    own = (getattr(body, name, None) for name in ("order_ref", "loyalty_txn_id"))
    if not body.needs_order or any(own) or any(s.kind in body.named_by for s in over.source_refs):
        return []
    kinds = " or ".join(body.named_by)
    message = f"is required, or a source_refs element of kind {kinds}"
    return [Fault("missing", "order_ref", message)]


def _disagreements(call: Call, context: RequestContext, prefix: str) -> list[Fault]:
    """Returns the faults of a request context that contradicts the credential."""
    caller, found = call.caller, []
    for name, actual in (("actor", caller.actor), ("context_source", caller.context_source)):
        sent = getattr(context, name)
        if sent is not None and sent != actual:
            field = f"{prefix}request_context.{name}"
            found.append(Fault("mismatch", field, "must agree with the credential"))
    return found


def _once(faults: list[Fault]) -> list[Fault]:
    """Returns each fault once: what the record object repeats was validated twice."""
    return list(dict.fromkeys(faults))


def _request_hash(call: Call, body: Request | None, over: Crosscutting) -> str:
    """Returns a hash of the route and the normalised body. It tells a replay from another request.
    Sources are left out, except one that names the order: another order is another request."""
    own = {} if body is None else _normalised(body)
    if body is not None and body.named_by and not {"order_ref", "loyalty_txn_id"} & own.keys():
        named = (ref for ref in over.source_refs if ref.kind in body.named_by)
        own |= {"source": next(([ref.kind, ref.id] for ref in named), None)}
    text = envelope.canonical([call.route.path, own])
    return of_org(call.caller.orgcode).hash("request", text)


def _normalised(body: BaseModel) -> dict[str, Any]:
    """Returns the body in the form that is hashed. A default that was sent is left out, so that an
    idempotency key stays valid when a release adds a field with a default. ``null`` is kept where a
    request may send it."""
    found: dict[str, Any] = {}
    for name, field in type(body).model_fields.items():
        value = getattr(body, name)
        if isinstance(value, BaseModel):
            # Two models are equal even if one was sent null and the other nothing: compare inside.
            found |= {name: inner} if (inner := _normalised(value)) else {}
        elif name in body.model_fields_set and (value is None or value != _default(field)):
            found[name] = _plain(value)
            if any(isinstance(mark, Unordered) for mark in field.metadata):
                found[name].sort(key=envelope.canonical)
    return found


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True, validated_data={})


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _normalised(value)
    if isinstance(value, list):
        return [_plain(element) for element in value]
    if isinstance(value, Decimal):
        value = value.normalize()
    return value if isinstance(value, dict | int | None) else str(value)
