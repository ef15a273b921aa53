"""The service itself as a caller: what it does by a schedule, asked by nobody at that moment."""

from __future__ import annotations

from datetime import datetime

from shared.api import new_id
from shared.auth import Caller, Claim, Identity
from shared.call import Call, Facts, Provenance
from shared.fields import Shape
from shared.identity import OrgRecord
from shared.routes import ANYONE, Route, Tier
from shared.table import Table

ACTOR = "service:crm"
"""The actor of everything that the service does by itself."""


def system_call(
    org: OrgRecord, now: datetime, *, work: str, work_id: str, why: str | None = None
) -> Call:
    """Returns a call of the service itself in an org. ``work`` names what it does, ``work_id`` the
    run of it: events carry it as their correlation id. ``why``: the reason, as CATEGORY.CODE."""
    caller = Caller(
        org=org, actor=ACTOR, context_source="system", fingerprint="", roles=frozenset(), owner=True
    )
    return Call(
        route=_route(work),
        identity=Identity(Claim("", "api_key", org.orgcode), caller, now),
        facts=Facts(request_id=work_id, provenance=Provenance(reason_code=why)),
        now=now,
        table=Table(),
        new_id=lambda: new_id(now),
    )


def _route(work: str) -> Route:
    """Returns a row that no door has: it stands for the work where a call names its route."""
    return Route(
        method="RUN",
        path=f"/{work}",
        summary=work,
        operation=system_call,
        request=None,
        envelope=Shape,
        roles=(ANYONE,),
        latency=Tier.A.value,
        writes=True,
        binds_key=False,
    )
