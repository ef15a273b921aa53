"""The rules that all routes share. Each test runs for every row of the route table."""

from __future__ import annotations

import json
from copy import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lambdas.families import FAMILIES
from shared import auth, identity
from shared.api import ANYONE, MEMBER, Route
from shared.settings import API_VERSION
from tests.builders import Caller, Response, World
from tests.contract.scenes import AUTHORED, SCENES

ROWS = [row for rows in FAMILIES.values() for row in rows]
POSTS = [row for row in ROWS if row.method == "POST"]
WRITES = [row for row in POSTS if row.writes]
STATUSES = {400, 401, 403, 404, 405, 409, 413, 415, 428}


def each(rows: list[Route]) -> Any:
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.path)


def require_refusal(answer: Response, status: int, tag: str) -> None:
    """The answer is this error, in the one form that all errors have."""
    assert answer.status == status, answer.body
    assert answer.tag == tag
    assert set(answer.body) <= {"success", "error", "data", "revision", "build", "stats"}
    assert answer.body["success"] is False
    error = answer.body["error"]
    assert set(error) == {"major", "minor", "retryable", "detail"}
    assert all(set(fault) == {"tag", "field", "message"} for fault in error["minor"])
    assert answer.headers["X-API-Version"] == API_VERSION
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["X-Request-Id"] == answer.body["stats"]["request_id"]


def test_every_post_has_a_scene() -> None:
    assert {row.path for row in POSTS} == set(SCENES)


@each(POSTS)
def test_a_right_call_is_accepted_in_the_documented_shape(world: World, row: Route) -> None:
    answer = world.owner(row.path, SCENES[row.path](world))
    assert answer.status == 200, answer.body
    assert answer.body["success"] is True
    stats = answer.body["stats"]
    assert stats["call"] == row.call
    assert stats["service"] == "crm"
    assert stats["orgcode"] == world.code
    assert stats["context_source"] == "session"
    assert stats["session_fingerprint"].startswith("sf_")
    shown = {k: v for k, v in answer.body.items() if k in ("data", "revision")}
    row.envelope.model_validate_json(json.dumps(shown))


@each(POSTS)
def test_without_a_good_credential_the_answer_is_401(world: World, row: Route) -> None:
    world.session("revoked" + world.code, "u1", revoked=True)
    world.session("expired" + world.code, "u1", expires_at=auth.now())
    body = SCENES[row.path](world)
    for secret in ("", "unknown", "revoked" + world.code, "expired" + world.code):
        require_refusal(Caller(world.code, secret)(row.path, body), 401, "unauthorized")


@each(POSTS)
def test_an_org_is_needed_and_two_must_agree(world: World, row: Route) -> None:
    body = SCENES[row.path](world)
    nowhere = Caller("", world.owner.secret)
    require_refusal(nowhere(row.path, body), 400, "invalid-input")
    assert nowhere(row.path, {**body, "orgcode": world.code.lower()}).status == 200
    require_refusal(world.owner(row.path, {**body, "orgcode": "OTHER"}), 400, "context_mismatch")
    context = {"request_context": {"actor": "user_guid:somebody"}}
    require_refusal(world.owner(row.path, {**body, **context}), 400, "invalid-input")


@each(POSTS)
def test_a_stranger_gets_404(world: World, other_world: World, row: Route) -> None:
    body = SCENES[row.path](world)
    require_refusal(Caller(world.code, other_world.owner.secret)(row.path, body), 404, "not-found")
    key = other_world.key(*row.roles)
    require_refusal(Caller(world.code, key.secret, "x-api-key")(row.path, body), 404, "not-found")
    require_refusal(Caller("NO-SUCH-ORG", world.owner.secret)(row.path, body), 404, "not-found")


@each(POSTS)
def test_each_role_alone_lets_in_and_no_other(world: World, row: Route) -> None:
    if row.roles == (MEMBER,):
        member, scene = world.person(), world
        if row.path in AUTHORED:
            scene = copy(world)
            scene.owner = member
        assert member(row.path, SCENES[row.path](scene)).status == 200
        return
    for role in row.roles:
        for caller in (world.person(role), world.key(role)):
            answer = caller(row.path, SCENES[row.path](world))
            assert answer.status == 200, answer.body
    everything = {role for other in POSTS for role in other.roles} - set(row.roles)
    body = SCENES[row.path](world)
    require_refusal(world.person(*everything)(row.path, body), 403, "forbidden")
    require_refusal(world.person()(row.path, {"nonsense": 1}), 403, "forbidden")


@each(POSTS)
def test_only_a_verified_org_writes(world: World, row: Route) -> None:
    body = SCENES[row.path](world)
    for status in identity.STATUSES:
        world.set_org(status)
        auth.forget()
        answer = world.owner(row.path, body)
        if not row.writes:
            assert answer.status == 200, answer.body
        elif status != "verified" and row.gate == "closed":
            require_refusal(answer, 403, "org-write-blocked")


BAD: list[tuple[str, bytes, int]] = [
    ("an array", b"[]", 400),
    ("a number", b"1", 400),
    ("no JSON", b"{", 400),
    ("a repeated key", b'{"a": 1, "a": 2}', 400),
    ("NaN", b'{"limit": NaN}', 400),
    ("infinity", b'{"limit": -Infinity}', 400),
    ("a huge integer", b'{"limit": 9007199254740992}', 400),
    ("a huge exponent", b'{"limit": 1e999999}', 400),
    ("a lone surrogate", b'{"reason": "\\ud800"}', 400),
    ("too deep", b"[" * 17 + b"]" * 17, 400),
    ("very deep", b'{"a":' * 40_000 + b"1" + b"}" * 40_000, 400),
    ("not UTF-8", b'{"reason": "\xff"}', 400),
    ("too large", b" " * (256 * 1024 + 1), 413),
    ("an unknown field", b'{"no_such_field": 1}', 400),
]


