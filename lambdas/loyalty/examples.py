"""What the rows show as examples of answers: one customer's points, movement by movement.

She has 200 points, after order SO-1000 earned some and spent some. Then 50 are given, order SO-1001
earns 15 and spends 100, and SO-1000 is returned.
"""

from __future__ import annotations

from typing import Any

CUSTOMER = "cust_01KA0000000000000000000000"
SALE = {"currency": "EUR", "amount": 1001}
WHY = {"reason": "Sale at the till", "source_refs": [{"kind": "ticket", "id": "T-1"}]}
_AT = "2026-01-12T15:30:00Z"
_LOT = "lot_01KA00000000000000000000"
_HASHES = (
    "3c5127a4093b02503f68ac0992b1f93c31e2d614ffa6567d52a5c9219d9e2900",
    "a1aea96e31d41b2a790d3add73828ff2bd0195829f5d7713f7c0988e77cc7d71",
    "0783788d9c5577fb7504c4118bb7ed8d491b87771aa5447d90871cb97db8aa55",
    "43370b3a5e0cf41ef8ff53d99a3d51b8285378a55bc2aef0848cf6578eebbcb2",
    "cf16c9e0fa9a3979b66934a1f5801a0502dd5f9d17f0087e8de40b289412cbe9",
    "699b7bfd504a93a4be6553acb605f044445991fea0f9516db94b3e0b806ecd58",
)


def txn_id(sequence: int) -> str:
    return f"ltx_01KA00000000000000000000{sequence:02}"


def _totals(available: int, earned: int) -> dict[str, int]:
    return {
        "available_points": available,
        "pending_points": 0,
        "lifetime_earned": earned,
        "debt_points": 0,
    }


def balance(available: int, earned: int, revision: int) -> dict[str, Any]:
    return {**_totals(available, earned), "expiring": [], "as_of": _AT, "revision": revision}


def _entry(
    sequence: int, kind: str, points: int, after: dict[str, int], from_lot: int, **more: Any
) -> dict[str, Any]:
    return {
        "loyalty_txn_id": txn_id(sequence),
        "customer_guid": CUSTOMER,
        "kind": kind,
        "points": points,
        "effective_at": _AT,
        "recorded_at": _AT,
        **more,
        "allocations": [{"lot_id": f"{_LOT}{from_lot:02}", "points": points}],
        **WHY,
        "actor": "user_guid:U123",
        "sequence": sequence,
        "balance_after": after,
        "previous_hash": _HASHES[sequence - 2],
        "hash": _HASHES[sequence - 1],
    }


def _opened(lot: int, points: int) -> dict[str, Any]:
    return {"lot": {"lot_id": f"{_LOT}{lot:02}", "points": points, "available_from": _AT}}


_GIVEN = _entry(2, "adjust", 50, _totals(250, 200), 2, **_opened(2, 50))
_EARNED = _entry(
    3, "earn", 15, _totals(265, 215), 3,
    order_ref="SO-1001", amount=SALE, policy_version="v1", **_opened(3, 15),
)  # fmt: skip
_SPENT = _entry(
    4, "redeem", -100, _totals(165, 215), 1,
    order_ref="SO-1001", value={"currency": "EUR", "amount": 100}, policy_version="v1",
)  # fmt: skip
_RESTORED = _entry(
    5, "restore", 100, _totals(265, 215), 1,
    order_ref="SO-1000", policy_version="v1", parent_txn_id=txn_id(1),
)  # fmt: skip
_REVERSED = _entry(
    6, "reverse", -15, _totals(250, 200), 3,
    order_ref="SO-1000", policy_version="v1", parent_txn_id=txn_id(0),
)  # fmt: skip


def _moved(entry: dict[str, Any]) -> dict[str, Any]:
    after = entry["balance_after"]
    revision = entry["sequence"]
    about = balance(after["available_points"], after["lifetime_earned"], revision)
    return {"transaction": entry, "balance": about}


ADJUST, EARN, REDEEM, RESTORE, REVERSE = map(
    _moved, (_GIVEN, _EARNED, _SPENT, _RESTORED, _REVERSED)
)
LEDGER = {"transactions": [_EARNED]}
BALANCE = {"customer_guid": CUSTOMER, "balance": balance(250, 200, 2)}
EXPIRE = {**BALANCE, "expired_points": 30, "more": False}
RECALCULATE = {
    **BALANCE,
    "equal": True,
    "stored": balance(250, 200, 2),
    "differences": [],
    "entries_read": 2,
    "chain_ok": True,
    "applied": False,
}
PREVIEW = {
    "quote": {
        "points": 15,
        "amount": SALE,
        "policy_version": "v1",
        "rounding": "floor",
        "lots": [{"available_from": _AT, "points": 15}],
        "explanation": [
            "1.5 points per 1.00 EUR make 15.015 points.",
            "Rounded down: 15 points.",
            "The points never expire.",
        ],
        "quote_hash": "410339230787029df04b7f7f02616be0164105d653095037b521da8e246232dd",
    },
    "balance": balance(250, 200, 2),
    "balance_after": balance(265, 215, 3),
}
POLICY = {
    "policy": {
        "policy_version": "v1",
        "currency": "EUR",
        "effective_from": "2026-01-01T00:00:00Z",
        "earn_policy": {
            "points_per_unit": 1.5,
            "unit_minor": 100,
            "rounding": "floor",
            "pending_days": 0,
        },
        "redeem_policy": {
            "mode": "per_point",
            "point_value": {"points": 100, "money": {"currency": "EUR", "amount": 100}},
        },
        "expiry_policy": {"mode": "none"},
        "reversal_policy": {"shortfall": "any_lot", "uncollected": "debt"},
        "restore_policy": {"expired": "keep_expired"},
        "revision": 1,
    }
}
