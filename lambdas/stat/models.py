"""The answer of the health check."""

from __future__ import annotations

from typing import Literal

from shared.fields import Shape


class StatData(Shape):
    service: Literal["crm"]
    status: Literal["active"]


class StatEnvelope(Shape):
    """The service is up."""

    data: StatData
