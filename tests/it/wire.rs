//! The requests that are sent, compared with those of Genesys Cloud's own SDKs.

use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::{
    ClientCredentials, HttpClient, PlatformClient, Region, TokenProvider, error::TransportKind,
};
use serde_json::{Value, json};

use crate::support::{
    CLIENT_ID, SECRET, TOKEN, good_token, kind_of,
    server::{Received, Reply, Server},
    tls::Authority,
};

#[tokio::test]
async fn token_request_equals_the_sdks() {
    for secret in [SECRET, SPECIAL_SECRET] {
        let cloud = Cloud::start();
        let api = cloud.client(CLIENT_ID, secret);
        api.tokens().token().await.unwrap();

        let sent = single(cloud.login.requests());
        for recorded in TOKEN_REQUEST {
            recorded.assert_matches(&sent);
            assert_eq!(form(&sent.body), form(recorded.body.as_bytes()));
        }
        let basic = sent.header("authorization").unwrap();
        let basic = STANDARD.decode(basic.strip_prefix("Basic ").unwrap());
        assert_eq!(basic.unwrap(), format!("{CLIENT_ID}:{secret}").as_bytes());
        assert_only_known_headers(&sent, &["content-length"]);
        assert!(cloud.api.requests().is_empty());
    }
}

#[tokio::test]
async fn call_equals_the_sdks() {
    let cloud = Cloud::start();
    let api = cloud.client(CLIENT_ID, SECRET);
    let _: Value = api.get("/api/v2/users/me").fetch().await.unwrap();

    let sent = single(cloud.api.requests());
    for recorded in GET {
        recorded.assert_matches(&sent);
    }
    assert!(sent.body.is_empty());
    assert_only_known_headers(&sent, &[]);
}

#[tokio::test]
async fn call_with_a_body_equals_the_sdks() {
    let cloud = Cloud::start();
    let api = cloud.client(CLIENT_ID, SECRET);
    let search = api
        .post("/api/v2/users/search")
        .json(&json!({"pageSize": 25}));
    let _: Value = search.fetch().await.unwrap();

    let sent = single(cloud.api.requests());
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    for recorded in POST {
        recorded.assert_matches(&sent);
        assert_eq!(body, serde_json::from_str::<Value>(recorded.body).unwrap());
    }
    assert_only_known_headers(&sent, &["content-length"]);
}

#[tokio::test]
async fn app_name_is_sent_to_both_hosts() {
    let cloud = Cloud::start();
    let tokens = cloud.builder(CLIENT_ID, SECRET).app("crm-sync/1.4");
    let api = PlatformClient::new(tokens.build().unwrap());
    let _: Value = api.get("/api/v2/users/me").fetch().await.unwrap();

    for server in [&cloud.login, &cloud.api] {
        let sent = single(server.requests());
        let agent = format!("crm-sync/1.4 {PRODUCT}");
        assert_eq!(sent.header("user-agent"), Some(agent.as_str()));
        assert_eq!(sent.header("genesys-app"), Some("crm-sync/1.4"));
    }
}

#[tokio::test]
async fn host_with_an_untrusted_certificate_receives_nothing() {
    let cloud = Cloud::start();
    let other = Authority::new().certificate();
    let other_authority = move |reqwest: reqwest::ClientBuilder| {
        let trusted = [other.clone()];
        reqwest.tls_certs_only(trusted)
    };
    let system_authorities = |reqwest: reqwest::ClientBuilder| reqwest;
    for http_client in [
        cloud.http_client(other_authority),
        cloud.http_client(system_authorities),
    ] {
        let tokens = TokenProvider::builder(Region::EuWest1, credentials(SECRET));
        let tokens = tokens.http_client(http_client).build().unwrap();
        let error = tokens.token().await.unwrap_err();
        assert_eq!(
            kind_of(&error),
            format!("Transport {:?}", TransportKind::Tls)
        );
        assert!(error.is_transient());
    }
    // Each is tried twice, because nothing was sent.
    assert_eq!(cloud.login.connections(), 4);
    assert!(cloud.login.requests().is_empty());
}

/// Both hosts of a region under their own names.
struct Cloud {
    login: Server,
    api: Server,
    authority: Authority,
}

impl Cloud {
    fn start() -> Self {
        let authority = Authority::new();
        let login = Server::start_tls(authority.acceptor(LOGIN), good_token(TOKEN));
        let api = Server::start_tls(authority.acceptor(API), Reply::json(200, "{}"));
        Self {
            login,
            api,
            authority,
        }
    }

    fn http_client<F>(&self, configure: F) -> HttpClient
    where
        F: Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    {
        let (login, api) = (self.login.address(), self.api.address());
        let configure = move |reqwest: reqwest::ClientBuilder| {
            configure(reqwest)
                .no_proxy()
                .resolve_to_addrs(LOGIN, &[login])
                .resolve_to_addrs(API, &[api])
        };
        HttpClient::new(configure).unwrap()
    }

