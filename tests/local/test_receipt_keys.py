"""The rotation of the key that signs receipts, on this machine and with a deployment's keys.

moto does not sign a digest as the key service does (it hashes it again), so signatures are those of
keys in files, and moto has the public halves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from infra.local import admin, admin_records
from infra.local.erasures import verified
from infra.local.identities import Refused
from infra.local.signing import FileKey, public_key
from lambdas.privacy.rules.receipt import text_of
from lambdas.privacy.signing import signed
from shared import clients
from shared.settings import settings

ORG, GUID, AT = "ACME", "cust_1", "2026-01-31T09:30:00Z"
LINES = {"customer_profile": {"deleted": 1}}


@pytest.fixture
def key(tmp_path: Path) -> Iterator[FileKey]:
    """The keys in files, in the place of the key service."""
    before = clients._clients.get("kms")
    made = FileKey(tmp_path / "keys" / "receipt-key.pem")
    clients.use(kms=made)
    yield made
    clients.use(kms=before)


@pytest.fixture
def signing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``signing(key_id)``: this key signs from now on."""

    def chosen(key_id: str) -> None:
        monkeypatch.setenv("CRM_RECEIPT_KEY_ID", key_id)
        settings.cache_clear()

    yield chosen
    monkeypatch.undo()
    settings.cache_clear()


def receipt(folder: Path, name: str) -> Path:
    proof = signed(text_of(ORG, GUID, AT, LINES))
    shown = {"digest": proof.digest, "signature": proof.signature, "key_id": proof.key_id}
    data = {"customer_guid": GUID, "deleted_at": AT, "receipt": LINES, "receipt_proof": shown}
    target = folder / f"{name}.json"
    target.write_text(json.dumps({"data": data}))
    return target


def test_receipts_of_both_keys_are_verified_after_a_rotation(
    tmp_path: Path, key: FileKey, signing: Any
) -> None:
    signing("local")
    first, first_pem = receipt(tmp_path, "first"), public_key()
    signing("second")
    second, second_pem = receipt(tmp_path, "second"), public_key()
    assert first_pem != second_pem
    for file in (first, second):
        assert verified(file, ORG, lambda _: [second_pem, first_pem])
    # A new process reads the keys from their files.
    clients.use(kms=FileKey(key.place))
    assert (public_key("local"), public_key("second")) == (first_pem, second_pem)
    with pytest.raises(Refused, match="its key is local"):
        verified(first, ORG, lambda _: [second_pem])
    with pytest.raises(Refused, match="its key is second"):
        verified(second, ORG, lambda _: [first_pem])
    assert key.place is not None
    files = sorted(file.name for file in key.place.parent.iterdir())
    assert files == ["receipt-key-second.pem", "receipt-key.pem"]
    assert all(file.stat().st_mode & 0o077 == 0 for file in key.place.parent.iterdir())


@pytest.fixture
def deployed_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Two keys of a deployment, and one that is not its own; all in moto."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    before = clients._clients.get("kms")
    with mock_aws():
        service = boto3.client("kms")
        form = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
        arns = [service.create_key(**form)["KeyMetadata"]["Arn"] for _ in range(3)]
        clients.use(kms=service)
        outputs = {"ReceiptKeyArns": ",".join(arns[:2]), "ReceiptKeyArn": arns[1]}
        outputs["RootSecretArn"] = "arn:aws:secretsmanager:us-east-1:1:secret:x"
        monkeypatch.setattr(admin, "outputs_of", lambda _: outputs)
        monkeypatch.setattr("infra.local.deployment.outputs_of", lambda _: outputs)
        monkeypatch.setattr(admin, "apply", lambda *_, **__: None)
        yield arns
    clients.use(kms=before)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(admin.app, ["--table", "crm-prod", *arguments])


def test_each_key_of_a_deployment_shows_its_public_half(deployed_keys: list[str]) -> None:
    shown = [run("receipt", "public-key", "--key-id", arn).output for arn in deployed_keys]
    assert len(set(shown)) == 3
    assert all(text.startswith("-----BEGIN PUBLIC KEY-----") for text in shown)
    unknown = run("receipt", "public-key", "--key-id", deployed_keys[0][:-4] + "0000")
    assert isinstance(unknown.exception, Refused)


def test_only_a_key_of_the_deployment_makes_its_receipts_good(
    tmp_path: Path, deployed_keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, asked = tmp_path / "receipt.json", []
    local = FileKey()
    service = clients.keys()

    def said_by(key_id: str) -> None:
        clients.use(kms=local)
        receipt(tmp_path, "receipt")
        body = json.loads(file.read_text())
        body["data"]["receipt_proof"]["key_id"] = key_id
        file.write_text(json.dumps(body))
        clients.use(kms=service)

    pem = _pem(local)
    monkeypatch.setattr(admin_records, "public_key", lambda key_id: asked.append(key_id) or pem)
    said_by(deployed_keys[0])
    good = run("receipt", "verify", ORG, str(file))
    assert (good.exit_code, asked) == (0, [deployed_keys[0]])
    # Whoever forges a receipt signs it with a key of their own, and names that.
    said_by(deployed_keys[2])
    forged = run("receipt", "verify", ORG, str(file))
    assert isinstance(forged.exception, Refused)
    assert asked == [deployed_keys[0]]


def _pem(key: FileKey) -> str:
    before = clients.keys()
    clients.use(kms=key)
    text = public_key("local")
    clients.use(kms=before)
    return text
