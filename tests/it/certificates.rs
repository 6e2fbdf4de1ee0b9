//! A machine without CA certificates, as a small image is.

use genesys_cloud_auth::{HttpClient, PlatformClient, Region, TokenProvider};

use crate::support::{
    assert_contains,
    child_process::{command, job, messages_of, send_to_parent},
    credentials, good_token,
    runtime::runtime,
    server::{Reply, Server},
    tls::Authority,
};

/// Runs the test again where no certificates are found, and returns what it reports.
fn without_certificates(test: &str, job: &[&str]) -> Vec<String> {
    let mut child = command(test, job);
    child.env("SSL_CERT_FILE", "/dev/null");
    child.env("SSL_CERT_DIR", "/nonexistent");
    messages_of(&child.output().unwrap())
}

async fn name_at(
    region: Region,
    http_client: HttpClient,
) -> Result<String, genesys_cloud_auth::Error> {
    let tokens = TokenProvider::builder(region, credentials()).http_client(http_client);
    let api = PlatformClient::new(tokens.build()?);
    api.get("/api/v2/organizations/me").fetch().await
}

fn report(result: Result<String, genesys_cloud_auth::Error>) {
    send_to_parent(&result.unwrap_or_else(|error| error.to_string()));
}

#[test]
fn http_on_this_machine_needs_no_certificates() {
    let test = "certificates::http_on_this_machine_needs_no_certificates";
    if let Some(job) = job() {
        let region = || Region::custom(&job[0], &job[1]).unwrap();
        let own = HttpClient::new(|reqwest| reqwest.user_agent("an-app")).unwrap();
        for http_client in [HttpClient::default(), own] {
            report(runtime().block_on(name_at(region(), http_client)));
        }
        return;
    }
    let login = Server::start(good_token("a-token"));
    let api = Server::start(Reply::json(200, "\"Org\""));
    let said = without_certificates(test, &[&login.url(), &api.url()]);
    assert_eq!(said, ["Org", "Org"]);
}

/// The certificates of a closure are used as before. On a machine without any, the error says how to get some.
#[test]
fn https_without_certificates_names_the_cure() {
    let test = "certificates::https_without_certificates_names_the_cure";
    if let Some(job) = job() {
        let local = Region::custom(&job[0], &job[0]).unwrap();
        let der: Vec<u8> = job[1]
            .split(' ')
            .map(|byte| byte.parse().unwrap())
            .collect();
        let own = HttpClient::new(move |reqwest| {
            reqwest.tls_certs_only([reqwest::Certificate::from_der(&der).unwrap()])
        });
        for (region, http_client) in [
            (Region::EuWest1, HttpClient::default()),
            (local.clone(), HttpClient::default()),
            (local, own.unwrap()),
        ] {
            report(runtime().block_on(name_at(region, http_client)));
        }
        return;
    }
    let authority = Authority::new();
    let server = Server::start_tls(authority.acceptor("localhost"), good_token("a-token"));
    server.answers([good_token("a-token"), Reply::json(200, "\"Org\"")]);
    let port = server.address().port();
    let der: Vec<_> = authority.der().iter().map(u8::to_string).collect();
    let url = format!("https://localhost:{port}");
    let said = without_certificates(test, &[&url, &der.join(" ")]);
    let [remote, local, own] = &said[..] else {
        panic!("{said:?}")
    };
    for text in [remote, local] {
        assert!(text.contains("no CA certificates"), "{text}");
        assert_contains(text, "ca-certificates");
        assert_contains(text, "SSL_CERT_FILE");
    }
    assert_eq!(own, "Org");
}

/// The certificates of the machine are trusted for https on it, as for every other host.
#[test]
fn https_on_this_machine_trusts_its_certificates() {
    let test = "certificates::https_on_this_machine_trusts_its_certificates";
    if let Some(job) = job() {
        let region = Region::custom(&job[0], &job[0]).unwrap();
        return report(runtime().block_on(name_at(region, HttpClient::default())));
    }
    let authority = Authority::new();
    let server = Server::start_tls(authority.acceptor("localhost"), good_token("a-token"));
    server.answers([good_token("a-token"), Reply::json(200, "\"Org\"")]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.pem()).unwrap();
    let url = format!("https://localhost:{}", server.address().port());
    let mut child = command(test, &[url]);
    child.env("SSL_CERT_FILE", file.path());
    assert_eq!(messages_of(&child.output().unwrap()), ["Org"]);
}
