"""The local HTTP server: the API, the explorer page, and the interface for outside checks.

It turns HTTP into the gateway's event and calls the doors of the families. The deployed code does
not know it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from pydantic import TypeAdapter, ValidationError

from infra.local import explorer
from infra.local.bus import BusRecorder
from infra.local.gateway import PREFIX, Gateway, HttpRequest
from infra.local.schedule import run_jobs
from infra.local.stream import StreamPump
from infra.openapi import document, in_full, minified
from shared import envelope
from shared.errors import InvalidInput
from shared.fields import Instant
from shared.settings import SERVICE, settings

# The gateway's own limit. The door's limit is much lower, so it also refuses a body that is cut off
# here.
MOST_BYTES = 10 * 1024 * 1024
# No clock shows other years. Calendar arithmetic needs the room that they leave on both sides.
FIRST_YEAR, LAST_YEAR = 1970, 8999
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
_JSON = {"content-type": "application/json"}

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Reply = tuple[int, dict[str, str], str | bytes]


class Application:
    """A WSGI application. ``count(text)`` returns how many items of the table contain the text."""

    def __init__(
        self,
        *,
        bus: BusRecorder,
        pump: StreamPump,
        test_clock: bool,
        count: Callable[[str], int],
    ) -> None:
        self._gateway = Gateway()
        self._bus, self._pump, self._count = bus, pump, count
        self._test_clock = test_clock
        made = document()
        self._document, self._reference = minified(made), minified(in_full(made))
        self._facts = explorer.facts(test_clock=test_clock)

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        request = _request(environ)
        ours = request.path == PREFIX or request.path.startswith(PREFIX + "/")
        status, headers, body = self._api(request) if ours else self._own(request)
        data = body if isinstance(body, bytes) else body.encode()
        pairs = [(k, v) for k, v in headers.items() if k.lower() != "content-length"]
        start(
            f"{status} {HTTPStatus(status).phrase}",
            [*pairs, ("Content-Length", str(len(data)))],
        )
        return [] if request.method == "HEAD" else [data]

    def _api(self, request: HttpRequest) -> Reply:
        now, wrong = self._clock(request)
        if wrong is not None:
            return wrong
        answer = self._gateway.answer(request, now)
        self._pump.nudge()
        return answer["statusCode"], answer["headers"], answer["body"]

    def _clock(self, request: HttpRequest) -> tuple[datetime | None, Reply | None]:
        """Returns the test clock of a request, or the refusal of one that is not allowed."""
        said = next((v for k, v in request.headers if k.lower() == "x-test-now"), None)
        if said is None:
            return None, None
        try:
            now = _INSTANT.validate_python(said) if self._test_clock else None
        except ValidationError:
            now = None
        if now is not None and not FIRST_YEAR <= now.year <= LAST_YEAR:
            now = None
        return now, (_refused_clock(self._test_clock) if now is None else None)

    def _own(self, request: HttpRequest) -> Reply:
        pages: dict[tuple[str, str], Callable[[HttpRequest], Reply]] = {
            ("GET", "/"): lambda _: _asset("index.html"),
            ("GET", "/openapi.json"): lambda _: (200, _JSON, self._document),
            # For the page: it shows each route by itself.
            ("GET", "/_local/reference"): lambda _: (200, _JSON, self._reference),
            ("GET", "/_local/facts"): lambda _: (200, _JSON, self._facts),
            ("GET", "/_local/events"): self._events,
            ("POST", "/_local/settle"): self._settle,
            ("GET", "/_local/table"): self._table,
        }
        method = "GET" if request.method == "HEAD" else request.method
        page = pages.get((method, request.path))
        if page is not None:
            return page(request)
        if method == "GET" and request.path.startswith("/_explorer/"):
            return _asset(request.path.removeprefix("/_explorer/"))
        return _answer(404, {"message": "nothing is at this path; the API is below /crm"})

    def _events(self, request: HttpRequest) -> Reply:
        after = _query(request).get("after", "0")
        if not (after.isascii() and after.isdigit()):
            return _answer(400, {"message": "after must be a number"})
        return _answer(200, self._bus.after(int(after)))

    def _settle(self, request: HttpRequest) -> Reply:
        now, wrong = self._clock(request)
        if wrong is not None:
            return wrong
        # What the consumers do next may depend on what the jobs write.
        run_jobs(now)
        settled = self._pump.settle()
        return _answer(200 if settled else 503, {"settled": settled})

    def _table(self, request: HttpRequest) -> Reply:
        text = _query(request).get("contains", "")
        if not text:
            return _answer(400, {"message": "contains must not be empty"})
        return _answer(200, {"items": self._count(text)})


def _request(environ: dict[str, Any]) -> HttpRequest:
    headers = [
        (name[5:].replace("_", "-").lower(), value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    if environ.get("CONTENT_TYPE"):
        headers.append(("content-type", environ["CONTENT_TYPE"]))
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace"),
        headers=tuple(headers),
        query=environ.get("QUERY_STRING", ""),
        body=environ["wsgi.input"].read(MOST_BYTES),
        source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
    )


def _query(request: HttpRequest) -> dict[str, str]:
    return dict(parse_qsl(request.query, keep_blank_values=True))


def _refused_clock(allowed: bool) -> Reply:
    right = f"must be an ISO 8601 time with Z, of the years {FIRST_YEAR} to {LAST_YEAR}"
    words = right if allowed else "needs a server with TEST_CLOCK=1"
    stats = {"call": "-", "service": SERVICE, "build": settings().build}
    body = envelope.refusal(InvalidInput.of("header x-test-now", words), stats)
    return 400, dict(envelope.HEADERS), envelope.dumps_in_order(body)


def _answer(status: int, body: dict[str, Any]) -> Reply:
    return status, _JSON, json.dumps(body)


def _asset(name: str) -> Reply:
    """Returns a file of the explorer. Only names that it has are served, so no other file can be
    read."""
    found = explorer.files().get(name)
    if found is None:
        return _answer(404, {"message": "no such file"})
    return 200, explorer.headers(name), found.read_bytes()
