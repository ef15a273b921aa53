"""The environments as data: all that differs between ``dev``, ``test`` and ``prod`` stands here.

``infra.settings`` says what each setting means. The account and the region of an environment are no
part of the code: the context names them.
"""

from __future__ import annotations

from infra.settings import Environment

PUBLISHER = "events"
MONEY = ("account", "giftcard", "loyalty")
"""The families that move credit, stored value and points. A rush on another family must not take
their places, nor the publisher's: it would fall behind the stream."""

ENVIRONMENTS = {
    "dev": Environment(
        name="dev",
        keep_data=False,
        detailed_metrics=False,
        log_retention_days=7,
        archive_days=7,
        memory_mb=512,
        throttle_rate=50,
        throttle_burst=100,
    ),
    "test": Environment(
        name="test",
        keep_data=False,
        detailed_metrics=True,
        log_retention_days=30,
        archive_days=30,
        memory_mb=1024,
        throttle_rate=200,
        throttle_burst=400,
        reserved_concurrency={PUBLISHER: 10, **dict.fromkeys(MONEY, 20)},
        canary="Canary10Percent5Minutes",
    ),
    "prod": Environment(
        name="prod",
        keep_data=True,
        detailed_metrics=True,
        log_retention_days=90,
        archive_days=365,
        memory_mb=1024,
        throttle_rate=2_000,
        throttle_burst=4_000,
        stream_parallelization=2,
        reserved_concurrency={PUBLISHER: 50, "account": 100, "giftcard": 150, "loyalty": 200},
        canary="Canary10Percent15Minutes",
    ),
}
