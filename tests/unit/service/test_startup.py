from __future__ import annotations

import gc

import pytest

from service.startup import announce, spare_what_is_loaded


def test_what_is_up_is_announced(capsys: pytest.CaptureFixture[str]) -> None:
    announce("127.0.0.1:1", ["gru/1", "lstm/2"], "127.0.0.1:2", True, "models run on the CPU")
    assert capsys.readouterr().out.splitlines() == [
        "stepwire: listening on 127.0.0.1:1, serving gru/1, lstm/2",
        "stepwire: health and metrics on http://127.0.0.1:2",
        "stepwire: live page on http://127.0.0.1:2/",
        "stepwire: models run on the CPU",
    ]
    announce("127.0.0.1:1", ["gru/1"], None, page=True)
    assert len(capsys.readouterr().out.splitlines()) == 1
    announce("127.0.0.1:1", ["gru/1"], None, device="models run on cuda:0, NVIDIA L4")
    assert capsys.readouterr().out.splitlines()[1:] == ["stepwire: models run on cuda:0, NVIDIA L4"]


def test_the_garbage_collector_no_longer_looks_at_what_is_loaded() -> None:
    loaded: list[object] = []
    try:
        spare_what_is_loaded()
        assert not any(each is loaded for each in gc.get_objects())
    finally:
        gc.unfreeze()
    assert any(each is loaded for each in gc.get_objects())
