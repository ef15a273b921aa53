"""The engines on which the tests of the table run: ``make suite ENGINE=…``.

ministack is the usual one. The others are second opinions. What one of them cannot do is named
here, and a test that needs it is skipped with that reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from moto import mock_aws
from moto.core.model_instances import reset_model_data

from infra.local import settings as local
from infra.local.engine import Engine

_ADDRESSES = ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS")


class InProcess:
    """moto: it answers the SDK's calls in this process, in the place of an engine.

    A transaction copies the whole table, and moto lists every object that it ever made, so that no
    copy is freed. ``forget`` drops that list, and the tests begin with an empty table each.
    """

    endpoint = ""

    def __init__(self) -> None:
        self._mock = mock_aws()
        self._mock.start()

    @property
    def is_running(self) -> bool:
        return True

    def stop(self) -> None:
        self._mock.stop()

    @staticmethod
    def forget() -> None:
        """Drops moto's list of the objects that it made. It serves a page of moto's own server; the
        tables are not reached through it."""
        reset_model_data()


@dataclass(frozen=True)
class Kind:
    """An engine. ``lacks``: why it cannot serve a test that needs this."""

    start: Callable[[], Engine | InProcess]
    lacks: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "ministack": Kind(Engine.start),
    "dynamodb-local": Kind(Engine.start_dynamodb_local),
    "moto": Kind(
        InProcess,
        {
            "stream": "moto's table tells its stream to no reader",
        },
    ),
}
"""By the value of ENGINE."""


def chosen() -> Kind:
    name = local.tests_engine()
    if name not in KINDS:
        pytest.exit(f"ENGINE is one of {', '.join(KINDS)}, and not {name}", returncode=2)
    return KINDS[name]


def has(ability: str) -> bool:
    """Returns whether the engine can do this."""
    return ability not in chosen().lacks


def require(ability: str) -> None:
    """Skips the test where the engine lacks this."""
    why = chosen().lacks.get(ability)
    if why is not None:
        pytest.skip(why)


@contextmanager
def started() -> Iterator[Engine | InProcess]:
    """The chosen engine, where the environment's clients call it."""
    engine = chosen().start()
    where = engine.endpoint or None
    if where is None:
        # moto takes the place of AWS itself, and sees the SDK's calls only.
        local.forget("AWS_ENDPOINT_URL", *_ADDRESSES)
        local.apply({"CRM_CLIENT": "sdk"})
    else:
        local.apply(dict.fromkeys(_ADDRESSES, where))
    try:
        yield engine
    finally:
        engine.stop()
