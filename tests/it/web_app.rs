//! The example `web_app` and its sessions.

use std::{ops::Deref, path::Path, time::Duration};

use genesys_cloud_auth::{
    AuthorizationCode, Login,
    sandbox::{RefreshTokens, Sandbox, SandboxBuilder, SandboxUser},
    store::{FileStore, SealingKey},
};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};
use url::Url;

use super::{
    readme::assert_is_documented,
    support::{
        example::{WebApp, start_web_app},
        login::parameter,
        visitor::{Shown, Visitor},
    },
};

#[path = "../../examples/web_app/main.rs"]
#[allow(
    clippy::module_inception,
    dead_code,
    reason = "a program with parts of its own"
)]
mod web_app;

const HOST: &str = "localhost";
const OWN: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

/// The application, its sandbox, and the folder of its store.
struct Running {
    sandbox: Sandbox,
    folder: TempDir,
    app: WebApp,
}

impl Deref for Running {
    type Target = WebApp;

    fn deref(&self) -> &WebApp {
        &self.app
    }
}

impl Running {
    async fn start() -> Self {
        Self::with("http", Sandbox::builder()).await
    }

    /// Starts the application with an address of this scheme.
    async fn with(scheme: &str, sandbox: SandboxBuilder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let base = Url::parse(&format!("{scheme}://localhost:{port}/")).unwrap();
        let callback = base.join("callback").unwrap();
        let sandbox = sandbox.code_client([callback.clone(), base.clone()]);
        let sandbox = sandbox.start().await.unwrap();
        let (id, secret) = (sandbox.client_id(), sandbox.client_secret());
        let app = AuthorizationCode::confidential(id, secret, callback.as_str()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::in_folder(folder.path());
        let key = SealingKey::generate().unwrap();
        let login = Login::builder(sandbox.region(), app).store(store, key);
        let server = web_app::serve(listener, login.build().unwrap(), base.clone());
        Self {
            sandbox,
            folder,
            app: WebApp {
                base: Url::parse(&format!("http://localhost:{port}/")).unwrap(),
                _servers: JoinSet::from_iter([server]),
            },
        }
    }

    fn user(&self, place: usize) -> SandboxUser {
        self.sandbox.users().remove(place)
    }

    /// Logs in at the login page, and returns the callback.
    async fn callback_of(&self, visitor: &mut Visitor, user: &SandboxUser) -> Url {
        let login = visitor.get(self.at("login")).await;
        assert_eq!(login.status, 303);
        self.decide(visitor, &login.location(), user, "allow").await
    }

    async fn decide(
        &self,
        visitor: &mut Visitor,
        page: &Url,
        user: &SandboxUser,
        decision: &str,
    ) -> Url {
        let password = user.password();
        let user = (user.email(), password.expose_secret());
        visitor.log_in(page.as_str(), user, decision).await
    }

    async fn log_in(&self, visitor: &mut Visitor, user: &SandboxUser) {
        let callback = self.callback_of(visitor, user).await;
        let answer = visitor.get(callback).await;
        assert_eq!((answer.status, answer.location()), (303, self.base.clone()));
    }

    /// The files of the store that contain logins.
    fn stored(&self) -> Vec<(String, Vec<u8>)> {
        files(self.folder.path())
    }
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn session_id_changes_at_login_and_logout() {
    let app = Running::start().await;
    let (user, mut visitor) = (app.user(1), Visitor::new());
    assert_eq!(app.greeted_user(&mut visitor).await, "");
    assert_eq!(visitor.cookie(HOST, "session"), None);

    let callback = app.callback_of(&mut visitor, &user).await;
    let before = visitor.cookie(HOST, "session").unwrap().to_owned();
    let answer = visitor.get(callback).await;
    let after = visitor.cookie(HOST, "session").unwrap().to_owned();
    assert_eq!((answer.status, answer.location()), (303, app.base.clone()));
    assert_ne!(before, after);
    assert_eq!(
        answer.header("set-cookie"),
        format!("session={after}; HttpOnly; SameSite=Lax; Path=/")
    );

    let home = visitor.get(app.at("/")).await;
    for text in [user.name(), user.email(), "<dd>Sandbox</dd>"] {
        assert!(home.text.contains(text), "{}", home.text);
    }
    for id in [&before, "another"] {
        let mut other = Visitor::new();
        other.set_cookie(HOST, "session", id);
        assert_eq!(app.greeted_user(&mut other).await, "");
    }
    // A user who is logged in is not asked to log in again.
    assert_eq!(visitor.get(app.at("login")).await.location(), app.base);

    let mut copy = visitor.clone();
    let answer = visitor.post(app.at("logout"), &[], OWN).await;
    assert_eq!(answer.status, 303);
    let url = answer.location();
    assert_eq!(url.path(), "/logout");
    assert_eq!(visitor.get(url).await.location(), app.base);
    assert_eq!(visitor.cookie(HOST, "session"), None);
    assert_eq!(app.greeted_user(&mut copy).await, "");
    assert!(app.stored().is_empty());
    let ended = app.sandbox.requests();
    let mut ended = ended.iter().filter(|request| request.method() == "DELETE");
    assert_eq!(ended.next().unwrap().path(), "/api/v2/tokens/me");
}

#[tokio::test]
async fn two_users_have_separate_sessions() {
    let app = Running::start().await;
    let (mut one, mut two) = (Visitor::new(), Visitor::new());
    let first = app.callback_of(&mut one, &app.user(0)).await;
    let second = app.callback_of(&mut two, &app.user(1)).await;
    two.get(second).await;
    one.get(first).await;
    assert_eq!(app.greeted_user(&mut one).await, "User 1");
    assert_eq!(app.greeted_user(&mut two).await, "User 2");
    one.post(app.at("logout"), &[], OWN).await;
    assert_eq!(app.greeted_user(&mut one).await, "");
    assert_eq!(app.greeted_user(&mut two).await, "User 2");
}

#[tokio::test]
async fn callback_in_another_browser_changes_nothing() {
    let app = Running::start().await;
    let (mut asked, mut fresh, mut started, mut inside) = (
        Visitor::new(),
        Visitor::new(),
        Visitor::new(),
        Visitor::new(),
    );
    app.log_in(&mut inside, &app.user(1)).await;
    let own = app.callback_of(&mut started, &app.user(2)).await;
    let callback = app.callback_of(&mut asked, &app.user(0)).await;
    let (stored, requests) = (app.stored(), app.sandbox.token_requests());
    for visitor in [&mut fresh, &mut started, &mut inside] {
        let answer = visitor.get(&callback).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(answer.header("set-cookie"), "");
    }
    assert_eq!(app.sandbox.token_requests(), requests);
    assert_eq!(app.stored(), stored);
    assert_eq!(app.greeted_user(&mut fresh).await, "");
    assert_eq!(app.greeted_user(&mut inside).await, "User 2");
    // The browsers that asked can still finish their logins.
    started.get(own).await;
    asked.get(callback).await;
    assert_eq!(app.greeted_user(&mut started).await, "User 3");
    assert_eq!(app.greeted_user(&mut asked).await, "User 1");
}

#[tokio::test]
async fn repeated_callback_is_rejected() {
    let app = Running::start().await;
    let mut visitor = Visitor::new();
    let callback = app.callback_of(&mut visitor, &app.user(0)).await;
    let mut again = visitor.clone();
    let gate = app.sandbox.at_token_endpoint().times(1).gate();
    let first = async {
        let answer = visitor.get(&callback).await;
        (answer.status, visitor)
    };
    let second = async {
        gate.wait_for(1).await;
        let answer = again.get(&callback).await;
        gate.release();
        answer.status
    };
    let ((first, mut visitor), second) = tokio::join!(first, second);
    assert_eq!((first, second), (303, 400));
    assert_eq!(app.sandbox.token_requests(), 1);
    assert_eq!(app.greeted_user(&mut visitor).await, "User 1");
}

#[tokio::test]
async fn other_sites_cannot_log_a_user_out() {
    let app = Running::start().await;
    let mut visitor = Visitor::new();
    app.log_in(&mut visitor, &app.user(0)).await;
    app.assert_only_own_pages_log_out(&mut visitor, "User 1")
        .await;
}

#[tokio::test]
async fn user_who_denied_can_log_in_later() {
    let app = Running::start().await;
    let (user, mut visitor) = (app.user(0), Visitor::new());
    let page = visitor.get(app.at("login")).await.location();
    let callback = app.decide(&mut visitor, &page, &user, "deny").await;
    let answer = visitor.get(callback).await;
    assert_eq!(answer.status, 403);
    assert!(answer.text.contains("Access was not granted"));
    assert_eq!(app.sandbox.token_requests(), 0);
    assert_eq!(app.greeted_user(&mut visitor).await, "");
    app.log_in(&mut visitor, &user).await;
    assert_eq!(app.greeted_user(&mut visitor).await, "User 1");
}

#[tokio::test]
async fn login_that_ended_at_genesys_cloud_ends_here() {
    let sandbox = Sandbox::builder().refresh_tokens(RefreshTokens::None);
    let app = Running::with("http", sandbox).await;
    let mut visitor = Visitor::new();
    app.log_in(&mut visitor, &app.user(0)).await;
    app.sandbox.revoke_access_tokens();
    assert_eq!(app.greeted_user(&mut visitor).await, "");
    assert!(app.stored().is_empty());
    app.log_in(&mut visitor, &app.user(0)).await;
    assert_eq!(app.greeted_user(&mut visitor).await, "User 1");
}

#[tokio::test]
async fn errors_for_the_operator_are_not_shown() {
    let app = Running::start().await;
    let mut visitor = Visitor::new();
    app.log_in(&mut visitor, &app.user(0)).await;
    app.sandbox.disable_client();
    app.sandbox.revoke_access_tokens();
    let answer = visitor.get(app.at("/")).await;
    assert_eq!(answer.status, 502, "{}", answer.text);
    assert!(!answer.text.contains("invalid_client"));
}

#[tokio::test]
async fn pages_have_security_headers_and_no_secrets() {
    let app = Running::start().await;
    let mut visitor = Visitor::new();
    let mut shown: Vec<Shown> = vec![visitor.get(app.at("/")).await];
    let callback = app.callback_of(&mut visitor, &app.user(0)).await;
    let pending = visitor.cookie(HOST, "session").unwrap().to_owned();
    let altered = format!("{callback}1");
    shown.push(visitor.get(altered.replace("state=", "x=")).await);
    shown.push(visitor.get(&callback).await);
    shown.push(visitor.get(app.at("/")).await);
    let session = visitor.cookie(HOST, "session").unwrap().to_owned();
    shown.push(visitor.post(app.at("logout"), &[], &[]).await);
    let statuses: Vec<_> = shown.iter().map(|shown| shown.status).collect();
    assert_eq!(statuses, [200, 400, 303, 200, 403]);
    let secrets = ["state", "code"].map(|name| parameter(&callback, name).unwrap());
    for shown in shown {
        assert_eq!(shown.header("cache-control"), "no-store");
        assert_eq!(shown.header("referrer-policy"), "no-referrer");
        assert_eq!(shown.header("x-content-type-options"), "nosniff");
        let policy = shown.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        for secret in secrets.iter().chain([&pending, &session]) {
            assert!(!shown.text.contains(secret), "{}", shown.text);
        }
        assert!(!shown.text.contains("<script"));
    }
}

#[tokio::test]
async fn cookie_is_secure_over_tls() {
    let app = Running::with("https", Sandbox::builder()).await;
    let mut visitor = Visitor::new();
    let answer = visitor.get(app.at("login")).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    assert!(
        cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"),
        "{cookie}"
    );
}

#[tokio::test(start_paused = true)]
async fn sessions_end() {
    let sessions = web_app::sessions::ExpiringMap::default();
    sessions.insert("started", 1, web_app::sessions::LOGIN_TIME);
    sessions.insert("inside", 2, web_app::sessions::SESSION_TIME);
    tokio::time::advance(Duration::from_secs(599)).await;
    assert_eq!(sessions.get("started"), Some(1));
    assert_eq!(sessions.take_if("started", |_| false), None);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(sessions.get("started"), None);
    assert_eq!(sessions.take_if("started", |_| true), None);
    assert_eq!(sessions.take_ended(), [("started".to_owned(), 1)]);
    tokio::time::advance(Duration::from_secs(8 * 3_600 - 602)).await;
    assert_eq!(sessions.get("inside"), Some(2));
    assert!(sessions.take_ended().is_empty());
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(sessions.get("inside"), None);
    assert_eq!(sessions.take_ended(), [("inside".to_owned(), 2)]);
    assert!(sessions.take_ended().is_empty());
}

#[tokio::test]
async fn it_runs_without_arguments() {
    let (_child, text, base) = start_web_app("web_app").await;
    let mut users = text.lines().filter_map(|line| line.trim().split_once("  "));
    let (email, password) = users.nth(2).unwrap();
    assert_is_documented(&text);
    let mut visitor = Visitor::new();
    let login = visitor.get(base.join("login").unwrap()).await.location();
    let user = (email, password.trim());
    let callback = visitor.log_in(login.as_str(), user, "allow").await;
    let home = visitor.get(callback).await.location();
    let home = visitor.get(home).await;
    assert!(home.text.contains("Hello, User 3"), "{}", home.text);
}
