"""Random arguments of the operations that the service has, and random answers to them."""

from __future__ import annotations

import string
from typing import Any

from hypothesis import strategies as st

Wire = dict[str, Any]

TEXTS = st.text(max_size=20)
NAMES = st.text(min_size=1, max_size=8)
TABLES = st.text(string.ascii_letters + string.digits + "._-", min_size=3, max_size=12)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str)
_PLAIN = st.one_of(
    st.builds(dict, S=TEXTS),
    st.builds(dict, N=NUMBERS),
    st.builds(dict, BOOL=st.booleans()),
    st.just({"NULL": True}),
    st.builds(dict, SS=st.lists(TEXTS, min_size=1, max_size=3)),
    st.builds(dict, NS=st.lists(NUMBERS, min_size=1, max_size=3)),
)
VALUES: st.SearchStrategy[Wire] = st.recursive(
    _PLAIN,
    lambda inner: (
        st.builds(dict, L=st.lists(inner, max_size=3))
        | st.builds(dict, M=st.dictionaries(NAMES, inner, max_size=3))
    ),
    max_leaves=6,
)
ITEMS = st.dictionaries(NAMES, VALUES, max_size=4)
KEYS = st.fixed_dictionaries({"pk": st.builds(dict, S=NAMES), "sk": st.builds(dict, S=NAMES)})
_NAMED = st.dictionaries(NAMES.map("#".__add__), NAMES, min_size=1, max_size=2)
_VALUED = st.dictionaries(NAMES.map(":".__add__), VALUES, min_size=1, max_size=2)
_CONDITIONED = {
    "ConditionExpression": TEXTS,
    "ExpressionAttributeNames": _NAMED,
    "ExpressionAttributeValues": _VALUED,
    "ReturnValuesOnConditionCheckFailure": st.sampled_from(["ALL_OLD", "NONE"]),
}
_TOTAL = {"ReturnConsumedCapacity": st.just("TOTAL")}


def _given(required: dict[str, Any], optional: dict[str, Any] | None = None) -> Any:
    return st.fixed_dictionaries(required, optional=optional or {})


_ACTIONS = st.one_of(
    st.builds(dict, Put=_given({"TableName": TABLES, "Item": ITEMS}, _CONDITIONED)),
    st.builds(dict, Delete=_given({"TableName": TABLES, "Key": KEYS}, _CONDITIONED)),
    st.builds(
        dict,
        Update=_given({"TableName": TABLES, "Key": KEYS, "UpdateExpression": TEXTS}, _CONDITIONED),
    ),
    st.builds(
        dict,
        ConditionCheck=_given(
            {"TableName": TABLES, "Key": KEYS, "ConditionExpression": TEXTS},
            {"ExpressionAttributeNames": _NAMED},
        ),
    ),
)
_BATCH_WRITES = st.one_of(
    st.builds(dict, PutRequest=st.builds(dict, Item=ITEMS)),
    st.builds(dict, DeleteRequest=st.builds(dict, Key=KEYS)),
)
_READ = _given({"Keys": st.lists(KEYS, min_size=1, max_size=3)}, {"ConsistentRead": st.booleans()})


def _to(method: str, arguments: Any) -> Any:
    return st.tuples(st.just(method), arguments)


REQUESTS: dict[str, st.SearchStrategy[tuple[str, dict[str, Any]]]] = {
    "dynamodb": st.one_of(
        _to(
            "batch_get_item",
            _given({"RequestItems": st.dictionaries(TABLES, _READ, min_size=1, max_size=2)}),
        ),
        _to(
            "batch_write_item",
            _given(
                {
                    "RequestItems": st.dictionaries(
                        TABLES, st.lists(_BATCH_WRITES, min_size=1, max_size=3), min_size=1
                    )
                },
                _TOTAL,
            ),
        ),
        _to(
            "query",
            _given(
                {"TableName": TABLES, "KeyConditionExpression": TEXTS},
                {
                    "IndexName": TABLES,
                    "Limit": st.integers(1, 300),
                    "ScanIndexForward": st.booleans(),
                    "ConsistentRead": st.booleans(),
                    "ExpressionAttributeNames": _NAMED,
                    "ExpressionAttributeValues": _VALUED,
                    "ExclusiveStartKey": KEYS,
                    **_TOTAL,
                },
            ),
        ),
        _to(
            "transact_write_items",
            _given(
                {
                    "TransactItems": st.lists(_ACTIONS, min_size=1, max_size=4),
                    "ClientRequestToken": st.text(string.hexdigits, min_size=1, max_size=36),
                },
                _TOTAL,
            ),
        ),
        _to(
            "update_item",
            _given({"TableName": TABLES, "Key": KEYS, "UpdateExpression": TEXTS}, _CONDITIONED),
        ),
    ),
    "secretsmanager": _to("get_secret_value", _given({"SecretId": NAMES}, {"VersionStage": NAMES})),
}

_UNITS = st.floats(0, 1e6).map(lambda units: {"TableName": "crm", "CapacityUnits": units})
ANSWERS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "query": _given(
        {"Items": st.lists(ITEMS, max_size=4), "Count": st.integers(0, 9)},
        {"LastEvaluatedKey": KEYS, "ConsumedCapacity": _UNITS, "ScannedCount": st.integers(0, 9)},
    ),
    "batch_get_item": _given(
        {
            "Responses": st.dictionaries(TEXTS, st.lists(ITEMS, max_size=3), max_size=2),
            "UnprocessedKeys": st.dictionaries(
                TEXTS, st.builds(dict, Keys=st.lists(KEYS, max_size=2)), max_size=2
            ),
        },
        {"ConsumedCapacity": st.lists(_UNITS, max_size=2)},
    ),
    "batch_write_item": _given(
        {"UnprocessedItems": st.dictionaries(TEXTS, st.lists(_BATCH_WRITES, max_size=2))},
        {"ConsumedCapacity": st.lists(_UNITS, max_size=2)},
    ),
    "transact_write_items": _given({}, {"ConsumedCapacity": st.lists(_UNITS, max_size=2)}),
    "update_item": _given({}, {"Attributes": ITEMS, "ConsumedCapacity": _UNITS}),
}
