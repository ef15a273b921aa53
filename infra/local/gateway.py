"""The local gateway: it turns HTTP into the proxy event of API Gateway, and calls the door of the
family. The tests call it too, so their requests reach the code in the same form as on Lambda."""

from __future__ import annotations

import base64
import importlib
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from lambdas.families import FAMILIES

PREFIX = "/crm"
STAGE = "local"
_TIMEOUT_MS = 29_000


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it was received: header pairs in their order, the query not decoded."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    query: str = ""
    body: bytes = b""
    source_ip: str = "127.0.0.1"


class LambdaContext:
    """The context object of one invocation, with the same attributes as on Lambda."""

    function_version = "$LATEST"
    memory_limit_in_mb = 512

    def __init__(self, function_name: str, request_id: str) -> None:
        self.function_name = function_name
        self.aws_request_id = request_id
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self.invoked_function_arn = (
            f"arn:aws:lambda:us-east-1:000000000000:function:{function_name}"
        )
        self._started = time.monotonic()

    def get_remaining_time_in_millis(self) -> int:
        spent_ms = (time.monotonic() - self._started) * 1000
        return max(0, round(_TIMEOUT_MS - spent_ms))


class Gateway:
    """Every path of the API with the door of its family."""

    def __init__(self) -> None:
        self._doors: dict[str, tuple[str, Any]] = {}
        for family, routes in FAMILIES.items():
            door = importlib.import_module(f"lambdas.{family}.handler").door
            for route in routes:
                self._doors[PREFIX + route.path] = (family, door)

    def answer(self, request: HttpRequest, now: datetime | None = None) -> dict[str, Any]:
        """Returns the proxy response of the family's door. An unknown path may go to any family,
        because every door refuses it in the same way."""
        family, door = self._doors.get(request.path) or next(iter(self._doors.values()))
        request_id = secrets.token_hex(16)
        event = proxy_event(request, request_id)
        context = LambdaContext(f"crm-{STAGE}-{family}", request_id)
        answer: dict[str, Any] = door.answer(event, context, now=now)
        return answer


def proxy_event(request: HttpRequest, request_id: str) -> dict[str, Any]:
    """Returns the event (version 1) that API Gateway passes to a function. A body that is not UTF-8
    is in base 64, as the gateway sends binary media."""
    headers = _grouped(request.headers)
    query = _grouped(parse_qsl(request.query, keep_blank_values=True))
    body, encoded = _body(request.body)
    return {
        "resource": request.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last_of_each(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last_of_each(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": STAGE,
            "resourceId": STAGE,
            "resourcePath": request.path,
            "stage": STAGE,
            "path": f"/{STAGE}{request.path}",
            "protocol": "HTTP/1.1",
            "httpMethod": request.method,
            "requestId": request_id,
            "extendedRequestId": request_id,
            "requestTimeEpoch": time.time_ns() // 1_000_000,
            "identity": {"sourceIp": request.source_ip, "userAgent": _user_agent(headers)},
        },
        "body": body,
        "isBase64Encoded": encoded,
    }


def _body(raw: bytes) -> tuple[str | None, bool]:
    if not raw:
        return None, False
    try:
        return raw.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode(), True


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _last_of_each(grouped: dict[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in grouped.items()}


def _user_agent(headers: dict[str, list[str]]) -> str | None:
    for name, values in headers.items():
        if name.lower() == "user-agent":
            return values[-1]
    return None
