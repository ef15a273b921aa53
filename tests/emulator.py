"""The emulator of AWS, as a test calls its services."""

from __future__ import annotations

from typing import Any

import boto3

REGION = "us-east-1"


def client(service: str, endpoint: str) -> Any:
    """Returns a client of a service of the emulator at this address."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="emulated",
        aws_secret_access_key="emulated",
    )
