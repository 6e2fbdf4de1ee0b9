//! What an attacker between us, beside us or in our place must not get.

use std::{
    net::TcpListener,
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::{Connections, Error, PlatformClient, Region, TokenProvider};
use http::Method;

use crate::support::{
    CLIENT_ID, SECRET, TOKEN, credentials, good_token, kind_of, provider_of, region_of,
    server::{Received, Reply, Server},
};

#[tokio::test]
async fn the_secret_goes_to_the_login_host_alone_and_the_token_to_the_api_alone() {
    let pair = Pair::start();
    let tokens: [Reply; 20] = std::array::from_fn(|number| good_token(&format!("{TOKEN}{number}")));
    pair.login.answers(tokens);
    let api = pair.client(Connections::default());
    let call = |method| api.request(method, "/api/v2/users/me");

    for method in [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ] {
        call(method).body(&"x").send().await.unwrap();
    }
    api.tokens().token_info().await.unwrap();
    api.tokens().revoke().await.unwrap();
    // A refused token, and the one after it.
    pair.api
        .answers([Reply::json(401, ""), Reply::json(200, "{}")]);
    call(Method::GET).send().await.unwrap();
    for status in [302, 400, 401, 403, 429, 500] {
        pair.api.answers([Reply::json(status, "")]);
        let other = pair.client(Connections::default());
        drop(other.get("/api/v2/users/me").send().await);
    }
    for status in [302, 400, 401, 500] {
        pair.login.answers([Reply::json(status, "")]);
        let other = pair.client(Connections::default());
        other.tokens().token().await.unwrap_err();
    }

    let (login, api) = (pair.login.requests(), pair.api.requests());
    assert_eq!((login.len(), api.len()), (14, 17));
    for request in &login {
        assert_eq!(request.target, "/oauth/token");
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{SECRET}")));
        assert_eq!(request.header("authorization"), Some(basic.as_str()));
        assert_eq!(request.body, b"grant_type=client_credentials");
        assert!(!holds(request, &[TOKEN]));
    }
    for request in &api {
        assert!(request.target.starts_with("/api/v2/"));
        let bearer = format!("Bearer {TOKEN}");
        assert!(
            request
                .header("authorization")
                .unwrap()
                .starts_with(&bearer)
        );
        let secret = STANDARD.encode(SECRET);
        assert!(!holds(
            request,
            &[SECRET, &secret, "Basic", CLIENT_ID, "grant_type"]
        ));
    }
}

#[tokio::test]
async fn a_path_that_leaves_is_refused_before_anything_is_sent() {
    let pair = Pair::start();
    let elsewhere = Server::start(Reply::json(200, "{}"));
    let to = elsewhere.address();
    for prefix in ["", "/gateway"] {
        let api_url = format!("{}{prefix}", pair.api.url());
        let region = Region::custom(&pair.login.url(), &api_url, None).unwrap();
        let api = PlatformClient::new(provider_of(region).0.build().unwrap());
        for path in paths_that_leave(&to.to_string()) {
            for method in [Method::GET, Method::POST] {
                let error = api.request(method, &path).send().await.expect_err(&path);
                assert_eq!(kind_of(&error), "InvalidPath", "{path:?}: {error}");
            }
        }
        for id in [
            "",
            ".",
            "..",
            "../x",
            "%2e%2e",
            "..%2f",
            "a\\b",
            "a\0",
            "a\r\nHost: x",
        ] {
            let call = api.get("/api/v2/users").segment(id);
            assert_eq!(kind_of(&call.send().await.expect_err(id)), "InvalidPath");
        }
    }
    assert_eq!((pair.api.connections(), elsewhere.connections()), (0, 0));
    assert_eq!(pair.login.connections(), 0, "nor is a token asked for");
}

/// Every way to spell another place: another host, another port, above the API.
fn paths_that_leave(to: &str) -> Vec<String> {
    let mut paths: Vec<String> = [
        "http://{}/x",
        "https://{}/x",
        "//{}/x",
        "///{}/x",
        "/\t/{}/x",
        "/\n/{}/x",
        "/\r/{}/x",
        "/\\{}/x",
        "\\\\{}/x",
        "\\/{}/x",
        "@{}/x",
        ":x@{}/x",
        ".{}/x",
        " //{}/x",
        "\u{a0}//{}/x",
        "\0//{}/x",
        "?//{}/x",
        "#@{}/x",
    ]
    .map(|path| path.replace("{}", to))
    .to_vec();
    paths.extend(
        [
            "",
            "api/v2/users",
            "/..",
            "/../x",
            "/./x",
            "/api/..",
            "/api/../../x",
            "/api/%2e%2e/x",
            "/api/%2E%2E/x",
            "/api/.%2e/x",
            "/api/%2e./x",
            "/api/%2e/x",
            "/api/%252e%252e/x",
            "/api/%25252e%25252e/x",
            "/api/..%2fx",
            "/api/x%2f..%2fy",
            "/api/..%5cx",
            "/api/x%5c..",
            "/api/..;/x",
            "/api/..;a=b/x",
            "/api/\\../x",
            "/api/.\t./x",
            "/api/.\n./x",
            "/api/%00",
            "/api/%0d%0aHost:x",
            "/api//x",
            "/api/x/",
            "/api/x#y",
            "/api/x?y#z",
            "/api/x?y\r\nHost: x",
        ]
        .map(str::to_owned),
    );
    paths
}

#[tokio::test]
async fn a_region_that_only_looks_like_one_is_none() {
    for text in [
        "mypurecloud.de.evil.example",
        "evilmypurecloud.de",
        "evil.example/mypurecloud.de",
        "https://login.mypurecloud.de@evil.example",
        "https://evil.example#login.mypurecloud.de",
        "https://evil.example\\login.mypurecloud.de",
        "http://login.mypurecloud.de",
        "login.mypurecloud.de:8443",
        "login.login.mypurecloud.de",
        "mypurecloud.de.",
        "mypurecloud.d\u{435}",
    ] {
        let error = text.parse::<Region>().expect_err(text);
        assert_eq!(kind_of(&Error::from(error)), "InvalidRegion");
    }
    for url in [
        "http://evil.example",
        "http://localhost.:1",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://0.0.0.0:1",
        "https://user@login.example",
        "https://login.example?x",
        "https://login.example#x",
        "ftp://localhost",
    ] {
        let loopback = "http://localhost";
        assert!(Region::custom(url, loopback, None).is_err(), "{url}");
        assert!(Region::custom(loopback, url, None).is_err(), "{url}");
    }
}

#[tokio::test]
async fn localhost_is_found_where_only_one_family_listens() {
    let pair = Pair::start();
    let local = |server: &Server| format!("http://localhost:{}", server.address().port());
    let region = Region::custom(&local(&pair.login), &local(&pair.api), None).unwrap();
    let api = PlatformClient::new(provider_of(region).0.build().unwrap());
    api.get("/api/v2/users/me").send().await.unwrap();
    assert_eq!(pair.api.requests().len(), 1);
}

#[tokio::test]
async fn a_closure_cannot_turn_on_redirections_or_a_referer() {
    let elsewhere = Server::start(good_token("stolen"));
    let pair = Pair::start();
    pair.login.answers([Reply::redirect(307, &elsewhere)]);
    pair.api.answers([Reply::redirect(307, &elsewhere)]);
    let connections = Connections::new(|reqwest| {
        let policy = reqwest::redirect::Policy::limited(10);
        reqwest
            .redirect(policy)
            .referer(true)
            .connection_verbose(true)
    });
    let api = pair.client(connections.unwrap());
    let error = api.tokens().token().await.unwrap_err();
    assert_eq!(kind_of(&error), "UnexpectedAnswer");

    let call = api.get("/api/v2/users/me").header("Authorization", "own");
    assert_eq!(call.send().await.unwrap().status(), 307);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn an_authorization_of_the_callers_own_is_sent_as_it_is_and_its_401_comes_back() {
    let pair = Pair::start();
    let api = pair.client(Connections::default());
    let refused = r#"{"code":"bad.credentials","message":"Invalid login credentials."}"#;
    pair.api
        .answers([Reply::json(200, "{}"), Reply::json(401, refused)]);
    let call = || {
        api.get("/api/v2/users/me")
            .header("authorization", "Bearer own")
    };

    call().send().await.unwrap();
    let error = call().send().await.unwrap_err();
    assert_eq!(
        (kind_of(&error).as_str(), error.status()),
        ("Api", Some(401))
    );
    assert!(error.to_string().contains("bad.credentials"), "{error}");
    let sent = pair.api.requests();
    assert_eq!(sent.len(), 2);
    for request in sent {
        assert_eq!(request.header("authorization"), Some("Bearer own"));
    }
    assert_eq!(pair.login.connections(), 0);
}

#[tokio::test]
async fn a_fixed_token_asks_nobody() {
    let pair = Pair::start();
    let fixed = genesys_cloud_auth::FixedToken::new("fixed").unwrap();
    let region = region_of(&pair.login, &pair.api);
    let api = PlatformClient::new(TokenProvider::new(region, fixed).unwrap());
    api.get("/api/v2/users/me").send().await.unwrap();
    let sent = pair.api.requests();
    assert_eq!(sent[0].header("authorization"), Some("Bearer fixed"));
    assert_eq!(pair.login.connections(), 0);
}

/// The variables of a proxy can only be set for a process: the test runs itself again.
#[test]
fn a_host_on_this_machine_is_never_asked_through_a_proxy() {
    if let Some(child) = Child::of_this_process() {
        return child.run();
    }
    let pair = Pair::start();
    let proxy = Server::start(Reply::json(200, r#"{"access_token":"proxied"}"#));
    for (url, count) in [(local_url as fn(&Server) -> String, 1), (Server::url, 2)] {
        Child::start("ours", &url(&pair.login), &url(&pair.api), &proxy);
        assert_eq!(pair.login.requests().len(), count);
        assert_eq!(pair.api.requests().len(), count);
        assert_eq!(proxy.connections(), 0);
    }
    // The variables do lead there: a client that is not ours goes that way.
    Child::start("plain", &pair.login.url(), &pair.api.url(), &proxy);
    assert_eq!(pair.api.requests().len(), 2);
    assert!(proxy.connections() > 0);
}

/// What the process with the variables of a proxy does.
struct Child {
    mode: String,
    login: String,
    api: String,
    proxy: String,
}

impl Child {
    #[allow(
        clippy::disallowed_methods,
        reason = "the test tells itself, in another process, what to do"
    )]
    fn of_this_process() -> Option<Self> {
        let told = std::env::var(TOLD).ok()?;
        let mut told = told.split(' ').map(str::to_owned);
        let mut next = || told.next().unwrap();
        Some(Self {
            mode: next(),
            login: next(),
            api: next(),
            proxy: next(),
        })
    }

    fn start(mode: &str, login: &str, api: &str, proxy: &Server) {
        let proxy = proxy.url();
        let name = "threats::a_host_on_this_machine_is_never_asked_through_a_proxy";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([name, "--exact", "--nocapture"])
            .env(TOLD, format!("{mode} {login} {api} {proxy}"))
            .stdin(Stdio::null());
        for variable in ["NO_PROXY", "no_proxy"] {
            command.env_remove(variable);
        }
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(variable, &proxy);
            command.env(variable.to_ascii_lowercase(), &proxy);
        }
        let output = command.output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && shown.contains(DONE),
            "{shown}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn run(self) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            if self.mode == "plain" {
                let answer = reqwest::get(format!("{}/api/v2/users/me", self.api)).await;
                answer.unwrap();
            } else {
                let region = Region::custom(&self.login, &self.api, None).unwrap();
                let proxy = reqwest::Proxy::all(&self.proxy).unwrap();
                let connections =
                    Connections::new(move |reqwest| reqwest.proxy(proxy.clone())).unwrap();
                let builder = TokenProvider::builder(region, credentials());
                let api = PlatformClient::new(builder.connections(connections).build().unwrap());
                api.get("/api/v2/users/me").send().await.unwrap();
            }
        });
        println!("{DONE}");
    }
}

/// A login host and an API host.
struct Pair {
    login: Server,
    api: Server,
}

impl Pair {
    fn start() -> Self {
        Self {
            login: Server::start(good_token(TOKEN)),
            api: Server::start(Reply::json(200, "{}")),
        }
    }

    fn client(&self, connections: Connections) -> PlatformClient {
        let region = region_of(&self.login, &self.api);
        let (builder, _clock) = provider_of(region);
        PlatformClient::new(builder.connections(connections).build().unwrap())
    }
}

fn local_url(server: &Server) -> String {
    format!("http://localhost:{}", server.address().port())
}

fn holds(request: &Received, needles: &[&str]) -> bool {
    let text = String::from_utf8_lossy(&request.bytes);
    needles.iter().any(|needle| text.contains(needle))
}

const TOLD: &str = "GENESYS_CLOUD_AUTH_TEST_CHILD";
const DONE: &str = "the child has done its part";
