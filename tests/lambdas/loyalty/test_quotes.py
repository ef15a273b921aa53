"""What a preview promises is what an earn grants, to the point and to the millisecond."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import WHY, World
from tests.lambdas.loyalty.tills import Member, on

SKUS, CATEGORIES, CHANNELS = ("apple", "pear"), ("fruit", "tools"), ("web_shop", "till")
factors = st.decimals(0, 9, places=3).map(str)
multipliers = st.one_of(
    *(
        st.fixed_dictionaries(
            {"kind": st.just(kind), "id": st.sampled_from(ids), "factor": factors}
        )
        for kind, ids in (("sku", SKUS), ("category", CATEGORIES), ("channel", CHANNELS))
    )
)
policies = st.fixed_dictionaries(
    {
        "currency": st.just("EUR"),
        "earn_policy": st.fixed_dictionaries(
            {"points_per_unit": factors},
            optional={
                "unit_minor": st.sampled_from([1, 7, 100]),
                "rounding": st.sampled_from(["floor", "half_up", "ceil"]),
                "min_amount_minor": st.integers(0, 300),
                "max_points": st.integers(0, 3_000),
                "pending_days": st.integers(0, 20),
                "multipliers": st.lists(multipliers, max_size=4),
            },
        ),
        "redeem_policy": st.just({"mode": "per_point"}),
        "expiry_policy": st.one_of(
            st.just({"mode": "none"}),
            st.builds(lambda days: {"mode": "days", "days": days}, st.integers(1, 30)),
            st.builds(lambda months: {"mode": "month_end", "months": months}, st.integers(0, 3)),
        ),
    }
)


@st.composite
def sales(draw: st.DrawFn) -> dict[str, Any]:
    amounts = draw(st.lists(st.integers(0, 900), max_size=4))
    lines = [
        {
            "amount": {"currency": "EUR", "amount": amount},
            **({"sku": draw(st.sampled_from(SKUS))} if draw(st.booleans()) else {}),
            **({"category": draw(st.sampled_from(CATEGORIES))} if draw(st.booleans()) else {}),
            "eligible": draw(st.booleans()),
        }
        for amount in amounts
    ]
    whole = sum(amounts) + draw(st.integers(0, 500))
    made: dict[str, Any] = {"amount": {"currency": "EUR", "amount": whole}}
    if lines:
        made["lines"] = lines
    if draw(st.booleans()):
        made["channel_code"] = draw(st.sampled_from(CHANNELS))
    return made


def test_an_earn_grants_what_its_preview_promised(world: World) -> None:
    member, other, numbers = Member.of(world, on(1)), Member.of(world, on(1)), count(1)
    # One of them is in debt, which an earn repays and a preview must foresee.
    assert other.adjust(-400, allow_debt=True).status == 200

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(policies, sales(), st.sampled_from([member, other]))
    def agrees(terms: dict[str, Any], sale: dict[str, Any], who: Member) -> None:
        number = next(numbers)
        moment = on(1, 1 + number % 28, number % 24)
        who.now = max(who.now or moment, moment)
        set_ = {"policy": terms, "expected_revision": number - 1, **WHY}
        assert world.owner("/loyalty/policy/set", set_, now=who.now).status == 200
        preview = who.call("preview", **sale).data
        quote = preview["quote"]
        earned = who.call(
            "earn", order_ref=f"O{number}", quote_hash=quote["quote_hash"], **sale
        ).data
        assert earned["balance"] == preview["balance_after"]
        granted = earned["transaction"]
        assert (granted["points"], granted["policy_version"]) == (
            quote["points"],
            quote["policy_version"],
        )
        promised = [{**lot, "lot_id": granted["lot"]["lot_id"]} for lot in quote["lots"]]
        assert promised == ([granted["lot"]] if "lot" in granted else [])
        assert quote["explanation"]

    agrees()
    for who in (member, other):
        who.agrees()
