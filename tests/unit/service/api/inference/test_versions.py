from __future__ import annotations

import pytest

from service.api.inference.versions import number
from service.core.errors import InvalidRequest


def test_a_version_is_a_number_as_text() -> None:
    assert (number("1"), number("9" * 19)) == (1, 10**19 - 1)


def test_an_empty_version_leaves_the_choice() -> None:
    assert number("") is None


@pytest.mark.parametrize("version", ["0", "-1", "1.0", "new", " 1", "²", "1" * 20, "9" * 5000])
def test_anything_else_is_refused(version: str) -> None:
    with pytest.raises(InvalidRequest, match="whole number from 1 on"):
        number(version)
