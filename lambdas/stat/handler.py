"""The door of the health check."""

from __future__ import annotations

from lambdas.stat import models, operations
from shared.api import ANYONE, Route, Tier, serve

ROUTES = (
    Route(
        method="GET",
        path="/stat",
        summary="Health check",
        operation=operations.stat,
        request=None,
        envelope=models.StatEnvelope,
        roles=(ANYONE,),
        latency=Tier.A.value,
    ),
)
lambda_handler = door = serve(ROUTES)
