"""The example of an answer that a row has shows what its route really answers."""

from __future__ import annotations

import pytest

from tests.builders import ROWS, World
from tests.contract.scenes import SCENES


@pytest.mark.parametrize("path", SCENES)
def test_the_example_has_the_parts_of_the_real_answer(world: World, path: str) -> None:
    data = world.owner(path, SCENES[path](world)).data
    shown = ROWS["POST", path].answer
    assert shown.keys() == data.keys()
    for name, part in shown.items():
        assert type(part) is type(data[name]), name
        if isinstance(part, dict):
            # Optional fields depend on the case; those that the real one has are in the example.
            always = part.keys() & data[name].keys()
            assert {"revision", "status", "customer_guid"} & data[name].keys() <= always, name
