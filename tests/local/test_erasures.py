"""Erasures on this machine: the administration command, and the schedule that finishes jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from infra.local.signing import FileKey
from tests.local.conftest import Server

WHY = {"reason": "because of a test", "source_refs": [{"kind": "ticket", "id": "T-1"}]}


def post(server: Server, path: str, **body: Any) -> dict[str, Any]:
    status, answer, _ = server.post(path, {**body, **WHY})
    assert status == 200, answer
    found: dict[str, Any] = answer["data"]
    return found


def made(server: Server, **fields: Any) -> str:
    return str(post(server, "/customer/create", customer=fields)["customer"]["customer_guid"])


def public_pem(key: FileKey) -> str:
    der = key.get_public_key(KeyId="local")["PublicKey"]
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = serialization.load_der_public_key(der)
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


def test_a_whole_export_lies_in_a_file_that_only_its_owner_may_read(
    server: Server, tmp_path: Path
) -> None:
    guid, target = made(server, first_name="Needle"), tmp_path / "export.jsonl"
    run = server.admin("customer", "export", "ACME", guid, str(target))
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert run.stdout == f"{len(lines)} records\n"
    (profile,) = (line["record"] for line in lines if line["kind"] == "customer_profile")
    assert profile["first_name"] == "Needle"
    assert target.stat().st_mode & 0o077 == 0
    unknown = server.admin("customer", "export", "ACME", "cust_unknown", str(target))
    assert unknown.returncode == 1


def test_a_receipt_is_verified_by_anybody_who_has_the_public_key(
    server: Server, tmp_path: Path
) -> None:
    guid = made(server, first_name="Ada")
    key, receipt = tmp_path / "public.pem", tmp_path / "receipt.json"
    key.write_text(server.admin("receipt", "public-key").stdout)
    answer = {"data": post(server, "/customer/delete", customer_guid=guid)}
    receipt.write_text(json.dumps(answer))
    named = ("receipt", "verify", "ACME", str(receipt), "--public-key", str(key))
    good = server.admin(*named)
    assert good.stdout == f"good: {answer['data']['receipt_proof']['digest']}\n", good.stderr
    answer["data"]["receipt"]["customer_profile"]["deleted"] = 2
    receipt.write_text(json.dumps(answer))
    changed = server.admin(*named)
    assert changed.returncode == 1
    assert "not what was signed" in changed.stderr


def test_a_receipt_is_verified_with_whichever_of_the_public_keys_has_signed_it(
    server: Server, tmp_path: Path
) -> None:
    receipt, foreign = tmp_path / "receipt.json", tmp_path / "foreign.pem"
    ours = tmp_path / "ours.pem"
    ours.write_text(server.admin("receipt", "public-key", "--key-id", "local").stdout)
    foreign.write_text(public_pem(FileKey()))
    guid = made(server, first_name="Ada")
    receipt.write_text(json.dumps({"data": post(server, "/customer/delete", customer_guid=guid)}))

    def verify(*keys: Path) -> Any:
        named = [word for key in keys for word in ("--public-key", str(key))]
        return server.admin("receipt", "verify", "ACME", str(receipt), *named)

    assert verify(foreign, ours).returncode == 0
    refused = verify(foreign)
    assert refused.returncode == 1
    assert "its key is local" in refused.stderr
    assert verify().returncode == 2
    unknown = server.admin("receipt", "public-key", "--key-id", "third")
    assert (unknown.returncode, "no such key" in unknown.stderr) == (1, True)


def test_jobs_are_listed_with_their_progress(server: Server) -> None:
    guid = made(server, first_name="Ada")
    post(server, "/customer/delete", customer_guid=guid)
    listed = [json.loads(line) for line in server.admin("jobs", "list", "ACME").stdout.splitlines()]
    (job,) = (job for job in listed if job["customer_guid"] == guid)
    assert (job["job_kind"], job["state"]) == ("delete", "done")
    assert (job["records"], job["handled"]) == (1, 1)
    again = server.admin("jobs", "resume", "ACME", job["job_id"])
    assert (again.returncode, again.stdout) == (0, "")
    assert server.admin("jobs", "resume", "ACME", "job_unknown").returncode == 1


def test_settle_also_runs_the_jobs_that_are_due(server: Server) -> None:
    status, answer, _ = server.call("POST", "/_local/settle")
    assert (status, answer) == (200, {"settled": True})
