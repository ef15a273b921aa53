"""What the explorer page is made of: its own files, the packaged reference, and the demo callers.

The page is plain HTML and JavaScript (``explorer/``). The reference in it is Scalar, whose bundle
comes in a Python package. The package is a plug-in of a web framework that this project does not
have, so its file is read and the package is never imported.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

from infra.local import demo
from infra.openapi.document import actions_of
from lambdas.families import FAMILIES

FOLDER = Path(__file__).with_name("explorer")
MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
# The browser itself refuses whatever a page tries to load from elsewhere.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "frame-ancestors 'none'",
        "form-action 'none'",
        "base-uri 'none'",
    )
)


def files() -> dict[str, Path]:
    """Returns the files of the page by their names. No other file is served."""
    return {found.name: found for found in (*sorted(FOLDER.iterdir()), _reference())}


def headers(name: str) -> dict[str, str]:
    return {
        "content-type": MEDIA[Path(name).suffix],
        "content-security-policy": POLICY,
        "cache-control": "no-cache",
    }


def facts(*, test_clock: bool) -> str:
    """Returns what the page must know of this server, as JSON: the demo callers, the events of each
    family, and whether the clock can be moved."""
    people = [
        {"org": org, "header": "x-session-guid", "secret": secret, "may": _may(org, roles, owner)}
        for secret, (org, roles, owner) in demo.PEOPLE.items()
    ]
    services = [
        {"org": org, "header": "x-api-key", "secret": secret, "may": _may(org, roles, False)}
        for secret, (org, roles) in demo.KEYS.items()
    ]
    events = {family: actions for family in FAMILIES if (actions := actions_of(family))}
    callers = [*people, *services]
    return json.dumps({"callers": callers, "events": events, "test_clock": test_clock})


def _may(orgcode: str, roles: tuple[str, ...], owner: bool) -> str:
    status = next(org.status for org in demo.ORGS if org.orgcode == orgcode)
    words = "owner" if owner else ", ".join(roles) or "no roles"
    return words if status == "verified" else f"{words}; the org is {status}"


def _reference() -> Path:
    spec = find_spec("flask_openapi_scalar")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (folder,) = spec.submodule_search_locations
    return Path(folder) / "templates" / "scalar" / "js" / "scalar.standalone.js"
