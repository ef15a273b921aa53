"""The SDK is the oracle: for the same arguments both clients ask the same, and of the same answer
they make the same. Nothing goes over a wire here."""

from __future__ import annotations

import itertools
import json
import string
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.credentials import Credentials as SdkCredentials
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import clients
from shared.aws_client import Client, ServiceError, Unanswered
from shared.aws_connection import HttpAnswer
from shared.aws_signature import Credentials, Signer
from tests.shared.wire_values import ANSWERS, REQUESTS

SIGNER = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+EXAMPLEKEY", "IQoJb3JpZ2luEXAMPLE/+==")
REGION = "eu-west-1"
SECRETS = st.text(string.ascii_letters + string.digits + "/+=-", min_size=1, max_size=40)
SIGNED = ("content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target")
PLACES = {
    "dynamodb": ("dynamodb", None),
    "dynamodb elsewhere": ("dynamodb", "http://127.0.0.1:8123"),
    "secretsmanager": ("secretsmanager", None),
}
PUT = {"Put": {"TableName": "crm", "Item": {"pk": {"S": "a"}}}}
ASKED: dict[str, dict[str, Any]] = {
    "query": {"TableName": "crm", "KeyConditionExpression": "pk = :p"},
    "batch_get_item": {"RequestItems": {"crm": {"Keys": [{"pk": {"S": "a"}}]}}},
    "batch_write_item": {"RequestItems": {"crm": [{"PutRequest": {"Item": {}}}]}},
    "transact_write_items": {"TransactItems": [PUT], "ClientRequestToken": "token"},
    "update_item": {"TableName": "crm", "Key": {"pk": {"S": "a"}}},
    "get_secret_value": {"SecretId": "root"},
}


class Both:
    """Both clients of a service. What they send is kept in ``sent``, and they hear ``answer``."""

    def __init__(self, service: str) -> None:
        self.ours: Any = clients._own(service)
        assert isinstance(self.ours, Client)
        self.sdk, self.service = clients._sdk(service), service
        self.sent: list[tuple[dict[str, str], bytes]] = []
        self.answer = HttpAnswer(200, {}, b"{}")
        self.sdk.meta.events.register("before-send", self._before_send)

    def asked(
        self, client: Any, method: str, arguments: dict[str, Any]
    ) -> tuple[dict[str, str], bytes]:
        getattr(client, method)(**arguments)
        return self.sent.pop()

    def ask(self, data: bytes, _: float) -> HttpAnswer:
        """In the place of our connection."""
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        assert first == "POST / HTTP/1.1"
        pairs = (line.partition(":") for line in lines)
        self.sent.append(({name: value.strip() for name, _, value in pairs}, body))
        return self.answer

    def _before_send(self, request: Any, **_: Any) -> AWSResponse:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        # The SDK leaves this one to its HTTP library.
        headers["host"] = request.url.partition("://")[2].rstrip("/")
        self.sent.append((headers, request.body))
        answer = self.answer

        class Raw:
            def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
                yield answer.body

        return AWSResponse(request.url, answer.status, answer.headers, Raw())


@pytest.fixture(params=PLACES)
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Both:
    return made(*PLACES[request.param], monkeypatch)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Both:
    return made("dynamodb", None, monkeypatch)


def made(service: str, url: str | None, monkeypatch: pytest.MonkeyPatch) -> Both:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name, raising=False)
    if url is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    for name, value in (
        ("AWS_ACCESS_KEY_ID", SIGNER.access_key),
        ("AWS_SECRET_ACCESS_KEY", SIGNER.secret_key),
        ("AWS_SESSION_TOKEN", SIGNER.token or ""),
        ("AWS_DEFAULT_REGION", REGION),
    ):
        monkeypatch.setenv(name, value)
    found = Both(service)
    monkeypatch.setattr(Client, "_connected", lambda *_: found)
    found.may_be_used = False  # type: ignore[attr-defined]
    return found


def test_both_ask_the_same(both: Both) -> None:
    # The places differ in one header only.
    @settings(max_examples=60 if both.ours.endpoint.secure else 10)
    @given(REQUESTS[both.service])
    def same(request: tuple[str, dict[str, Any]]) -> None:
        theirs, their_body = both.asked(both.sdk, *request)
        ours, our_body = both.asked(both.ours, *request)
        assert json.loads(our_body) == json.loads(their_body)
        assert ours["content-length"] == str(len(our_body))
        alike = [name for name in SIGNED if name != "x-amz-date"]
        assert {n: ours[n] for n in alike} == {n: theirs[n] for n in alike}
        assert ours["authorization"] == _by_sdk(SIGNER, both.service, ours, our_body)

    same()


