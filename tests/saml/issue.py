"""An identity provider with its own key. It uses pysaml2, which signs by xmlsec1."""

import datetime
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

AUDIENCE = "https://app.example/saml"
SUBJECT = "user1@sandbox.example"

_METADATA = f"""<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{AUDIENCE}">
<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<AssertionConsumerService Binding="{BINDING_HTTP_POST}" Location="{AUDIENCE}" index="1"/>
</SPSSODescriptor></EntityDescriptor>"""


class IdentityProvider:
    """Signs responses or the assertions in them."""

    def __init__(self, folder: pathlib.Path):
        key, self.certificate = _fresh_key()
        (folder / "idp.key").write_text(key)
        (folder / "idp.pem").write_text(self.certificate)
        config = IdPConfig().load(
            {
                "entityid": "https://idp.example/saml",
                "key_file": str(folder / "idp.key"),
                "cert_file": str(folder / "idp.pem"),
                "metadata": {"inline": [_METADATA]},
                "service": {
                    "idp": {
                        "endpoints": {
                            "single_sign_on_service": [
                                ("https://idp.example/sso", BINDING_HTTP_REDIRECT)
                            ]
                        },
                        "policy": {"default": {"lifetime": {"minutes": 15}}},
                    }
                },
            }
        )
        self._server = Server(config=config)

    def response(self, signed: str) -> str:
        """Returns a response. `signed` names the signed element, "Response" or "Assertion"."""
        return str(
            self._server.create_authn_response(
                identity={"displayName": ["Zoë & Søn, a name with  spaces"]},
                in_response_to="_a-request",
                destination=AUDIENCE,
                sp_entity_id=AUDIENCE,
                name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=SUBJECT),
                authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"},
                sign_response=signed == "Response",
                sign_assertion=signed == "Assertion",
                sign_alg=SIG_RSA_SHA256,
                digest_alg=DIGEST_SHA256,
            )
        )


def _fresh_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return (
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        certificate.public_bytes(pem).decode(),
    )
