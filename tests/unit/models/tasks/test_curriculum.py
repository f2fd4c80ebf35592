"""The curriculum of distances."""

from __future__ import annotations

import numpy as np

from models.tasks import curriculum


def test_even_rounds_grow_to_the_longest_by_the_middle_and_stay() -> None:
    rng = np.random.default_rng(0)
    distances = [curriculum.trained(index, 40, 10, 200, rng) for index in range(0, 40, 2)]
    assert distances[:3] == [10, 29, 48]
    assert distances[10:] == [200] * 10


def test_odd_rounds_draw_from_all_below() -> None:
    rng = np.random.default_rng(0)
    early = {curriculum.trained(1, 40, 10, 200, rng) for _ in range(500)}
    late = {curriculum.trained(39, 40, 10, 200, rng) for _ in range(5000)}
    assert early == set(range(10, 21))
    assert late == set(range(10, 201))


def test_the_shortest_may_be_the_longest() -> None:
    rng = np.random.default_rng(0)
    assert {curriculum.trained(index, 40, 10, 10, rng) for index in range(40)} == {10}


def test_it_is_probed_below_at_and_beyond() -> None:
    assert curriculum.probed(200) == (50, 100, 200, 300)
