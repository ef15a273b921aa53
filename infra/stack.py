"""What every stack has in common: its name, its place, and its protection."""

from __future__ import annotations

from aws_cdk import Environment as Place
from aws_cdk import Stack
from constructs import Construct

from infra.settings import Environment


class ConcernStack(Stack):
    """The stack of one concern of an environment. It names its account and its region, so the
    deployment tool refuses credentials for any other."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, concern: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=environment.stack(concern),
            env=Place(account=environment.account, region=environment.region),
            termination_protection=environment.keep_data,
        )
