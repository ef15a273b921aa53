"""The environments as data: all that differs between ``dev``, ``test`` and ``prod`` stands here.

``infra.settings`` says what each setting means. The account and the region of an environment are no
part of the code: the context names them.
"""

from __future__ import annotations

from infra.settings import Environment, FairUse, Throttle

PUBLISHER = "events"
MONEY = ("account", "giftcard", "loyalty")
"""The families that move credit, stored value and points. A rush on another family must not take
their places, nor the publisher's: it would fall behind the stream."""

DEV = Throttle(20, 40)

ENVIRONMENTS = {
    "dev": Environment(
        name="dev",
        keep_data=False,
        detailed_metrics=False,
        log_retention_days=7,
        archive_days=7,
        memory_mb=512,
        throttles={"A": DEV, "B": DEV, "C": DEV, "D": DEV, None: Throttle(5, 10)},
    ),
    "test": Environment(
        name="test",
        keep_data=False,
        detailed_metrics=True,
        contributor_insights=True,
        log_retention_days=30,
        archive_days=30,
        memory_mb=1024,
        throttles={
            "A": Throttle(20, 40),
            "B": Throttle(50, 100),
            "C": Throttle(200, 400),
            "D": Throttle(100, 200),
            None: Throttle(10, 20),
        },
        fair_use=FairUse(per_address=600, per_credential=600, per_org=1_200),
        reserved_concurrency={PUBLISHER: 10, **dict.fromkeys(MONEY, 20)},
        canary="Canary10Percent5Minutes",
    ),
    "prod": Environment(
        name="prod",
        keep_data=True,
        detailed_metrics=True,
        contributor_insights=True,
        log_retention_days=90,
        archive_days=365,
        memory_mb=1024,
        throttles={
            "A": Throttle(100, 200),
            "B": Throttle(200, 400),
            "C": Throttle(1_000, 2_000),
            "D": Throttle(500, 1_000),
            None: Throttle(20, 40),
        },
        fair_use=FairUse(per_address=3_000, per_credential=3_000, per_org=6_000),
        stream_parallelization=2,
        reserved_concurrency={PUBLISHER: 50, "account": 100, "giftcard": 150, "loyalty": 200},
        canary="Canary10Percent15Minutes",
    ),
}
