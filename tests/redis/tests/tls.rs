//! Redis over TLS, by the platform's certificates.

use std::fs;

use genesys_cloud_auth::store::{RedisStore, StoreKey, TokenStore as _, store_conformance};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::{
    child_process::{command, job, messages_of},
    member::runtime,
    server::{Server, free_port},
};

#[test]
fn store_over_tls_passes_conformance_if_it_is_trusted() {
    let test = "tls::store_over_tls_passes_conformance_if_it_is_trusted";
    if let Some(job) = job() {
        return use_store(&job[0], &job[1]);
    }
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let authority = file("authority", authority.pem());
    let (certificate, key) = (
        file("certificate", certificate.pem()),
        file("key", key.serialize_pem()),
    );
    let port = free_port().to_string();
    let _server = Server::start_with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &authority,
        "--tls-auth-clients",
        "no",
    ]);
    let url = format!("rediss://localhost:{port}");
    for is_trusted in [true, false] {
        let mut child = command(test, &[&*url, if is_trusted { "trusted" } else { "" }]);
        if is_trusted {
            child.env("SSL_CERT_FILE", &authority);
        }
        messages_of(&child.output().unwrap());
    }
}

fn use_store(url: &str, trusted: &str) {
    let open = async || RedisStore::new(url).unwrap();
    runtime().block_on(async {
        if trusted.is_empty() {
            let loading = open().await.load(&StoreKey::for_tests("a")).await;
            let error = loading.unwrap_err().to_string();
            assert!(error.contains("UnknownIssuer"), "{error}");
        } else {
            store_conformance(open).await.unwrap();
        }
    });
}
