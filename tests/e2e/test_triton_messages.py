"""The messages are those that Triton publishes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from stepwire.inference import inference_pb2, model_config_pb2
from tests.triton_client import played
from torture.triton_client import TritonClient

Fact = tuple[str, object]
"""A name, with what goes over the wire for it."""


def facts(files: Iterable[bytes]) -> set[Fact]:
    """Every field with its number and type, every symbol with its value, every method."""
    return {fact for each in files for fact in _of_file(FileDescriptorProto.FromString(each))}


def _of_file(file: FileDescriptorProto) -> Iterator[Fact]:
    for message in file.message_type:
        yield from _of_message(file.package, message)
    for enum in file.enum_type:
        yield from _of_enum(file.package, enum)
    for service in file.service:
        for method in service.method:
            streaming = method.client_streaming, method.server_streaming
            path = f"/{file.package}.{service.name}/{method.name}"
            yield path, (method.input_type, method.output_type, *streaming)


def _of_message(within: str, message: DescriptorProto) -> Iterator[Fact]:
    name = f"{within}.{message.name}"
    for field in message.field:
        yield f"{name}.{field.name}", (*_of_field(field), _choice(message, field))
    for nested in message.nested_type:
        yield from _of_message(name, nested)
    for enum in message.enum_type:
        yield from _of_enum(name, enum)


def _of_field(field: FieldDescriptorProto) -> tuple[object, ...]:
    return field.number, field.type, field.type_name, field.label


def _choice(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    return message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""


def _of_enum(within: str, enum: EnumDescriptorProto) -> Iterator[Fact]:
    for value in enum.value:
        yield f"{within}.{enum.name}.{value.name}", value.number


def test_every_field_and_method_is_as_published(triton: TritonClient) -> None:
    files = (model_config_pb2.DESCRIPTOR, inference_pb2.DESCRIPTOR)
    ours = facts(file.serialized_pb for file in files)
    published = facts(map(bytes.fromhex, played(triton, "messages")))
    assert ours - published == set()
    assert len(ours) > 150


def test_fields_that_are_left_out_are_reserved(triton: TritonClient) -> None:
    """So that nobody gives their numbers another meaning."""
    files = (model_config_pb2.DESCRIPTOR, inference_pb2.DESCRIPTOR)
    published = [
        FileDescriptorProto.FromString(bytes.fromhex(each)) for each in played(triton, "messages")
    ]
    theirs = {message.name: message for file in published for message in file.message_type}
    for file in files:
        for name, message in file.message_types_by_name.items():
            copy = DescriptorProto()
            message.CopyToProto(copy)
            left_out = {f.name: f.number for f in theirs[name].field}
            for field in copy.field:
                del left_out[field.name]
            assert set(copy.reserved_name) == set(left_out), name
            numbers = {n for span in copy.reserved_range for n in range(span.start, span.end)}
            assert numbers == set(left_out.values()), name
