from __future__ import annotations

from pathlib import Path

from service.api.inference.config import Limits, model_config
from service.api.inference.metadata import model_metadata
from service.lanes.lane import Lane
from stepwire.inference import model_config_pb2 as pb
from tests import foreign, graphs
from tests.unit.service.api.inference.loaded import loaded

LIMITS = Limits(max_batch=16, max_streams=500, sequence_idle=2.5)


def configured(lane: Lane, limits: Limits = LIMITS, *, on_host: bool = True) -> pb.ModelConfig:
    return model_config(lane, limits, on_host=on_host)


def test_tensors_are_those_of_the_metadata_without_the_batch_axis(tmp_path: Path) -> None:
    lane = loaded(tmp_path, graphs.package(*graphs.mixer()))
    config, metadata = configured(lane), model_metadata(lane, [1])
    assert config.max_batch_size == 16
    for ours, named in ((config.input, metadata.inputs), (config.output, metadata.outputs)):
        assert [(each.name, [-1, *each.dims]) for each in ours] == [
            (each.name, list(each.shape)) for each in named
        ]
        assert [pb.DataType.Name(each.data_type) for each in ours] == [
            f"TYPE_{each.datatype}" for each in named
        ]


def test_a_model_with_states_takes_sequences(tmp_path: Path) -> None:
    config = configured(loaded(tmp_path, graphs.accumulator_package()))
    assert config.WhichOneof("scheduling_choice") == "sequence_batching"
    assert config.sequence_batching.max_sequence_idle_microseconds == 2_500_000
    assert config.sequence_batching.WhichOneof("strategy_choice") == "oldest"
    assert config.sequence_batching.oldest.max_candidate_sequences == 500
    assert not config.model_transaction_policy.decoupled


def test_a_model_without_states_takes_single_requests(tmp_path: Path) -> None:
    model = foreign.memoryless()
    lane = loaded(tmp_path, model.model.SerializeToString(), model.toml)
    config = configured(lane)
    assert config.WhichOneof("scheduling_choice") == "dynamic_batching"
    assert config.max_batch_size == 1


def test_a_number_by_itself_is_a_vector_of_one(tmp_path: Path) -> None:
    model = foreign.lookup()
    lane = loaded(tmp_path, model.model.SerializeToString(), model.toml)
    (given,) = configured(lane).input
    assert lane.signature.inputs[0].shape == ()
    assert (list(given.dims), given.HasField("reshape")) == ([1], True)
    (named,) = model_metadata(lane, [1]).inputs
    assert list(named.shape) == [-1, 1]
    assert not any(each.HasField("reshape") for each in configured(lane).output)


def test_it_says_which_file_it_is_of(tmp_path: Path) -> None:
    lane = loaded(tmp_path, graphs.accumulator_package())
    config = configured(lane)
    assert config.parameters["digest"].string_value == lane.digest
    assert (config.platform, config.backend) == ("onnxruntime_onnx", "onnxruntime")


def test_limits_beyond_the_field_are_as_large_as_it_takes(tmp_path: Path) -> None:
    lane = loaded(tmp_path, graphs.accumulator_package())
    config = configured(lane, Limits(2**40, 2**40, 315_360_000.0))
    assert config.max_batch_size == 2**31 - 1
    assert config.sequence_batching.oldest.max_candidate_sequences == 2**31 - 1


def test_it_says_on_what_a_model_runs(tmp_path: Path) -> None:
    lane = loaded(tmp_path, graphs.accumulator_package())
    kinds = [configured(lane, on_host=on_host).instance_group[0].kind for on_host in (True, False)]
    assert kinds == [pb.ModelInstanceGroup.KIND_CPU, pb.ModelInstanceGroup.KIND_GPU]
