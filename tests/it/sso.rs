//! The web application with single sign-on, whose code the guide shows.

mod rejected;

use std::{ops::Deref, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use genesys_cloud_auth::sandbox::{Sandbox, SandboxAssertions};
use tokio::{net::TcpListener, task::JoinSet};
use url::Url;

use super::{
    readme::assert_is_documented,
    support::{
        example::{WebApp, start_web_app},
        visitor::{Shown, Visitor},
    },
};

#[path = "../../examples/sso_web_app/main.rs"]
#[allow(dead_code, reason = "a program with parts of its own")]
mod sso_web_app;

/// The application, with its sandbox and its identity provider.
struct Running {
    sandbox: Arc<Sandbox>,
    app: WebApp,
}

impl Deref for Running {
    type Target = WebApp;

    fn deref(&self) -> &WebApp {
        &self.app
    }
}

/// A login that a browser has begun, with what the response must match.
struct LoginRequest {
    request_id: String,
    relay_state: String,
    idp: Url,
}

impl Running {
    async fn start() -> Self {
        Self::under("http").await
    }

    /// Started as if browsers found it under this scheme.
    async fn under(scheme: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let idp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let base = format!("://localhost:{}/", port(&listener));
        let outside = Url::parse(&format!("{scheme}{base}")).unwrap();
        let acs = outside.join("saml").unwrap();
        let idp_url = Url::parse(&format!("http://127.0.0.1:{}/sso", port(&idp))).unwrap();
        let builder = Sandbox::builder().saml_client(acs.clone());
        let sandbox = Arc::new(builder.start().await.unwrap());
        let sso = sso_web_app::Sso {
            region: sandbox.region(),
            client_id: sandbox.client_id().to_owned(),
            secret: sandbox.client_secret().into(),
            org: sandbox.org_short_name().to_owned(),
            idp: idp_url,
            base: outside,
        };
        let mut servers = JoinSet::new();
        servers.spawn(sso_web_app::serve(listener, sso));
        servers.spawn(sso_web_app::serve_idp(idp, Arc::clone(&sandbox), acs));
        Self {
            sandbox,
            app: WebApp {
                base: Url::parse(&format!("http{base}")).unwrap(),
                _servers: servers,
            },
        }
    }

    /// Started with a browser that has begun a login.
    async fn with_login() -> (Self, Visitor, LoginRequest) {
        let (app, mut visitor) = (Self::start().await, Visitor::new());
        let login = app.begin(&mut visitor).await;
        (app, visitor, login)
    }

    async fn begin(&self, visitor: &mut Visitor) -> LoginRequest {
        let shown = visitor.get(self.at("login")).await;
        assert_eq!(shown.status, 303);
        let idp = shown.location();
        let query = |name: &str| {
            let mut pairs = idp.query_pairs();
            let (_, value) = pairs.find(|(given, _)| given == name).unwrap();
            value.into_owned()
        };
        let request = inflate_stored(&STANDARD.decode(query("SAMLRequest")).unwrap());
        LoginRequest {
            request_id: between(&request, " ID=\"", "\"").to_owned(),
            relay_state: query("RelayState"),
            idp,
        }
    }

    /// Responses about the second user.
    fn responses(&self) -> SandboxAssertions {
        self.sandbox.assertions(&self.sandbox.users()[1])
    }

    fn response_to(&self, login: &LoginRequest) -> String {
        let responses = self.responses().in_response_to(&login.request_id);
        responses.saml_response()
    }

    async fn post(&self, visitor: &mut Visitor, response: &str, relay_state: &str) -> Shown {
        let form = [("SAMLResponse", response), ("RelayState", relay_state)];
        visitor.post(self.at("saml"), &form, &[]).await
    }

    /// Logs the second user in.
    async fn log_in(&self, visitor: &mut Visitor) -> Shown {
        let login = self.begin(visitor).await;
        let response = self.response_to(&login);
        self.post(visitor, &response, &login.relay_state).await
    }

    /// Asserts that no session was opened and no token requested.
    #[track_caller]
    fn assert_rejected(&self, shown: &Shown) {
        assert_eq!(shown.status, 403, "{}", shown.text);
        assert!(shown.headers.get("set-cookie").is_none());
        assert_eq!(self.sandbox.token_requests(), 0);
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}

/// Reads one block that is not compressed (RFC 1951, section 3.2.4).
fn inflate_stored(block: &[u8]) -> String {
    let length = |at: usize| u16::from_le_bytes([block[at], block[at + 1]]);
    assert_eq!((block[0], length(1)), (1, !length(3)));
    assert_eq!(usize::from(length(1)), block.len() - 5);
    String::from_utf8(block[5..].to_vec()).unwrap()
}

#[tokio::test]
async fn a_user_logs_in_at_the_identity_provider() {
    let app = Running::start().await;
    let (mut visitor, mut other) = (Visitor::new(), Visitor::new());
    assert_eq!(app.greeted_user(&mut visitor).await, "");
    let login = app.begin(&mut visitor).await;
    let page = visitor.get(&login.idp).await;
    let response = page.hidden("SAMLResponse");
    assert_eq!(page.hidden("RelayState"), login.relay_state);
    let shown = app.post(&mut visitor, &response, &login.relay_state).await;
    assert_eq!((shown.status, shown.location()), (303, app.base.clone()));
    assert_eq!(app.greeted_user(&mut visitor).await, "User 1");
    assert_eq!(app.greeted_user(&mut other).await, "");

    app.log_in(&mut other).await;
    assert_eq!(app.greeted_user(&mut other).await, "User 2");
    assert_eq!(app.greeted_user(&mut visitor).await, "User 1");
    assert_eq!(app.sandbox.token_requests(), 2);
}

#[tokio::test]
async fn each_request_names_the_application_and_is_unique() {
    let app = Running::start().await;
    let mut visitor = Visitor::new();
    let (first, second) = (app.begin(&mut visitor).await, app.begin(&mut visitor).await);
    assert_ne!(first.request_id, second.request_id);
    assert_ne!(first.relay_state, second.relay_state);
    let (_, request) = first.idp.query_pairs().next().unwrap();
    let request = inflate_stored(&STANDARD.decode(&*request).unwrap());
    let acs = app.at("saml");
    assert!(request.contains(&format!("AssertionConsumerServiceURL=\"{acs}\"")));
    assert_eq!(
        between(&request, "assertion\">", "</saml:Issuer>"),
        acs.as_str()
    );
    let issued = between(&request, "IssueInstant=\"", "\"");
    let shape: String = issued
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00Z");
}

#[tokio::test]
async fn each_cookie_has_the_attributes_of_its_purpose() {
    for (scheme, prefix, secure) in [("http", "", ""), ("https", "__Host-", "; Secure")] {
        let app = Running::under(scheme).await;
        let mut visitor = Visitor::new();
        let login = visitor.get(app.at("login")).await;
        let cookie = login.header("set-cookie");
        // Browsers send it with a post from another site.
        let (name, rest) = cookie.split_once('=').unwrap();
        let (id, rest) = rest.split_once(';').unwrap();
        assert_eq!((name, id.len()), (&*format!("{prefix}login"), 43));
        let expected = " HttpOnly; SameSite=None; Secure; Path=/";
        assert_eq!(rest, expected);

        let shown = app.log_in(&mut visitor).await;
        let cookies = shown.headers.get_all("set-cookie").iter();
        let mut cookies: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap()).collect();
        cookies.sort_unstable();
        let [login, session] = cookies[..] else {
            panic!("{cookies:?}")
        };
        assert!(session.starts_with(&format!("{prefix}session=")));
        let expected = format!("; HttpOnly; SameSite=Lax{secure}; Path=/");
        assert!(session.ends_with(&expected), "{session}");
        assert!(login.starts_with(&format!("{prefix}login=; ")) && login.contains("Max-Age=0"));
    }
}

#[tokio::test]
async fn the_next_login_of_a_browser_ends_its_session() {
    let app = Running::start().await;
    let mut visitor = Visitor::new();
    let log_in = async |visitor: &mut Visitor| {
        let login = app.begin(visitor).await;
        let before = visitor.clone();
        // A browser sends no `SameSite=Lax` cookie with a post from another site.
        visitor.set_cookie("localhost", "session", "");
        let response = app.response_to(&login);
        let shown = app.post(visitor, &response, &login.relay_state).await;
        assert_eq!(shown.status, 303);
        before
    };
    log_in(&mut visitor).await;
    // Beginning a login does not end the session yet.
    let mut other = visitor.clone();
    app.begin(&mut other).await;
    assert_eq!(app.greeted_user(&mut other).await, "User 2");
    let mut bystander = Visitor::new();
    log_in(&mut bystander).await;

    let mut before = log_in(&mut visitor).await;
    let session = |visitor: &Visitor| visitor.cookie("localhost", "session").map(str::to_owned);
    assert_ne!(session(&before), session(&visitor));
    assert_eq!(app.greeted_user(&mut before).await, "");
    for browser in [&mut visitor, &mut bystander] {
        assert_eq!(app.greeted_user(browser).await, "User 2");
    }
}

#[tokio::test]
async fn user_logs_out_on_a_page_of_the_application() {
    let (app, mut visitor) = (Running::start().await, Visitor::new());
    app.log_in(&mut visitor).await;
    let mut copy = visitor.clone();
    app.assert_only_own_pages_log_out(&mut visitor, "User 2")
        .await;
    assert_eq!(app.greeted_user(&mut copy).await, "");
    assert_eq!(visitor.cookie("localhost", "session"), None);
    let requests = app.sandbox.requests();
    let mut ended = requests
        .iter()
        .filter(|request| request.method() == "DELETE");
    assert_eq!(ended.next().unwrap().path(), "/api/v2/tokens/me");
}

#[tokio::test]
async fn identity_providers_pages_say_that_they_are_a_test() {
    let (_app, mut visitor, login) = Running::with_login().await;
    for (url, status) in [(login.idp.join("/sso").unwrap(), 400), (login.idp, 200)] {
        let page = visitor.get(url).await;
        assert_eq!(page.status, status);
        for part in [
            "<header>",
            "width=device-width",
            "prefers-color-scheme:dark",
        ] {
            assert!(page.text.contains(part), "{part}: {}", page.text);
        }
        assert_eq!(page.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn when_the_token_has_expired_the_user_logs_in_again() {
    let (app, mut visitor) = (Running::start().await, Visitor::new());
    app.log_in(&mut visitor).await;
    app.sandbox.revoke_access_tokens();
    assert_eq!(app.greeted_user(&mut visitor).await, "");
    assert_eq!(app.greeted_user(&mut visitor).await, "");
    assert_eq!(app.sandbox.token_requests(), 1);
}

#[tokio::test]
async fn it_runs_with_no_arguments() {
    let (_child, text, base) = start_web_app("sso_web_app").await;
    assert_is_documented(&text);
    let mut visitor = Visitor::new();
    let idp = visitor.get(base.join("login").unwrap()).await.location();
    let page = visitor.get(idp).await;
    let (response, relay_state) = (page.hidden("SAMLResponse"), page.hidden("RelayState"));
    let form = [("SAMLResponse", &*response), ("RelayState", &*relay_state)];
    let home = visitor.post(base.join("saml").unwrap(), &form, &[]).await;
    let home = visitor.get(home.location()).await;
    assert!(home.text.contains("Hello, User 1"), "{}", home.text);
}

const GUIDE: &str = include_str!("../../src/guide/sso.md");
const PROGRAM: [&str; 2] = [
    include_str!("../../examples/sso_web_app/app.rs"),
    include_str!("../../examples/sso_web_app/request.rs"),
];

#[test]
fn the_guides_code_is_in_the_program() {
    let blocks = GUIDE.split("```text\n").skip(1);
    let blocks: Vec<_> = blocks
        .map(|block| block.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() > 2);
    for block in blocks {
        assert!(PROGRAM.iter().any(|file| file.contains(block)), "{block}");
    }
}
