from __future__ import annotations

import sys

import pytest

from service.startup import StartError
from service.transport import binding
from tests.transports import needs_nghttp2


def test_a_missing_library_is_named_with_its_package() -> None:
    with pytest.raises(StartError, match=r"libnghttp2-14.*--transport grpc"):
        binding.load("libnothing.so.0")


def test_a_missing_cffi_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cffi", None)
    with pytest.raises(StartError, match=r"stepwire\[fast\].*--transport grpc"):
        binding.load("libnghttp2.so.14.without-cffi")


def test_a_library_that_is_too_old_is_named() -> None:
    needs_nghttp2()
    with pytest.raises(StartError, match=r"libc\.so\.6 has no nghttp2_"):
        binding.load("libc.so.6")
