"""The rotation of the keys that sign page tokens."""

from __future__ import annotations

import secrets

from infra.local.identities import Refused
from shared import clients
from shared.root_secret import RootSecret
from shared.settings import settings


def rotate() -> int:
    """Makes a new key, which signs from now on. Returns how many keys are accepted. Tokens are
    valid for a day, so those of the key before the last one must be older than that."""
    arn = settings().root_secret_arn
    if arn is None:
        raise Refused("the local server has no secret whose keys could be rotated")
    store = clients.secrets()
    before = RootSecret.of(str(store.get_secret_value(SecretId=arn)["SecretString"]))
    after = before.rotated(secrets.token_urlsafe(32))
    store.put_secret_value(SecretId=arn, SecretString=after.text)
    stored = RootSecret.of(str(store.get_secret_value(SecretId=arn)["SecretString"]))
    if stored != after:
        raise Refused("the secret was changed by somebody else at the same time: look at it")
    return len(after.token_keys)
