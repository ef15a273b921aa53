"""An environment is chosen by name, and lives in one account and region only."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.environments import ENVIRONMENTS
from infra.settings import NOBODYS_ACCOUNT, Environment, chosen
from tests.infra.conftest import SHOP, Deploy, EntryRun


def environment(**context: str) -> Environment:
    return chosen(ENVIRONMENTS, context.get)


def test_each_environment_is_named_after_itself() -> None:
    assert list(ENVIRONMENTS) == ["dev", "test", "prod"]
    assert all(name == each.name for name, each in ENVIRONMENTS.items())


def test_without_a_name_it_is_dev() -> None:
    assert environment().name == "dev"
    with pytest.raises(ValueError, match="one of dev, test, prod, not 'moon'"):
        environment(environment="moon")


def test_what_differs_stands_in_one_module() -> None:
    """Nobody else asks which environment it is: whatever asks for a name has a setting of its own
    to ask for."""
    infra = Path(__file__).resolve().parents[2] / "infra"
    for path in infra.glob("*.py"):
        if path.name != "environments.py":
            text = path.read_text()
            for name in ENVIRONMENTS:
                assert f'== "{name}"' not in text, path


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_lives_where_the_context_says(name: str) -> None:
    place = {f"{name}:account": "123456789012", f"{name}:region": "eu-central-1"}
    found = chosen(ENVIRONMENTS, {"environment": name, **place}.get)
    assert (found.account, found.region) == ("123456789012", "eu-central-1")


def test_the_place_of_another_environment_is_not_taken() -> None:
    found = chosen(ENVIRONMENTS, {"environment": "dev", **SHOP}.get)
    assert found.account == NOBODYS_ACCOUNT


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ({"prod:account": "123456789012"}, "prod:region"),
        ({"prod:region": "eu-central-1"}, "prod:account"),
        ({**SHOP, "prod:account": "12345678901"}, "twelve digits"),
        ({**SHOP, "prod:region": "frankfurt"}, "must be a region"),
    ],
)
def test_half_a_place_is_none(place: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        chosen(ENVIRONMENTS, {"environment": "prod", **place}.get)


def test_every_stack_refuses_any_other_place(entry_run: EntryRun) -> None:
    # The deployment tool compares this with the account of its credentials.
    places = [each["environment"] for each in entry_run.stacks()]
    assert places == ["aws://123456789012/eu-central-1"] * 5


def test_without_a_place_nobody_can_deploy(deploy: Deploy) -> None:
    made = deploy("prod", synthesised=False).app.node.children
    stacks = [each for each in made if hasattr(each, "stack_name")]
    assert {each.account for each in stacks} == {NOBODYS_ACCOUNT}
