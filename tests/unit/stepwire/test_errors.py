from __future__ import annotations

import grpc
import pytest

import stepwire
from service.api.errors import STATUS
from service.core.errors import ServiceError, StepFault
from stepwire import errors
from stepwire.v1 import stream_pb2 as pb


@pytest.mark.parametrize("error", list(STATUS))
def test_every_error_of_the_service_has_its_name_here(error: type[ServiceError]) -> None:
    found = errors.from_call(STATUS[error], "why", [("stepwire-error", error.name)])
    assert type(found) is not errors.StepwireError
    assert str(found) == "why"


def test_a_reason_that_a_proxy_has_replaced_is_told_by_the_trailers() -> None:
    trailers = (("stepwire-error", "STREAM_MOVED"), ("stepwire-message-bin", "größer".encode()))
    found = errors.from_call(grpc.StatusCode.CANCELLED, "RST_STREAM", trailers)
    assert (type(found), str(found)) == (errors.StreamMoved, "größer")


def test_every_domain_error_has_a_status() -> None:
    assert set(STATUS) == set(ServiceError.__subclasses__())


@pytest.mark.parametrize("fault", list(StepFault))
def test_every_fault_of_a_step_has_its_name_here(fault: StepFault) -> None:
    code = pb.StepError.Code.Value(f"CODE_{fault.name}")
    found = errors.from_step(pb.StepError(step=3, code=code, message="why", next_step=2))
    assert type(found) is not errors.StepError
    assert (found.step, found.next_step, str(found)) == (3, 2, "why")


@pytest.mark.parametrize(
    "code",
    [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL],
)
def test_a_broken_connection_is_unavailable(code: grpc.StatusCode) -> None:
    assert isinstance(errors.from_call(code, "", None), errors.Unavailable)


def test_an_unknown_failure_keeps_its_code() -> None:
    found = errors.from_call(grpc.StatusCode.UNIMPLEMENTED, "no such method", None)
    assert str(found) == "UNIMPLEMENTED: no such method"


def test_all_errors_are_exported_and_say_what_they_mean() -> None:
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, errors.StepwireError):
            assert getattr(stepwire, error.__name__) is error
            assert error.__doc__
