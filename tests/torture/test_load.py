"""The account of a load finds what it is there to find."""

from __future__ import annotations

import pytest

from torture.diary import Account, Diary, account
from torture.promises import PromiseBroken
from torture.witness import Observation, Witness


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Witness:
    return Witness(tmp_path_factory.mktemp("repository"))


@pytest.fixture
def diaries(witness: Witness) -> list[Diary]:
    """Two streams that nothing has happened to."""
    made = {number: Diary(number) for number in (3, 5)}
    for number, _, seen in witness.undisturbed({3: 4, 5: 7}):
        made[number].seen.append(seen)
    return list(made.values())


def test_an_undisturbed_run_is_in_order(witness: Witness, diaries: list[Diary]) -> None:
    found = account(witness, diaries)
    assert found == Account(steps=11, lost=0, doubled=0, different=0)
    found.hold()


def test_one_bit_is_found(witness: Witness, diaries: list[Diary]) -> None:
    y, taken = diaries[0].seen[2]
    diaries[0].seen[2] = Observation(bytes([y[0] ^ 1, *y[1:]]), taken)
    assert account(witness, diaries).different == 1


def test_a_step_without_effect_is_lost_and_one_with_two_is_doubled(
    witness: Witness, diaries: list[Diary]
) -> None:
    y, taken = diaries[1].seen[3]
    diaries[1].seen[3] = Observation(y, taken - 1)
    found = account(witness, diaries)
    assert (found.lost, found.doubled) == (1, 1)
    with pytest.raises(PromiseBroken, match="of 11 steps 1 were lost, 1 doubled, and 0 outputs"):
        found.hold()


def test_a_stream_alone_gets_what_it_gets_in_company(witness: Witness) -> None:
    alone = [seen for _, _, seen in witness.undisturbed({2: 5})]
    together = [seen for number, _, seen in witness.undisturbed({1: 9, 2: 5}) if number == 2]
    assert alone == together


def test_pauses_are_between_answers() -> None:
    diary = Diary(0)
    for now in (10.0, 10.5, 12.5, 13.0):
        diary.note(Observation(b"", 0), now)
    assert diary.longest_pause == 2.0
