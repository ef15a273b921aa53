"""The row of the route table: a route as data.

Each family has one hand-written tuple of rows, in its ``handler.py``. All that lists routes reads
these rows: the door, OpenAPI, the gateway, permissions, alarms, the local server, the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

from shared import errors
from shared.errors import ApiError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from shared.models import Request

MEMBER = "*member"
ANYONE = "*anyone"

READERS = (
    "crm_view",
    "crm_manage",
    "crm_edit",
    "crm_privacy_admin",
    "crm_tax_exemption_admin",
    "loyalty_admin",
    "giftcard_admin",
    "finance_audit",
)
EDITORS = ("crm_manage", "crm_edit", "crm_privacy_admin")

Rule = Literal["none", "optional", "required"]

# The errors that every route may give, and those that every route that writes may give as well.
EVERYWHERE: tuple[type[ApiError], ...] = (
    errors.InvalidInput,
    errors.ContextMismatch,
    errors.Unauthorized,
    errors.Forbidden,
    errors.NotFound,
    errors.PayloadTooLarge,
    errors.UnsupportedMediaType,
    errors.RateLimited,
    errors.InternalError,
    errors.Unavailable,
)
ON_WRITES: tuple[type[ApiError], ...] = (
    errors.OrgWriteBlocked,
    errors.IdempotencyKeyReused,
    errors.Busy,
)


def over(percentile: str) -> str:
    """Returns the name of the metric that counts the requests over their limit of a percentile."""
    return f"over_{percentile}"


@dataclass(frozen=True, slots=True)
class Latency:
    """A latency class with its limits, in milliseconds at the gateway. ``p99_ms`` is None where the
    class has no limit for it."""

    tier: str
    p95_ms: int
    p99_ms: int | None

    def within(self, *, p95_ms: int, p99_ms: int | None) -> Latency:
        """Returns the same class with the limits of one route."""
        return replace(self, p95_ms=p95_ms, p99_ms=p99_ms)

    @property
    def limits(self) -> dict[str, int]:
        """The limits by percentile (``p95``, ``p99``), in milliseconds."""
        if self.p99_ms is None:
            return {"p95": self.p95_ms}
        return {"p95": self.p95_ms, "p99": self.p99_ms}

    def over(self, spent_ms: int) -> dict[str, int]:
        """Returns for each limit whether a request that took so long was over it: 1, or else 0. The
        names are those of the metrics, whose average is the share of such requests."""
        return {over(each): int(spent_ms > limit) for each, limit in self.limits.items()}


class Tier(Enum):
    """The four latency classes with their default limits."""

    A = Latency("A", 500, None)
    B = Latency("B", 300, None)
    C = Latency("C", 150, 400)
    D = Latency("D", 300, 600)

    def within(self, *, p95_ms: int, p99_ms: int | None) -> Latency:
        return self.value.within(p95_ms=p95_ms, p99_ms=p99_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route. ``operation`` is called as ``operation(call, body)`` and returns an ``Answer``.

    - ``roles``: the caller needs any one of them.
    - ``revision``: whether ``expected_revision`` must be sent.
    - ``provenance``: whether ``reason`` and ``source_refs`` must be sent.
    - ``strict``: the caller is verified in the operation's own first batch.
    - ``bare``: the field that a body which is only a JSON string stands for, or a function that
      chooses the field by the string.
    - ``record``: the object of the body in which the provenance may be repeated.
    - ``keyed``: what makes a repeat safe when no ``idempotency_key`` is sent.
    - ``binds_key``: an ``idempotency_key`` makes a repeat safe; without it each call is made anew.
    - ``needs_key``: an ``idempotency_key`` must be sent, because nothing else tells a repeat from a
      second effect.
    - ``creates``: a ``set`` route that needs no revision where there is no record yet.
    - ``erases``: it deletes in batches and signs receipts, which its function needs rights for.
    - ``gate``: which calls an org that is not verified may make all the same.
    - ``refuses``: the errors that do not follow from the other columns.
    - ``sample``: an example of a body, which the demo world accepts.
    """

    method: str
    path: str
    summary: str
    operation: Callable[..., Any]
    request: type[Request] | None
    envelope: type[BaseModel]
    roles: tuple[str, ...]
    latency: Latency
    writes: bool = False
    revision: Rule = "none"
    provenance: Rule = "none"
    paginated: bool = False
    strict: bool = False
    dry_run: bool = False
    bare: str | Callable[[str], str] | None = None
    record: str | None = None
    keyed: str | None = None
    binds_key: bool = True
    needs_key: bool = False
    creates: bool = False
    erases: bool = False
    gate: Literal["closed", "open", "refusals"] = "closed"
    extension: bool = False
    refuses: tuple[type[ApiError], ...] = ()
    sample: Any = None

    @property
    def refusals(self) -> tuple[type[ApiError], ...]:
        """Every error that the route may return: those of all routes, those that follow from its
        columns, and its own."""
        if self.roles == (ANYONE,):
            return (errors.RateLimited, errors.InternalError)
        found = [*EVERYWHERE, *(ON_WRITES if self.writes else ()), *self.refuses]
        if self.paginated:
            found.append(errors.InvalidNextToken)
        if self.revision != "none":
            found.append(errors.Conflict)
        if self.revision == "required":
            found.append(errors.ExpectedRevisionRequired)
        return tuple(found)

    @property
    def call(self) -> str:
        """The name of the route in ``stats.call``, logs and events."""
        return f"{self.method} {self.path}"


def reading(
    path: str,
    operation: Callable[..., Any],
    request: type[Request],
    envelope: type[BaseModel],
    summary: str,
    *,
    roles: tuple[str, ...] = READERS,
    latency: Latency | Tier = Tier.C,
    **more: Any,
) -> Route:
    """Returns the row of a route that reads. ``more`` are further columns."""
    return _post(path, operation, request, envelope, summary, roles, latency, **more)


def writing(
    path: str,
    operation: Callable[..., Any],
    request: type[Request],
    envelope: type[BaseModel],
    summary: str,
    *,
    roles: tuple[str, ...] = EDITORS,
    latency: Latency | Tier = Tier.D,
    provenance: Rule = "required",
    **more: Any,
) -> Route:
    """Returns the row of a route that writes. ``provenance`` is required unless the row says
    otherwise: nearly every change needs a reason. ``more`` are further columns."""
    more |= {"writes": True, "provenance": provenance}
    return _post(path, operation, request, envelope, summary, roles, latency, **more)


def _post(
    path: str,
    operation: Callable[..., Any],
    request: type[Request],
    envelope: type[BaseModel],
    summary: str,
    roles: tuple[str, ...],
    latency: Latency | Tier,
    **more: Any,
) -> Route:
    return Route(
        method="POST",
        path=path,
        summary=summary,
        operation=operation,
        request=request,
        envelope=envelope,
        roles=roles,
        latency=latency.value if isinstance(latency, Tier) else latency,
        **more,
    )
