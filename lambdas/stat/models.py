"""The answer of the health check."""

from __future__ import annotations

from typing import Literal

from shared.fields import Shape


class StatData(Shape):
    """The service is up."""

    service: Literal["crm"]
    """The service that answered."""
    status: Literal["active"]
    """Always `active`: an answer means that the service is up."""


class StatEnvelope(Shape):
    """The service is up."""

    data: StatData
