"""`stepwire record` and `stepwire replay` where servers and clients must show who they are."""

from __future__ import annotations

from pathlib import Path

import pytest

import stepwire
import stepwire.sync
from tests.certificates import Authority
from tests.e2e.deployed import put_models, serving
from tests.e2e.loading import COMMAND
from tests.e2e.recorder import recording, replayed
from tests.pages import shell
from torture.processes import Server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return put_models(tmp_path / "repository")


def test_certificates_and_credentials_go_through(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "live.rec"
    authority = Authority(tmp_path / "authority")
    pair, own = authority.issue("localhost"), authority.issue("localhost")
    tokens = tmp_path / "tokens.toml"
    token = shell(f"{COMMAND} token robot --add {tokens}").split()[-1]
    secured = ("--tls-cert", str(pair.certificate), "--tls-key", str(pair.key))
    shown = ("--tls-cert", str(own.certificate), "--tls-key", str(own.key))
    ca = str(authority.certificate)
    with serving(root, *secured, "--tokens", str(tokens)) as server:
        behind = f"localhost:{server.port}"
        with recording(behind, file, "--ca", ca, *shown) as recorder:
            address = f"localhost:{recorder.port}"
            with stepwire.sync.connect(address, ca=ca, credential=token) as client:
                with client.stream("accumulator") as stream:
                    assert stream.step([1.0]) == [1.0]
            with stepwire.sync.connect(address, ca=ca) as client:
                with pytest.raises(stepwire.Unauthenticated):
                    with client.stream("accumulator"):
                        pass
            recorder.ended()
        secret = tmp_path / "secret"
        secret.write_text(token)
        same = replayed(file, behind, "--ca", ca, "--credential-file", str(secret))
    assert (same.code, same.lines[1]) == (0, "  outputs     1 of 1 steps equal, bit for bit")
    assert token.encode() not in file.read_bytes()


def test_a_credential_is_not_passed_on_in_plain_text_to_others(
    server: Server, tmp_path: Path
) -> None:
    """To whom the address does not show that it is this machine."""

    def stepped(address: str) -> bool:
        with stepwire.sync.connect(address, credential="secret") as client:
            with client.stream("accumulator") as stream:
                return bool(stream.step([1.0]) == [1.0])

    elsewhere = f"0.0.0.0:{server.port}"
    with recording(elsewhere, tmp_path / "1.rec") as recorder:
        with pytest.raises(stepwire.Unauthenticated, match="--plaintext-credential"):
            stepped(recorder.address)
    with recording(elsewhere, tmp_path / "2.rec", "--plaintext-credential") as recorder:
        assert stepped(recorder.address)
