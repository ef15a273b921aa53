"""Exceptions from the rules of cdk-nag. Each one is for one construct, and has a reason."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

PACK = "AwsSolutions"


def accept(construct: IConstruct, rule: str, reason: str) -> None:
    """Allows this construct to break a rule (``S1``, or a finding like ``IAM5[Resource::…]``)."""
    Validations.of(construct).acknowledge(Acknowledgment(id=f"{PACK}-{rule}", reason=reason))