@given(
    secret=SECRETS,
    token=st.none() | SECRETS,
    host=st.sampled_from(["dynamodb.eu-west-1.amazonaws.com", "127.0.0.1:8765"]),
    moment=st.integers(1_600_000_000, 2_200_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
)
def test_both_sign_alike_with_any_credentials_at_any_time(
    secret: str, token: str | None, host: str, moment: datetime
) -> None:
    credentials = Credentials("AKID", secret, token)
    target, kind = "DynamoDB_20120810.Query", "application/x-amz-json-1.0"
    headers = Signer("dynamodb", REGION, host).headers(credentials, target, kind, b"{}", moment)
    assert headers["authorization"] == _by_sdk(credentials, "dynamodb", headers, b"{}")


def _by_sdk(credentials: Credentials, service: str, headers: Mapping[str, str], body: bytes) -> str:
    """Returns the header with the signature that the SDK makes of our request."""
    kept = {n: v for n, v in headers.items() if n in ("content-type", "x-amz-target")}
    # The scheme is no part of what is signed, but for the port that it leaves out of the host.
    request = AWSRequest("POST", f"https://{headers['host']}/", headers=kept, data=body)
    signer = SdkCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    moment = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr("botocore.auth.get_current_datetime", lambda: moment)
        SigV4Auth(signer, service, REGION).add_auth(request)
    return str(request.headers["Authorization"])


def test_the_time_of_a_request_is_now(table: Both) -> None:
    headers, _ = table.asked(table.ours, "query", ASKED["query"])
    moment = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs(moment.timestamp() - time.time()) < 300


def test_nothing_is_sent_that_the_signature_does_not_cover(both: Both) -> None:
    method = "get_secret_value" if both.service == "secretsmanager" else "query"
    headers, _ = both.asked(both.ours, method, ASKED[method])
    assert set(headers) == {"authorization", "content-length", *SIGNED}


@pytest.mark.parametrize("method", ANSWERS)
def test_both_make_the_same_of_an_answer(table: Both, method: str) -> None:
    @settings(max_examples=25)
    @given(ANSWERS[method])
    def same(content: dict[str, Any]) -> None:
        table.answer = HttpAnswer(200, {}, json.dumps(content).encode())
        ours, theirs = (
            getattr(client, method)(**ASKED[method]) for client in (table.ours, table.sdk)
        )
        theirs.pop("ResponseMetadata")
        assert ours == theirs

    same()


CODES = [
    ("com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", 400),
    ("com.amazonaws.dynamodb.v20120810#InternalServerError", 500),
    ("com.amazon.coral.service#UnrecognizedClientException", 400),
    ("com.amazon.coral.service#InvalidSignatureException", 400),
    ("aws.protocoltests#AccessDeniedException:http://internal.example.com/", 400),
    ("RequestLimitExceeded", 400),
    ("ServiceUnavailable", 503),
]
"""How the services name what is wrong. A skewed clock is an invalid signature."""


CANCELLED = {
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "Message": "cancelled",
    "CancellationReasons": [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Message": "m", "Item": {"pk": {"S": "x"}}},
    ],
}


def refusal(client: Any, method: str = "query") -> Any:
    with pytest.raises((ServiceError, ClientError)) as found:
        getattr(client, method)(**ASKED[method])
    return found.value


def test_both_hear_the_same_refusal(table: Both) -> None:
    for (code, status), words in itertools.product(CODES, ("message", "Message")):
        said = {"__type": code, words: "It is late."}
        table.answer = HttpAnswer(status, {}, json.dumps(said).encode())
        ours, theirs = (refusal(client) for client in (table.ours, table.sdk))
        assert ours.response["Error"] == theirs.response["Error"]
        assert ours.response["Error"]["Code"] in code


def test_both_hear_why_a_transaction_was_cancelled(table: Both) -> None:
    table.answer = HttpAnswer(400, {}, json.dumps(CANCELLED).encode())
    both = (table.ours, table.sdk)
    ours, theirs = (refusal(client, "transact_write_items") for client in both)
    for part in ("Error", "CancellationReasons"):
        assert ours.response[part] == theirs.response[part]
    assert ours.response["CancellationReasons"] == CANCELLED["CancellationReasons"]


def test_a_page_that_is_not_the_services_own_has_its_status_for_a_code(table: Both) -> None:
    for status, page in itertools.product((400, 404, 413), (b"", b"<html>", b"no JSON", b"{}")):
        table.answer = HttpAnswer(status, {}, page)
        ours, theirs = (refusal(client) for client in (table.ours, table.sdk))
        codes = [error.response["Error"]["Code"] for error in (ours, theirs)]
        assert codes == [str(status)] * 2


def test_a_page_in_front_of_a_service_that_is_down_is_no_answer(table: Both) -> None:
    # The SDK tells the status, which nobody retries. It means the same as no answer.
    for page in (b"", b"<html>", b"{}", b"[]", b'{"__type": null}'):
        table.answer = HttpAnswer(503, {}, page)
        with pytest.raises(Unanswered, match="503"):
            table.ours.query(**ASKED["query"])


def test_a_transaction_without_a_token_gets_one_and_keeps_its_own(table: Both) -> None:
    arguments = {"TransactItems": [PUT]}
    bodies = [
        json.loads(table.asked(client, "transact_write_items", dict(arguments))[1])
        for client in (table.ours, table.sdk, table.ours)
    ]
    tokens = {body.pop("ClientRequestToken") for body in bodies}
    assert len(tokens) == 3
    assert bodies == [arguments] * 3
