from __future__ import annotations

import pytest

from stepwire.addresses import fault


@pytest.mark.parametrize(
    "text",
    ["localhost:50051", "a.example.org:1", "10.0.0.1:65535", "[::1]:50051", "[fe80::1%eth0]:1"],
)
def test_a_host_and_a_port_have_no_fault(text: str) -> None:
    assert fault(text) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (" h:1", "a space"),
        ("h:1\n", "a space"),
        ("h :1", "a space"),
        ("http://h:50051", "http:// does not belong to it"),
        ("dns:///h:50051", "dns:// does not belong to it"),
        ("", "a host and a port are needed"),
        ("h", "a host and a port are needed"),
        ("h:", "a host and a port are needed"),
        (":1", "a host and a port are needed"),
        ("h:-1", "a host and a port are needed"),
        ("h:٣", "a host and a port are needed"),
        ("[::1]", "a host and a port are needed"),
        ("::1", "an IPv6 address needs brackets"),
        ("::1:50051", "an IPv6 address needs brackets"),
        ("[::1:50051", "an IPv6 address needs brackets"),
        ("(::1):50051", "an IPv6 address needs brackets"),
        ("[h]:50051", "an IPv6 address needs brackets"),
        ("]:1", "an IPv6 address needs brackets"),
        ("h:0", "a port is 1 to 65535"),
        ("h:65536", "a port is 1 to 65535"),
        ("h:" + "9" * 5000, "a port is 1 to 65535"),
    ],
)
def test_each_fault_is_told_in_a_few_words(text: str, why: str) -> None:
    assert why in fault(text)
    assert "\n" not in fault(text)


def test_who_listens_may_take_a_free_port() -> None:
    assert fault("localhost:0", lowest_port=0) == ""
    assert fault("localhost:65536", lowest_port=0) == "a port is 0 to 65535"
