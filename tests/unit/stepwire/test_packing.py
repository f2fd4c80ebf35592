from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.api.native import fleet_messages
from service.core.blocks import BlockOutputs
from stepwire import packing
from stepwire.v1 import stream_pb2 as pb

NUMBERS = st.integers(0, 2**53)
steps = st.builds(
    lambda number, x, budget, age, verdict: pb.Step(
        step=number, inputs=[x, x[:2]], budget_us=budget, age_us=age, verdict=verdict
    ),
    NUMBERS,
    st.binary(min_size=4, max_size=4),
    st.none() | st.integers(0, 2**40),
    st.integers(0, 2**40),
    st.sampled_from([0, 1, 2, 3]),
)


@given(st.dictionaries(st.integers(0, 1000), steps, min_size=1, max_size=8))
def test_what_is_packed_is_what_the_server_reads(sent: dict[int, pb.Step]) -> None:
    message = packing.packed(list(sent.items())).steps
    read = fleet_messages.steps(message, len(sent), 0.0)
    assert np.frombuffer(message.handles, "<u4").tolist() == list(sent)
    assert read.steps.tolist() == [step.step for step in sent.values()]
    assert [bytes(data) for data in read.inputs] == [
        b"".join(step.inputs[place] for step in sent.values()) for place in range(2)
    ]
    for entry, step in enumerate(sent.values()):
        limited = step.HasField("budget_us")
        budget = np.inf if read.budgets is None else read.budgets[entry]
        assert budget == (step.budget_us * 1e-6 if limited else np.inf)
        if limited:
            assert read.ages is not None
            assert read.ages[entry] == step.age_us * 1e-6
        assert (0 if read.verdicts is None else read.verdicts[entry]) == step.verdict


@given(
    st.dictionaries(st.integers(0, 1000), NUMBERS, min_size=1, max_size=8),
    st.booleans(),
    st.booleans(),
    st.sampled_from([(3,), (), (2, 2), (2**17,)]),
)
def test_what_the_server_answers_is_read_entry_by_entry(
    numbers: dict[int, int], late: bool, durable: bool, shape: tuple[int, ...]
) -> None:
    entries = len(numbers)
    given_ = np.random.default_rng(0).standard_normal((entries, *shape)).astype("<f4")
    was_late = np.arange(entries) % 2 == 0
    saved = np.arange(entries) + 1
    answer = BlockOutputs(
        np.array(list(numbers), "<u4"),
        np.array(list(numbers.values()), "<i8"),
        [given_, given_ + 1],
        was_late if late else None,
        300,
        2e-6,
        3e-6,
        0.0,
    )
    messages = [
        pb.FleetResponse.FromString(data)
        for data in fleet_messages.outputs(answer, saved if durable else None)
    ]
    assert all(message.ByteSize() < 2**21 for message in messages)
    told = [each for message in messages for each in packing.outputs(message.outputs)]
    assert [handle for handle, _ in told] == list(numbers)
    for entry, (handle, response) in enumerate(told):
        output = response.output
        assert output.step == numbers[handle]
        assert list(output.outputs) == [given_[entry].tobytes(), (given_ + 1)[entry].tobytes()]
        expected = pb.VERDICT_LATE if late and was_late[entry] else pb.VERDICT_ON_TIME
        assert output.verdict == expected
        assert output.durable_step == (entry + 1 if durable else 0)
        assert (output.batch_size, output.queue_us, output.compute_us) == (300, 2, 3)
