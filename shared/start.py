"""What a function makes ready when it starts, before its first request.

While a function starts, Lambda gives it more of a processor than its memory buys later. So what
every first request needs is made then: the log, the client, the certificates, the root secret and
the validators that all routes share. How a function starts is a variable that only Lambda sets. So
the tests and the local server make everything at its first use.

A snapshot (SnapStart) is shared by many processes, and lives for weeks. It has no secret and no
connection, but the validators of all routes. A restored process reads the secret, and gets random
numbers of its own; ids and pauses come from the system's source in any case.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from shared import clients, codec, identity, log, root_secret
from shared.routes import ANYONE, Route
from shared.settings import environment
from shared.validation import Crosscutting, RequestContext

_STARTS_BY = "AWS_LAMBDA_INITIALIZATION_TYPE"
_SNAPSHOT = "snap-start"
_RECORDS = (identity.OrgRecord, identity.CredentialRecord, identity.MembershipRecord)


def ready(routes: Sequence[Route]) -> None:
    """Makes ready what the routes of a function need. Does nothing outside Lambda."""
    way = environment().get(_STARTS_BY)
    if way is None:
        return
    log.logger()
    if all(row.roles == (ANYONE,) for row in routes):
        # No caller is looked up: the function has neither a table nor a secret.
        return
    clients.prepare()
    for record in _RECORDS:
        codec.ensure_storable(record)
    for model in (RequestContext, Crosscutting):
        model.model_rebuild()
    if way != _SNAPSHOT:
        _read_secret()
        return
    for row in routes:
        if row.request is not None:
            row.request.model_rebuild()
    # Part of Lambda's own Python, and nowhere else.
    from snapshot_restore_py import (  # type: ignore[import-not-found]
        register_after_restore,
    )

    register_after_restore(_restored)


def _restored() -> None:
    random.seed()
    _read_secret()


def _read_secret() -> None:
    """Reads the root secret. Where that fails, the first request reads it again: a function that
    does not start would be worse."""
    try:
        root_secret.secret()
    except Exception as error:
        log.failed(error, call="start")
