//! TLS with a certificate authority of the sandbox's own.

use std::{sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
    server::TlsStream,
};

use crate::clock::Clock;

pub(super) struct Tls {
    acceptor: TlsAcceptor,
    pub(super) ca_certificate_pem: String,
}

impl Tls {
    /// Makes an authority and one certificate, for loopback and for both hosts of each region.
    pub(super) fn for_regions(domains: &[&str]) -> Self {
        let mut names: Vec<_> = LOOPBACK_NAMES.map(str::to_owned).into();
        for label in ["login", "api"] {
            names.extend(domains.iter().map(|domain| format!("{label}.{domain}")));
        }
        let authority = new_authority();
        let key = KeyPair::generate().expect("a key");
        let mut params = certificate_params(names, "Sandbox");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &authority).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key in DER");
        Self {
            acceptor: acceptor(certificate.der().clone(), key),
            ca_certificate_pem: authority.pem(),
        }
    }

    /// Returns `None` if the client does not complete the handshake.
    pub(super) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let handshake = timeout(MAX_HANDSHAKE, self.acceptor.accept(stream));
        handshake.await.ok()?.ok()
    }
}

fn new_authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = certificate_params(Vec::new(), "Sandbox CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a certificate")
}

fn certificate_params(names: Vec<String>, common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(names).expect("valid names");
    let distinguished_name = &mut params.distinguished_name;
    distinguished_name.push(DnType::CommonName, common_name);
    // Apple's platforms accept no certificate with a longer life.
    let now = Clock::system().wall();
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY * 397).into();
    params
}

/// The program may have another default provider of cryptography.
fn acceptor(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> TlsAcceptor {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key of the certificate");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const MAX_HANDSHAKE: Duration = Duration::from_secs(10);

const DAY: Duration = Duration::from_secs(86_400);