@each(POSTS)
def test_each_kind_of_bad_body_is_refused_in_the_envelope(world: World, row: Route) -> None:
    for name, raw, status in BAD:
        answer = world.owner(row.path, raw=raw)
        assert answer.status == status, (name, answer.body)
        tag = "payload-too-large" if status == 413 else "invalid-input"
        require_refusal(answer, status, tag)
    xml = world.owner(row.path, {}, headers={"content-type": "application/xml"})
    require_refusal(xml, 415, "unsupported-media-type")


@each([row for row in POSTS if row.bare is not None])
def test_a_bare_string_says_what_an_object_with_one_field_says(world: World, row: Route) -> None:
    (known,) = SCENES[row.path](world).values()
    assert row.request is not None
    for text in (known, f" {known} ", "unknown", "ada@example.com", "+12025550123", "x" * 99):
        field = row.bare(text) if callable(row.bare) else row.bare
        assert field in row.request.model_fields
        bare, whole = world.owner(row.path, text), world.owner(row.path, {field: text})
        assert bare.status == whole.status == (200 if known in text else bare.status)
        assert {**bare.body, "stats": {}} == {**whole.body, "stats": {}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@each(POSTS)
def test_nonsense_in_a_field_is_never_a_defect(world: World, row: Route) -> None:
    good = SCENES[row.path](world)
    inner = next((k for k, v in good.items() if isinstance(v, dict)), None)
    model = row.request
    assert model is not None
    fields = sorted({*model.model_fields, "reason", "source_refs", "idempotency_key", "cccode"})

    @hypothesis_settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(fields), JSON, st.sampled_from([None, inner]))
    def nonsense(field: str, value: Any, place: str | None) -> None:
        body = {**good, field: value}
        if place is not None:
            body = {**good, place: {**good[place], field: value}}
        answer = world.owner(row.path, raw=json.dumps(body).encode("utf-8", "surrogatepass"))
        assert answer.status == 200 or answer.status in STATUSES, answer.body

    nonsense()


@each([row for row in WRITES if row.revision == "required" and not row.creates])
def test_a_change_needs_its_revision_and_the_right_one(world: World, row: Route) -> None:
    body = SCENES[row.path](world)
    without = {k: v for k, v in body.items() if k != "expected_revision"}
    require_refusal(world.owner(row.path, without), 428, "expected-revision-required")
    stale = world.owner(row.path, {**body, "expected_revision": 77})
    require_refusal(stale, 409, "conflict")
    assert stale.detail == {"current_revision": stale.body["revision"]}
    (record,) = stale.body["data"].values()
    assert record["revision"] == stale.body["revision"]


@each([row for row in WRITES if row.provenance == "required"])
def test_a_change_says_why(world: World, row: Route) -> None:
    body = SCENES[row.path](world)
    bare = {k: v for k, v in body.items() if k not in ("reason", "source_refs")}
    answer = world.owner(row.path, bare)
    require_refusal(answer, 400, "invalid-input")
    assert {"reason", "source_refs"} <= set(answer.fields)
    empty = {**body, "source_refs": [{"kind": None, "id": None}]}
    assert "source_refs" in world.owner(row.path, empty).fields


@each([row for row in WRITES if row.binds_key])
def test_a_key_repeats_its_answer_and_binds_its_request(world: World, row: Route) -> None:
    body = {**SCENES[row.path](world), "idempotency_key": "key-1"}
    first = world.owner(row.path, body)
    again = world.owner(row.path, body)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.data == first.data
    assert again.body.get("revision") == first.body.get("revision")
    by_header = {k: v for k, v in body.items() if k != "idempotency_key"}
    assert world.owner(row.path, by_header, headers={"Idempotency-Key": "key-1"}).replayed
    require_refusal(
        world.owner(row.path, body, headers={"Idempotency-Key": "key-2"}), 400, "context_mismatch"
    )
    other = SCENES[row.path](world)
    changed = {**other, "idempotency_key": "key-1"}
    # The expected revision is not a part of the request's hash.
    if {**other, "expected_revision": 0} != {**by_header, "expected_revision": 0}:
        require_refusal(world.owner(row.path, changed), 409, "idempotency-key-reused")


@each(POSTS)
def test_a_wrong_method_gets_405_and_options_lists_the_allowed_ones(
    world: World, row: Route
) -> None:
    wrong = world.owner(row.path, method="PUT")
    require_refusal(wrong, 405, "method-not-allowed")
    assert wrong.headers["Allow"] == "OPTIONS, POST"
    options = world.owner(row.path, method="OPTIONS")
    assert options.status == 200
    assert "POST" in options.headers["Access-Control-Allow-Methods"]


def test_unknown_paths_get_404(world: World) -> None:
    for path in ("/no/such/path", "/account", "/account/get/", "/"):
        require_refusal(world.owner(path), 404, "not-found")


def test_the_health_check_needs_nobody(world: World) -> None:
    (row,) = (row for row in ROWS if row.roles == (ANYONE,))
    answer = Caller("", "", "x-none")(row.path, method="GET")
    assert answer.data == {"service": "crm", "status": "active"}
    assert world.owner(row.path, method="GET").status == 200
