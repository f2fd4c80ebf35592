from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from service.access.certificates import CertificateError, read, watch
from tests.certificates import Authority, Pair


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates") / "a")


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.issue("localhost")


def test_the_files_are_given_as_they_are(authority: Authority, pair: Pair) -> None:
    found = read(*pair, authority.certificate)
    assert found.chain == pair.certificate.read_bytes()
    assert found.key == pair.key.read_bytes()
    assert found.client_authorities == authority.certificate.read_bytes()
    assert read(*pair, None).client_authorities is None


def test_a_missing_file_is_told_with_its_setting(pair: Pair, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    for setting, paths in (
        ("tls-cert", (nowhere, pair.key, None)),
        ("tls-key", (pair.certificate, nowhere, None)),
        ("tls-client-ca", (*pair, nowhere)),
    ):
        with pytest.raises(CertificateError) as refused:
            read(*paths)
        assert (
            str(refused.value) == f"{setting}: {nowhere} cannot be read: No such file or directory"
        )


JUNK = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("content", [b"", b"\xff", b"text", JUNK])
def test_what_is_no_pem_is_told_with_its_setting(
    pair: Pair, tmp_path: Path, content: bytes
) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(content)
    with pytest.raises(CertificateError, match="^tls-cert: .*junk holds no certificate in PEM"):
        read(junk, pair.key, None)
    with pytest.raises(CertificateError, match="^tls-key: .*junk holds no private key in PEM"):
        read(pair.certificate, junk, None)
    with pytest.raises(CertificateError, match="^tls-client-ca: .*junk holds no certificate"):
        read(*pair, junk)


def test_a_key_of_another_certificate_is_refused(authority: Authority, pair: Pair) -> None:
    other = authority.issue("elsewhere")
    with pytest.raises(CertificateError, match=r"^tls-key: .* is not the key of the certificate"):
        read(pair.certificate, other.key, None)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_refused_and_nobody_is_asked(
    pair: Pair, tmp_path: Path, form: PrivateFormat
) -> None:
    key = load_pem_private_key(pair.key.read_bytes(), None)
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(
        key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"password"))
    )
    with pytest.raises(CertificateError, match="is encrypted.*openssl pkey -in"):
        read(pair.certificate, encrypted, None)


def test_a_half_finished_rotation_keeps_the_pair_that_works(
    authority: Authority, tmp_path: Path
) -> None:
    old, new = authority.issue("rotated"), authority.issue("next")
    watched = watch(*old, None)
    before = watched.content
    old.certificate.write_bytes(new.certificate.read_bytes())
    assert not watched.refresh() and watched.content is before
    old.key.write_bytes(new.key.read_bytes())
    assert watched.refresh() and watched.content.key == new.key.read_bytes()


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o644, True)])
def test_a_key_that_everyone_may_read_is_warned_of(
    authority: Authority, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    pair = authority.issue("localhost")
    pair.key.chmod(mode)
    read(*pair, None)
    assert (f"tls-key: every user may read {pair.key}" in caplog.text) is warned
