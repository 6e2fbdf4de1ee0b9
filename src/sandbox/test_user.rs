//! A user who logs in on the login pages, for tests without a browser.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header, request::Parts};
use url::{Position, Url, form_urlencoded};

use super::{dispatch::Dispatcher, org::users::SandboxUser};

/// A user in a browser without cookies.
pub(super) struct TestUser {
    dispatcher: Arc<Dispatcher>,
    cookie: Option<HeaderValue>,
}

/// The login host's response.
enum Shown {
    Page(String),
    Redirect(String),
}

impl TestUser {
    pub(super) fn new(dispatcher: Arc<Dispatcher>) -> Self {
        Self {
            dispatcher,
            cookie: None,
        }
    }

    /// Logs in and decides, `allow` or `deny`. Returns the address that the browser is sent to.
    pub(super) async fn visit(
        mut self,
        url: &str,
        user: &SandboxUser,
        decision: &str,
    ) -> Result<String, String> {
        let url = Url::parse(url).map_err(|_| "the address is not a URL")?;
        let page = match self.open(&url, None).await? {
            Shown::Page(page) => page,
            Shown::Redirect(location) => return Ok(location),
        };
        let form = [
            ("form_key", &*hidden_field(&page, "form_key")?),
            ("email", &user.email),
            ("password", &user.password),
        ];
        let Shown::Redirect(next) = self.open(&url, Some(&form)).await? else {
            return Err("the login was not accepted".to_owned());
        };
        let next = url
            .join(&next)
            .map_err(|_| "the next address is not a URL")?;
        let Shown::Page(page) = self.open(&next, None).await? else {
            return Err("there is no consent page".to_owned());
        };
        let user = hidden_field(&page, "user").map_err(|_| "the password is wrong")?;
        let form = [
            ("form_key", &*hidden_field(&page, "form_key")?),
            ("user", &user),
            ("decision", decision),
        ];
        match self.open(&next, Some(&form)).await? {
            Shown::Redirect(location) => Ok(location),
            Shown::Page(_) => Err("the decision was not accepted".to_owned()),
        }
    }

    async fn open(&mut self, url: &Url, form: Option<&[(&str, &str)]>) -> Result<Shown, String> {
        let parts = self.request(url, form)?;
        let response = self.dispatcher.handle_with_body(parts, encode_form(form));
        let response = response.await.map_err(|_| "the connection was closed")?;
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
        let page = read_text(response).await?;
        match status {
            StatusCode::OK => Ok(Shown::Page(page)),
            StatusCode::MISDIRECTED_REQUEST => Err("the address is not this sandbox's".to_owned()),
            StatusCode::FORBIDDEN if form.is_some() => Ok(Shown::Page(page)),
            _ => Err(format!("the login host responded with {status}")),
        }
    }

    fn request(&self, url: &Url, form: Option<&[(&str, &str)]>) -> Result<Parts, String> {
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
        let request = request.body(()).map_err(|_| "the address is not valid")?;
        Ok(request.into_parts().0)
    }
}

fn encode_form(form: Option<&[(&str, &str)]>) -> Bytes {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form.unwrap_or_default()).finish().into()
}

async fn read_text(response: Response) -> Result<String, String> {
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    let body = body.map_err(|_| "the page is incomplete")?;
    String::from_utf8(body.into()).map_err(|_| "the page is not UTF-8".to_owned())
}

/// Returns the value of a hidden field. The sandbox's values contain nothing that is escaped.
fn hidden_field(page: &str, name: &str) -> Result<String, String> {
    let start = format!("name=\"{name}\" value=\"");
    let value = page
        .split_once(&start)
        .and_then(|(_, rest)| rest.split_once('"'));
    let (value, _) = value.ok_or("the page has no such form")?;
    Ok(value.to_owned())
}
