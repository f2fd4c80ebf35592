"""Messages that look right: made from a descriptor, of values that nobody would send."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_DEEPEST = 3
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
}
_FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-300, 3.4e38, -3.4e38, float("inf"), float("nan"))
_SIZES = (0, 1, 3, 4, 5, 15, 16, 17, 64, 1000)
_COUNTS = (0, 1, 1, 2, 7, 300)


class Grammar:
    """Draws messages from a seeded source."""

    def __init__(self, source: random.Random, words: Sequence[str]) -> None:
        """`words`: strings that mean something to the server."""
        self._random = source
        self._words = (*words, "", "a b", "../../etc/passwd", "ö" * 64, "x" * 129, "\x00", "%n%s")

    def message(self, descriptor: Descriptor, depth: int = 0) -> Message:
        """Any subset of the fields, each with any value of its type; enums may be unknown."""
        made: Message = GetMessageClass(descriptor)()
        for field in descriptor.fields:
            if self._random.random() < 0.5 and depth < _DEEPEST:
                self._fill(made, field, depth)
        return made

    def _fill(self, made: Message, field: FieldDescriptor, depth: int) -> None:
        inner = field.message_type
        if inner is not None and inner.GetOptions().map_entry:
            return
        if field.is_repeated:
            values = [self._value(field, depth) for _ in range(self._random.choice(_COUNTS))]
            getattr(made, field.name).extend(values)
        elif inner is not None:
            getattr(made, field.name).CopyFrom(self._value(field, depth))
        else:
            setattr(made, field.name, self._value(field, depth))

    def _value(self, field: FieldDescriptor, depth: int) -> Any:
        kind = field.cpp_type
        if kind == FieldDescriptor.CPPTYPE_MESSAGE:
            assert field.message_type is not None
            return self.message(field.message_type, depth + 1)
        if kind in _INTEGERS:
            return self._integer(*_INTEGERS[kind])
        if kind in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
            return self._random.choice(_FLOATS)
        if kind == FieldDescriptor.CPPTYPE_BOOL:
            return self._random.random() < 0.5
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self.tensor()
        return self._random.choice(self._words)

    def _integer(self, least: int, largest: int) -> int:
        small = self._random.randrange(12)
        return self._random.choice((least, largest, small, self._random.randint(least, largest)))

    def tensor(self) -> bytes:
        """Bytes of some size: random, or floats that are not finite or very large."""
        size = self._random.choice(_SIZES)
        if self._random.random() < 0.5:
            return self._random.randbytes(size)
        floats = (self._random.choice(_FLOATS) for _ in range(size // 4))
        return b"".join(struct.pack("<f", value) for value in floats)
