from __future__ import annotations

from pathlib import Path

import pytest

from service.settings import Settings, SettingsError, default_of, flag_of, load, variable_of
from tests.pages import Page


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)


def refusal(flags: dict[str, str], file: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(flags, file)
    return str(refused.value).splitlines()


def test_a_flag_goes_before_the_environment_which_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "stepwire.toml"
    file.write_text("window = 3\nmax_batch = 3\ngrace = 3\n")
    monkeypatch.setenv("STEPWIRE_WINDOW", "2")
    monkeypatch.setenv("STEPWIRE_MAX_BATCH", "2")
    settings = load({"window": "1"}, file)
    assert (settings.window, settings.max_batch, settings.grace) == (1, 2, 3.0)
    assert settings.idle_limit == 600.0


def test_each_wrong_setting_has_a_line_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPWIRE_GRACE", "soon")
    lines = refusal({"max_streams": "0", "listen": "nowhere"})
    assert len(lines) == 3
    starts = ("listen (--listen, STEPWIRE_LISTEN)", "max_streams (--max-streams,", "grace (--grace")
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)
    assert lines[0].endswith("as in localhost:50051, got 'nowhere'")


def test_an_unknown_setting_in_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "stepwire.toml"
    file.write_text("max_strems = 3\n")
    assert refusal({}, file) == ["max_strems: there is no such setting"]


@pytest.mark.parametrize("content", [b"window = ", b"\xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "stepwire.toml"
    file.write_bytes(content)
    assert f"config: {file} cannot be read" in refusal({}, file)[0]


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:0"])
def test_plain_text_is_served_on_loopback(listen: str) -> None:
    assert load({"listen": listen}).listen == listen


@pytest.mark.parametrize("listen", ["0.0.0.0:1", "[::]:1", "192.168.0.1:1", "example.org:1"])
def test_plain_text_elsewhere_wants_insecure(listen: str) -> None:
    assert "allow it with --insecure" in refusal({"listen": listen})[0]
    assert load({"listen": listen, "insecure": "true"}).listen == listen


CERTIFICATE = {"tls_cert": "cert.pem", "tls_key": "key.pem"}


def test_with_a_certificate_it_listens_anywhere() -> None:
    assert load({"listen": "0.0.0.0:1", **CERTIFICATE}).listen == "0.0.0.0:1"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"tls_cert": "cert.pem"}, "--tls-cert and --tls-key go together"),
        ({"tls_key": "key.pem"}, "--tls-cert and --tls-key go together"),
        ({"tls_client_ca": "ca.pem"}, "--tls-client-ca needs --tls-cert"),
    ],
)
def test_half_a_certificate_is_refused(flags: dict[str, str], message: str) -> None:
    [line] = refusal(flags)
    assert line.startswith("tls: ") and message in line
    assert load({**CERTIFICATE, "tls_client_ca": "ca.pem"}).tls_client_ca == Path("ca.pem")


def test_http_is_plain_text_and_follows_the_same_rule() -> None:
    assert load({}).http_listen is None
    assert load({"http_listen": "127.0.0.1:0"}).http_listen == "127.0.0.1:0"
    tls = {"tls_cert": "server.pem", "tls_key": "server.key"}
    [line] = refusal({"http_listen": "0.0.0.0:9090"} | tls)
    assert line.startswith("http_listen: 0.0.0.0:9090 can be reached from elsewhere")
    assert load({"http_listen": "0.0.0.0:9090", "insecure": "true"}).http_listen == "0.0.0.0:9090"
    [line] = refusal({"http_listen": "9090"})
    assert line.startswith("http_listen (--http-listen, STEPWIRE_HTTP_LISTEN): not HOST:PORT")


def test_the_live_page_is_where_only_this_machine_reaches_it_unless_told() -> None:
    here, there = {"http_listen": "127.0.0.1:0"}, {"http_listen": "0.0.0.0:0", "insecure": "true"}
    assert not load({}).serves_console
    assert load(here).serves_console
    assert not load(here | {"console": "off"}).serves_console
    assert not load(there).serves_console
    assert load(there | {"console": "on"}).serves_console
    assert refusal({"console": "on"}) == [
        "console: the live page needs a port: give it --http-listen HOST:PORT"
    ]


def test_many_workers_need_a_store_that_all_of_them_reach() -> None:
    [line] = refusal({"workers": "3"})
    assert "name one with --store sqlite:PATH or redis://HOST:PORT/DB" in line
    assert load({"workers": "3", "store": "sqlite:streams.db"}).workers == 3
    assert load({"workers": "1"}).store == "memory"


@pytest.mark.parametrize("listen", ["", ":1", "a:", "a:b", "a:65536", "a:-1", "50051"])
def test_an_address_is_host_and_port(listen: str) -> None:
    assert "not HOST:PORT:" in refusal({"listen": listen, "insecure": "true"})[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("idle_limit", "inf"),
        ("idle_limit", "nan"),
        ("keepalive", "1e9"),
        ("keepalive_timeout", "inf"),
        ("grace", "inf"),
        ("max_message_bytes", "99999999999"),
        ("threads", "99999999999"),
    ],
)
def test_what_no_one_can_keep_is_refused(name: str, value: str) -> None:
    [line] = refusal({name: value})
    assert line.startswith(f"{name} ({flag_of(name)}")


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:-1", "cpu:0"])
def test_a_device_is_cpu_or_cuda(device: str) -> None:
    [line] = refusal({"device": device})
    assert line.startswith("device (--device, STEPWIRE_DEVICE): not auto, cpu, cuda or cuda:N")
    assert line.endswith(f"got '{device}'")
    assert load({"device": "cuda:1"}).device == "cuda:1"


def test_memory_is_told_in_bytes_or_with_its_unit() -> None:
    assert load({}).device_memory is None
    assert load({"device_memory": "1048576"}).device_memory == 2**20
    assert load({"device_memory": "4GiB"}).device_memory == 2**32
    for wrong in ("much", "-1", "1023KiB"):
        [line] = refusal({"device_memory": wrong})
        assert line.startswith("device_memory (--device-memory, STEPWIRE_DEVICE_MEMORY): ")


@pytest.mark.parametrize(
    "endpoint",
    ["localhost:4318", "grpc://a:1", "http://", "http:///v1", "http://a b", "http://a?b"],
)
def test_an_endpoint_of_traces_is_a_url(endpoint: str) -> None:
    [line] = refusal({"otlp_endpoint": endpoint})
    assert line.startswith("otlp_endpoint (--otlp-endpoint, STEPWIRE_OTLP_ENDPOINT): not a URL")
    assert load({"otlp_endpoint": "https://a:4318/otlp"}).otlp_endpoint == "https://a:4318/otlp"


def test_every_setting_has_a_flag_a_variable_and_a_description() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
    assert flag_of("max_streams") == "--max-streams"
    assert variable_of("max_streams") == "STEPWIRE_MAX_STREAMS"


def test_the_page_has_every_setting_with_its_default_as_it_is_described() -> None:
    assert Page("docs/operating.md").table("flag") == [
        [flag_of(name), default_of(name), field.description]
        for name, field in Settings.model_fields.items()
    ]
