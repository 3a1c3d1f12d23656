"""TLS: a real handshake with certificates made for the test."""

import io
import ssl
from datetime import UTC, datetime, timedelta

import grpc
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.kit.patience import PATIENCE
from tests.kit.workers import working


class Authority:
    """Signs certificates for localhost."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("test authority", self.key, authority=True)

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, name):
        """Certificate and private key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._sign(name, key).public_bytes(serialization.Encoding.PEM), private

    def _sign(self, name, key, *, authority=False):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if authority else self.certificate.subject
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture
def authority():
    return Authority()


@pytest.fixture
def secured(settings, authority, tmp_path):
    """A configuration with TLS."""
    certificate, key = authority.issue("localhost")
    for name, content in (("cert.pem", certificate), ("key.pem", key), ("ca.pem", authority.pem)):
        (tmp_path / name).write_bytes(content)
    settings["server"] |= {"tls_cert": str(tmp_path / "cert.pem"), "tls_key": str(tmp_path / "key.pem")}
    return settings


async def answered(settings, credentials):
    """Whether a client with these credentials (None: without TLS) is answered by a worker of these settings."""
    async with working(settings, io.StringIO()) as (worker, _):
        address = f"localhost:{worker.port}"
        channel = grpc.aio.secure_channel(address, credentials) if credentials else grpc.aio.insecure_channel(address)
        async with channel:
            try:
                await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
            except grpc.aio.AioRpcError as error:
                return error.code()
            return grpc.StatusCode.OK


async def test_a_client_that_trusts_the_authority_is_answered_and_plain_text_is_not(secured, authority):
    trusting = grpc.ssl_channel_credentials(authority.pem)
    assert await answered(secured, trusting) == grpc.StatusCode.OK
    assert await answered(secured, None) == grpc.StatusCode.UNAVAILABLE


async def test_a_client_that_trusts_somebody_else_does_not_connect(secured):
    assert await answered(secured, grpc.ssl_channel_credentials(Authority().pem)) == grpc.StatusCode.UNAVAILABLE


async def test_with_a_client_authority_only_its_clients_are_answered(secured, authority, tmp_path):
    secured["server"]["tls_client_ca"] = str(tmp_path / "ca.pem")
    certificate, key = authority.issue("a crm")
    known = grpc.ssl_channel_credentials(authority.pem, key, certificate)
    assert await answered(secured, known) == grpc.StatusCode.OK
    assert await answered(secured, grpc.ssl_channel_credentials(authority.pem)) == grpc.StatusCode.UNAVAILABLE


async def test_http_speaks_tls_by_the_same_files(secured, tmp_path):
    secured["server"]["tls_client_ca"] = str(tmp_path / "ca.pem")
    secured["http"] = {"listen": "127.0.0.1:0", "api": True, "tls": True}
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    async with working(secured, io.StringIO()) as (worker, _):
        url = f"https://localhost:{worker.http_port}/openapi.json"
        async with httpx2.AsyncClient(verify=trusting, trust_env=False) as stranger:
            with pytest.raises(httpx2.TransportError):
                await stranger.get(url)
        trusting.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        async with httpx2.AsyncClient(verify=trusting, trust_env=False) as known:
            assert (await known.get(url)).status_code == 200
            with pytest.raises(httpx2.TransportError):
                await known.get(url.replace("https:", "http:"))
