"""Exceptions from the rules of cdk-nag: always on one construct, always with the reason."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

PACK = "AwsSolutions"


def accept(construct: IConstruct, rule: str, reason: str) -> None:
    """Let this construct break the rule (``S1``, or a finding such as ``IAM5[Resource::…]``)."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"{PACK}-{rule}", reason=reason))
