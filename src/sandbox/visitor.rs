//! What a person does with the login host's pages, for tests without a browser.
#![allow(
    clippy::panic,
    reason = "a test that logs in where nobody can must end"
)]

use std::{future::Future, panic::Location, sync::Arc};

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use secrecy::ExposeSecret as _;
use url::{Position, Url, form_urlencoded};

use super::{Front, Sandbox, SandboxUser};

/// Logins without a browser.
impl Sandbox {
    /// Does what a person would in a fresh browser: opens the address, logs in as `user` and
    /// allows what is asked for. Gives the address that the browser is sent to, with `code` and
    /// `state`; nobody opens it.
    ///
    /// ```
    /// use genesys_cloud_auth::sandbox::Sandbox;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let sandbox = Sandbox::builder().code_client(["http://localhost"]).start().await?;
    /// let user = &sandbox.users()[0];
    /// let url = format!(
    ///     "{}/login/oauth/authorize?response_type=code&client_id={}&state=s&redirect_uri={}",
    ///     sandbox.url(),
    ///     sandbox.client_id(),
    ///     "http://localhost:8085",
    /// );
    /// let redirected = sandbox.log_in(&url, user).await;
    /// assert!(redirected.starts_with("http://localhost:8085?code="));
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// Where the login host sends the browser back at once, with an error, that address is given.
    ///
    /// # Panics
    ///
    /// The future panics where a page comes instead: for a client or redirect URI that is not
    /// known, or for a wrong password.
    #[track_caller]
    pub fn log_in(
        &self,
        authorize_url: &str,
        user: &SandboxUser,
    ) -> impl Future<Output = String> + Send + use<> {
        self.visit(authorize_url, Some(user.clone()), "allow")
    }

    /// As [`log_in`](Self::log_in), by the first user, who denies what is asked for.
    ///
    /// # Panics
    ///
    /// As [`log_in`](Self::log_in), and where there is no user.
    #[track_caller]
    pub fn deny(&self, authorize_url: &str) -> impl Future<Output = String> + Send + use<> {
        self.visit(authorize_url, self.users().into_iter().next(), "deny")
    }

    /// It runs on the sandbox's own runtime, whatever the test's is.
    #[track_caller]
    fn visit(
        &self,
        authorize_url: &str,
        user: Option<SandboxUser>,
        decision: &'static str,
    ) -> impl Future<Output = String> + Send + use<> {
        let caller = Location::caller();
        let visitor = Visitor {
            front: Arc::clone(&self.front),
            port: self.server.address.port(),
            cookie: None,
        };
        let url = authorize_url.to_owned();
        let visit = self.server.runtime.spawn(async move {
            let user = user.ok_or("there is no user")?;
            visitor.visit(&url, &user, decision).await
        });
        async move {
            let ended = visit.await;
            let location = ended.unwrap_or_else(|error| Err(error.to_string()));
            location.unwrap_or_else(|why| panic!("{caller}: {why}"))
        }
    }
}

struct Visitor {
    front: Arc<Front>,
    port: u16,
    cookie: Option<HeaderValue>,
}

/// A page, or where else to go.
enum Shown {
    Page(String),
    Redirect(String),
}

impl Visitor {
    async fn visit(
        mut self,
        url: &str,
        user: &SandboxUser,
        decision: &str,
    ) -> Result<String, String> {
        let url = Url::parse(url).map_err(|_| "the address is no URL")?;
        let page = match self.go(&url, None).await? {
            Shown::Page(page) => page,
            Shown::Redirect(location) => return Ok(location),
        };
        let password = user.password();
        let form = [
            ("form_key", &*hidden(&page, "form_key")?),
            ("email", user.email()),
            ("password", password.expose_secret()),
        ];
        let Shown::Redirect(next) = self.go(&url, Some(&form)).await? else {
            return Err("the login was not taken".to_owned());
        };
        let next = url.join(&next).map_err(|_| "the next address is no URL")?;
        let Shown::Page(page) = self.go(&next, None).await? else {
            return Err("nothing was asked".to_owned());
        };
        let form = [
            ("form_key", &*hidden(&page, "form_key")?),
            (
                "user",
                &*hidden(&page, "user").map_err(|_| "the password is wrong")?,
            ),
            ("decision", decision),
        ];
        match self.go(&next, Some(&form)).await? {
            Shown::Redirect(location) => Ok(location),
            Shown::Page(_) => Err("the decision was not taken".to_owned()),
        }
    }

    async fn go(&mut self, url: &Url, form: Option<&[(&str, &str)]>) -> Result<Shown, String> {
        let answer = self
            .front
            .answer_read(self.request(url, form)?, body(form), true);
        let response = answer.await.map_err(|_| "the connection was closed")?;
        let headers = response.headers();
        if let Some(cookie) = headers.get(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap_or_default().split(';').next();
            self.cookie = pair.and_then(|pair| pair.parse().ok());
        }
        if response.status().is_redirection() {
            let location = headers.get(header::LOCATION);
            let location = location.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
            return Ok(Shown::Redirect(location.unwrap_or_default().to_owned()));
        }
        let status = response.status();
        let page = text(response).await?;
        match status {
            StatusCode::OK => Ok(Shown::Page(page)),
            StatusCode::FORBIDDEN if form.is_some() => Ok(Shown::Page(page)),
            _ => Err(format!("the login host answered {status}")),
        }
    }

    fn request(
        &self,
        url: &Url,
        form: Option<&[(&str, &str)]>,
    ) -> Result<http::request::Parts, String> {
        let host = url.host_str().unwrap_or_default();
        if url.port() != Some(self.port) && !host.starts_with("login.") {
            return Err("the address is not this sandbox's".to_owned());
        }
        let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        let mut request = Request::builder().uri(target).header(
            header::HOST,
            &url[Position::BeforeHost..Position::AfterPort],
        );
        if form.is_some() {
            request = request
                .method("POST")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let request = request.body(()).map_err(|_| "the address is no target")?;
        Ok(request.into_parts().0)
    }
}

fn body(form: Option<&[(&str, &str)]>) -> Bytes {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form.unwrap_or_default()).finish().into()
}

async fn text(response: Response) -> Result<String, String> {
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    let body = body.map_err(|_| "the page broke off")?;
    String::from_utf8(body.into()).map_err(|_| "the page is no text".to_owned())
}

/// What a page's form holds unseen. The sandbox writes nothing there that would be escaped.
fn hidden(page: &str, name: &str) -> Result<String, String> {
    let start = format!("name=\"{name}\" value=\"");
    let value = page
        .split_once(&start)
        .and_then(|(_, rest)| rest.split_once('"'));
    let (value, _) = value.ok_or("the page has no such form")?;
    Ok(value.to_owned())
}
