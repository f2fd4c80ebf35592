from __future__ import annotations

import pytest

from stepwire.addresses import fault, target_fault


@pytest.mark.parametrize(
    "text",
    [
        "localhost:50051",
        "a.example.org:1",
        "10.0.0.1:65535",
        "[::1]:50051",
        "[fe80::1%eth0]:1",
        "a_b-c.:1",
    ],
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
        ("::1", "an IPv6 address in brackets"),
        ("::1:50051", "an IPv6 address in brackets"),
        ("[::1:50051", "an IPv6 address in brackets"),
        ("(::1):50051", "an IPv6 address in brackets"),
        ("[h]:50051", "an IPv6 address in brackets"),
        ("]:1", "an IPv6 address in brackets"),
        ("[::1%\x00]:1", "an IPv6 address in brackets"),
        ("ipv4:127.0.0.1:50051", "a host is a name, an IPv4 address, or an IPv6 address"),
        ("host/path:1", "a host is a name"),
        ("h\x00:1", "a host is a name"),
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


@pytest.mark.parametrize(
    "text",
    [
        "localhost:50051",
        "dns:localhost:50051",
        "dns:///localhost:50051",
        "dns://10.0.0.2:53/a.example.org:50051",
        "dns:[::1]:50051",
        "ipv4:127.0.0.1:50051",
        "ipv4:10.0.0.1:1,10.0.0.2:2",
        "ipv6:[::1]:50051",
        "ipv6:[::1]:1,[::2]:2",
    ],
)
def test_who_connects_may_name_a_resolver_of_grpc(text: str) -> None:
    assert target_fault(text) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://h:50051", "http:// does not belong to it"),
        ("dns:h", "a host and a port are needed"),
        ("dns:50051", "a host and a port are needed"),
        ("dns:///", "a host and a port are needed"),
        ("dns://h:50051", "a host is a name"),
        ("dns:///a//b/h:50051", "a host is a name"),
        ("ipv4:127.0.0.1", "a host and a port are needed"),
        ("ipv4:127.0.0.1:1,", "a host and a port are needed"),
        ("ipv4:127.0.0.1:0", "a port is 1 to 65535"),
        ("ipv4:localhost:1", "ipv4: needs an IPv4 address"),
        ("ipv4:127.0.0.1:1,[::1]:1", "ipv4: needs an IPv4 address"),
        ("ipv6:::1", "a host is a name"),
        ("ipv6:127.0.0.1:1", "ipv6: needs an IPv6 address"),
    ],
)
def test_what_grpc_would_not_connect_to_is_told(text: str, why: str) -> None:
    assert why in target_fault(text)
