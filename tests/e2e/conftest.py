"""The deployment of a session, and the shop in it. The tests are one story, in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.engine import Engine
from tests.e2e.deployment import Deployment
from tests.e2e.ear import Ear
from tests.e2e.shop import Shop, opened

# Each step is a fixture of its own, so that the report tells how long it took.


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The emulator, with nothing in it."""
    folder: Path = tmp_path_factory.mktemp("emulator")
    engine = Engine.start_all(folder)
    try:
        yield Deployment(engine, folder)
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def synthesized(emulator: Deployment) -> Deployment:
    emulator.synthesize()
    return emulator


@pytest.fixture(scope="session")
def bootstrapped(synthesized: Deployment) -> Deployment:
    synthesized.bootstrap()
    return synthesized


@pytest.fixture(scope="session")
def deployment(bootstrapped: Deployment) -> Deployment:
    """Every stack of an environment, deployed."""
    bootstrapped.deploy()
    return bootstrapped


@pytest.fixture(scope="session")
def consumer(deployment: Deployment) -> Deployment:
    """The deployment with the example's consumer beside it."""
    deployment.deploy_consumer()
    return deployment


@pytest.fixture(scope="session")
def ear(deployment: Deployment) -> Ear:
    """Hears every event of the bus from now on."""
    return Ear(deployment)


@pytest.fixture(scope="session")
def shop(deployment: Deployment, ear: Ear) -> Shop:
    assert ear.heard == []
    return opened(deployment)
