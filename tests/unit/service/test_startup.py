from __future__ import annotations

import gc

from service.startup import spare_what_is_loaded


def test_the_garbage_collector_no_longer_looks_at_what_is_loaded() -> None:
    loaded: list[object] = []
    try:
        spare_what_is_loaded()
        assert not any(each is loaded for each in gc.get_objects())
    finally:
        gc.unfreeze()
    assert any(each is loaded for each in gc.get_objects())
