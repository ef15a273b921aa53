"""Answers that lie ready, in the place of a connection, for our own client and for the SDK's.

Both clients make and sign each request and read the answer; nothing is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from shared import clients
from shared.aws_client import Client
from shared.aws_connection import HttpAnswer


@dataclass
class Tape:
    """The answers that one request hears, in their order, again and again."""

    answers: Iterator[HttpAnswer]
    may_be_used: bool = False

    @classmethod
    def of(cls, answers: Iterable[dict[str, Any]]) -> Tape:
        bodies = [json.dumps(answer).encode() for answer in answers]
        headers = {"x-amzn-requestid": "bench"}
        return cls(cycle([HttpAnswer(200, headers, body) for body in bodies]))

    def ask(self, _: bytes, __: float) -> HttpAnswer:
        """Answers our own client, as its connection would."""
        return next(self.answers)

    def before_send(self, request: Any, **_: Any) -> Any:
        """Answers the SDK, which asks its handlers of this event before it sends anything."""
        from botocore.awsrequest import AWSResponse

        answer = next(self.answers)

        class Raw:
            def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
                yield answer.body

        return AWSResponse(request.url, answer.status, dict(answer.headers), Raw())


@dataclass(slots=True)
class _Taped(Client):
    tape: Any = None

    def _connected(self, _: float) -> Any:
        return self.tape


@dataclass
class Recorder:
    """A table that keeps what it has answered."""

    table: Any
    heard: list[dict[str, Any]] = field(default_factory=list)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def called(**arguments: Any) -> Any:
            self.heard.append(getattr(self.table, operation)(**arguments))
            return self.heard[-1]

        return called


def own_client() -> Client:
    """Returns our own client of the table, as the environment says."""
    made = clients._own("dynamodb")
    assert made is not None
    return made


def on_tape(tape: Tape) -> Client:
    """Returns our own client, with the tape in the place of its connection."""
    own = own_client()
    return _Taped(
        service=own.service,
        region=own.region,
        endpoint=own.endpoint,
        credentials=own.credentials,
        connect_s=own.connect_s,
        call_s=own.call_s,
        tape=tape,
    )


def sdk_on_tape(tape: Tape) -> Any:
    """Returns the SDK's client in the form of our own, with the tape."""
    sdk = clients._sdk("dynamodb")
    sdk.meta.events.register("before-send", tape.before_send)
    return clients.SdkClient(sdk)
