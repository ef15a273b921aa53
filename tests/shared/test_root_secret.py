"""The keys of page tokens rotate: tokens that were given out go on, and the root stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.local import token_keys
from shared import auth, clients, hashes, paging, root_secret
from shared.errors import InvalidNextToken
from shared.root_secret import RootSecret
from shared.settings import Settings, settings

ROOT = "r" * 64
NOW = auth.now()


class Store:
    """The secret store in moto, with one secret. Counts the reads."""

    def __init__(self) -> None:
        self.service = boto3.client("secretsmanager")
        made = self.service.create_secret(Name="root", SecretString=ROOT)
        self.arn, self.reads = str(made["ARN"]), 0

    @property
    def text(self) -> str:
        return str(self.service.get_secret_value(SecretId=self.arn)["SecretString"])

    def get_secret_value(self, **arguments: Any) -> dict[str, Any]:
        self.reads += 1
        answer: dict[str, Any] = self.service.get_secret_value(**arguments)
        return answer

    def put_secret_value(self, **arguments: Any) -> None:
        self.service.put_secret_value(**arguments)


def forget() -> None:
    """What a new process does not know yet."""
    root_secret.forget_secret()
    hashes.root.cache_clear()
    hashes._secret_key.cache_clear()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    # A client without an address of its own calls AWS, and moto answers in its place.
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with mock_aws():
        made = Store()
        here: Settings = replace(settings(), root_secret=None, root_secret_arn=made.arn)
        for module in (root_secret, token_keys):
            monkeypatch.setattr(module, "settings", lambda: here)
        clients.use(secretsmanager=made)
        forget()
        yield made
    clients.use(secretsmanager=None)
    monkeypatch.undo()
    forget()


def accepted(token: str) -> bool:
    try:
        return paging.cursor_of(token, "scope", NOW) == "here"
    except InvalidNextToken:
        return False


def signed() -> str:
    return paging.sign("scope", "here", NOW)


@pytest.mark.usefixtures("store")
def test_a_token_outlives_one_rotation_and_not_the_next() -> None:
    first = signed()
    for number, still in ((1, True), (2, False), (2, False)):
        assert token_keys.rotate() == number
        forget()
        assert accepted(first) is still
        assert accepted(signed())
    second = signed()
    token_keys.rotate()
    forget()
    assert accepted(second)
    assert signed() != second


def test_the_root_stays_what_it_was(store: Store) -> None:
    before = hashes.secret_hash("a session")
    for _ in range(3):
        token_keys.rotate()
        forget()
        assert hashes.secret_hash("a session") == before
    assert json.loads(store.text)["root"] == ROOT


def test_a_process_learns_of_a_rotation_from_the_first_new_token(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert accepted(signed())
    token_keys.rotate()
    newer = RootSecret.of(store.text)
    new_token = _signed_by(newer)
    store.reads = 0
    # It was read less than a minute ago: not yet.
    assert not accepted(new_token)
    assert store.reads == 0
    monkeypatch.setattr(root_secret, "READ_AGAIN_S", 0.0)
    assert accepted(new_token)
    assert store.reads == 1
    monkeypatch.setattr(root_secret, "READ_AGAIN_S", 60.0)
    assert accepted(new_token)
    assert not accepted(new_token[:-4] + "AAAA")
    assert store.reads == 1


def _signed_by(secret: RootSecret) -> str:
    known = root_secret._read[0]
    old, known.secret = known.secret, secret
    try:
        return signed()
    finally:
        known.secret = old


def test_a_rotation_that_somebody_else_overwrites_is_told(store: Store) -> None:
    def put_secret_value(**arguments: Any) -> None:
        theirs = RootSecret(ROOT.encode(), ("another",)).text
        store.service.put_secret_value(**{**arguments, "SecretString": theirs})

    store.put_secret_value = put_secret_value  # type: ignore[method-assign]
    with pytest.raises(token_keys.Refused, match="somebody else"):
        token_keys.rotate()
