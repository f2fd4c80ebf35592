from __future__ import annotations

from pathlib import Path

import grpc
import pytest

import stepwire
from stepwire.channel import Security, is_loopback
from tests.certificates import Authority
from tests.scripted import Scene, playing

SECRET = "s3cret-t0ken"


@pytest.mark.parametrize(
    "target",
    [
        "localhost:50051",
        "127.0.0.1:50051",
        "127.8.7.6:1",
        "[::1]:50051",
        "unix:/run/stepwire",
        "unix-abstract:x",
    ],
)
def test_this_machine_is_known(target: str) -> None:
    assert is_loopback(target)


@pytest.mark.parametrize(
    "target",
    [
        "robot.example:50051",
        "10.0.0.7:50051",
        "localhost.example:50051",
        "127.0.0.1.example:1",
        "ipv4:127.0.0.1:1,10.0.0.7:1",
        "dns:///localhost:50051",
        "localhost",
        "",
    ],
)
def test_what_may_be_another_machine_is_not_this_one(target: str) -> None:
    assert not is_loopback(target)


def test_a_credential_goes_over_no_line_that_others_can_read() -> None:
    with pytest.raises(ValueError, match="could read the credential: give `ca`") as refused:
        stepwire.connect("robot.example:50051", credential=SECRET)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("target", "security"),
    [
        ("localhost:1", Security(credential=SECRET)),
        ("robot.example:1", Security(credential=SECRET, tls=True)),
        ("robot.example:1", Security(credential=SECRET, ca="ca.pem")),
        ("robot.example:1", Security(credential=SECRET, plaintext_credential=True)),
        ("robot.example:1", Security()),
    ],
)
def test_a_credential_that_nobody_else_reads_is_allowed(target: str, security: Security) -> None:
    security.check(target)


@pytest.mark.parametrize("credential", ["", "two words", "line\n", "ümlaut"])
def test_what_no_bearer_token_can_be_is_refused_unnamed(credential: str) -> None:
    with pytest.raises(ValueError, match="a credential is made of letters") as refused:
        Security(credential=credential).check("localhost:1")
    assert not credential or credential not in str(refused.value)


async def test_no_repr_shows_a_credential() -> None:
    security = Security(credential=SECRET)
    async with stepwire.connect("localhost:1", credential=SECRET) as client:
        for shown in (security, client, client.stream("m")):
            assert SECRET not in repr(shown)


@pytest.mark.parametrize("given", ["certificate", "key"])
def test_half_of_a_pair_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="go together"):
        Security(**{given: "x.pem"}).check("localhost:1")  # type: ignore[arg-type]  # a name of str


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("hello")
    with pytest.raises(ValueError, match=r"wrong.pem is not a PEM file"):
        stepwire.connect("localhost:1", ca=wrong)
    with pytest.raises(FileNotFoundError, match=r"missing.pem"):
        stepwire.connect("localhost:1", ca=tmp_path / "missing.pem")


async def greet(scene: Scene) -> None:
    await scene.opened()
    assert scene.metadata["authorization"] == f"Bearer {SECRET}"
    await scene.until_closed()


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


def credentials(ours: Authority, *, mutual: bool) -> grpc.ServerCredentials:
    pair = ours.issue("localhost")
    return grpc.ssl_server_credentials(
        [(pair.key.read_bytes(), pair.certificate.read_bytes())],
        ours.certificate.read_bytes() if mutual else None,
        require_client_auth=mutual,
    )


async def test_a_server_is_trusted_by_its_authority(ours: Authority) -> None:
    async with playing(greet, secured=credentials(ours, mutual=False)) as address:
        async with stepwire.connect(address, ca=ours.certificate, credential=SECRET) as client:
            async with client.stream("m") as stream:
                assert stream.version == 1


async def test_a_server_of_another_authority_is_not_talked_to(
    ours: Authority, tmp_path: Path
) -> None:
    others = Authority(tmp_path / "others")
    async with playing(secured=credentials(ours, mutual=False)) as address:
        async with stepwire.connect(address, ca=others.certificate, retry_for=0.3) as client:
            with pytest.raises(stepwire.Unavailable, match="(?i)certificate"):
                await client.stream("m").open()


async def test_a_client_shows_the_certificate_that_the_server_asks_for(ours: Authority) -> None:
    own = ours.issue("client")
    async with playing(greet, secured=credentials(ours, mutual=True)) as address:
        async with stepwire.connect(
            address,
            ca=ours.certificate,
            certificate=own.certificate,
            key=own.key,
            credential=SECRET,
        ) as client:
            async with client.stream("m") as stream:
                assert stream.version == 1