    fn builder(&self, id: &str, secret: &str) -> genesys_cloud_auth::TokenProviderBuilder {
        let trusted = self.authority.certificate();
        let http_client =
            self.http_client(move |reqwest| reqwest.tls_certs_only([trusted.clone()]));
        let credentials = ClientCredentials::new(id, secret).unwrap();
        TokenProvider::builder(Region::EuWest1, credentials).http_client(http_client)
    }

    fn client(&self, id: &str, secret: &str) -> PlatformClient {
        PlatformClient::new(self.builder(id, secret).build().unwrap())
    }
}

/// A request that one SDK sent.
#[derive(Clone, Copy)]
struct Recorded {
    sdk: &'static str,
    method: &'static str,
    target: &'static str,
    host: &'static str,
    /// The scheme of `Authorization`; the recorded credentials are left out.
    scheme: &'static str,
    content_type: &'static str,
    body: &'static str,
}

impl Recorded {
    fn assert_matches(&self, sent: &Received) {
        let sdk = self.sdk;
        assert_eq!(sent.method, self.method, "{sdk}");
        assert_eq!(sent.target, self.target, "{sdk}");
        assert_eq!(sent.header("host"), Some(self.host), "{sdk}");
        let authorization = sent.header("authorization").unwrap();
        let (scheme, credentials) = authorization.split_once(' ').unwrap();
        assert_eq!(scheme, self.scheme, "{sdk}");
        assert!(scheme == "Basic" || credentials == TOKEN, "{sdk}");
        // Both SDKs send a type even without a body; RFC 9110 8.3 requires one only with a body.
        let expected = (!sent.body.is_empty()).then_some(self.content_type);
        assert_eq!(sent.header("content-type"), expected, "{sdk}");
    }
}

/// Asserts that each header is compared with the SDKs' or listed with its reason.
fn assert_only_known_headers(sent: &Received, with_body: &[&str]) {
    for (name, value) in &sent.headers {
        let compared = ["host", "authorization", "content-type"].contains(&name.as_str());
        let own = OWN_HEADERS
            .iter()
            .any(|(known, wanted, _)| known == name && wanted == value);
        let of_body = with_body.contains(&name.as_str()) && *value == sent.body.len().to_string();
        assert!(
            compared || own || of_body,
            "{name}: {value} is sent without a reason"
        );
    }
    for (name, value, why) in OWN_HEADERS {
        assert_eq!(sent.header(name), Some(*value), "{why}");
    }
    for name in with_body {
        assert!(sent.header(name).is_some(), "{name}");
    }
}

/// The headers that are sent in addition to those compared with the SDKs, and to `Content-Length`,
/// which every body needs (RFC 9112 6.2).
const OWN_HEADERS: &[(&str, &str, &str)] = &[
    (
        "accept",
        "application/json",
        "names the accepted type; both SDKs send it to the API, one of them to the token endpoint",
    ),
    (
        "accept-encoding",
        "identity",
        "names the only coding that is read; one of the SDKs sends it, too",
    ),
    (
        "user-agent",
        PRODUCT,
        "names the client in the server's log; both SDKs send theirs",
    ),
];

fn form(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

fn single(mut requests: Vec<Received>) -> Received {
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}

fn credentials(secret: &str) -> ClientCredentials {
    ClientCredentials::new(CLIENT_ID, secret).unwrap()
}

const TOKEN_REQUEST: [Recorded; 2] = by_both(
    Recorded {
        method: "POST",
        target: "/oauth/token",
        host: LOGIN,
        scheme: "Basic",
        content_type: "application/x-www-form-urlencoded",
        body: "grant_type=client_credentials",
        ..GET[0]
    },
    "grant_type=client_credentials",
);

const GET: [Recorded; 2] = by_both(
    Recorded {
        sdk: "",
        method: "GET",
        target: "/api/v2/users/me",
        host: API,
        scheme: "Bearer",
        content_type: "application/json",
        body: "",
    },
    "",
);

const POST: [Recorded; 2] = by_both(
    Recorded {
        method: "POST",
        target: "/api/v2/users/search",
        body: r#"{"pageSize": 25}"#,
        ..GET[0]
    },
    r#"{"pageSize":25}"#,
);

/// Returns the request of the Python SDK, and that of the JavaScript SDK with another body.
const fn by_both(python: Recorded, javascript_body: &'static str) -> [Recorded; 2] {
    [
        Recorded {
            sdk: "PureCloudPlatformClientV2 269.0.0",
            ..python
        },
        Recorded {
            sdk: "purecloud-platform-client-v2 262.0.0",
            body: javascript_body,
            ..python
        },
    ]
}

const LOGIN: &str = "login.mypurecloud.ie";
const API: &str = "api.mypurecloud.ie";
const PRODUCT: &str = concat!("genesys-cloud-auth/", env!("CARGO_PKG_VERSION"));

/// A secret with characters that a form or a URL would encode. Basic does not.
const SPECIAL_SECRET: &str = "a:b+c/d=e%20f&g h\"é";
