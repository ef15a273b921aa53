"""A shop's first days."""

from __future__ import annotations

import pytest

from tests.e2e.deployment import Deployment

pytestmark = pytest.mark.e2e


def test_it_answers(deployment: Deployment) -> None:
    status, answer, headers = deployment.caller().call("GET", "/crm/stat")
    assert status == 200
    assert answer["data"]["status"] == "active"
    print(deployment.outputs)
    print(deployment.admin("org create SHOP --status verified"))
