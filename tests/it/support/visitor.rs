//! A minimal browser for pages of another process. It keeps cookies and follows no redirects.

use std::collections::BTreeMap;

use reqwest::{Client, RequestBuilder, redirect::Policy};
use url::{Url, form_urlencoded};

#[derive(Clone)]
pub struct Visitor {
    http: Client,
    /// By host and name; browsers ignore the port.
    cookies: BTreeMap<(String, String), String>,
}

/// A response to the browser: a page or a redirect.
pub struct Shown {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
    url: Url,
}

impl Visitor {
    pub fn new() -> Self {
        let http = Client::builder().no_proxy().redirect(Policy::none());
        Self {
            http: http.build().unwrap(),
            cookies: BTreeMap::new(),
        }
    }

    pub async fn get(&mut self, url: impl AsRef<str>) -> Shown {
        let request = self.http.get(url.as_ref());
        self.send(request).await
    }

    /// Sends a form with extra headers.
    pub async fn post(
        &mut self,
        url: impl AsRef<str>,
        form: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Shown {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let mut request = self
            .http
            .post(url.as_ref())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.extend_pairs(form).finish());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    /// Logs in on the sandbox's pages as a person does. Returns the redirect URL, which is not opened.
    pub async fn log_in(&mut self, authorize_url: &str, user: (&str, &str), decision: &str) -> Url {
        let page = self.get(authorize_url).await;
        let mut consent = page;
        if consent.text.contains("name=\"password\"") {
            let key = consent.hidden("form_key");
            let form = [("form_key", &*key), ("email", user.0), ("password", user.1)];
            let next = self.post(authorize_url, &form, &[]).await.location();
            consent = self.get(next).await;
        }
        let (key, id) = (consent.hidden("form_key"), consent.hidden("user"));
        let form = [("form_key", &*key), ("user", &*id), ("decision", decision)];
        self.post(&consent.url, &form, &[]).await.location()
    }

    /// The cookie for `host`.
    pub fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        let key = (host.to_owned(), name.to_owned());
        Some(self.cookies.get(&key)?)
    }

    pub fn set_cookie(&mut self, host: &str, name: &str, value: &str) {
        let key = (host.to_owned(), name.to_owned());
        self.cookies.insert(key, value.to_owned());
    }

    async fn send(&mut self, request: RequestBuilder) -> Shown {
        let mut request = request.build().unwrap();
        let url = request.url().clone();
        let host = url.host_str().unwrap().to_owned();
        let own = self.cookies.iter().filter(|((of, _), _)| *of == host);
        let pairs: Vec<_> = own.map(|((_, name), id)| format!("{name}={id}")).collect();
        if !pairs.is_empty() {
            let cookie = pairs.join("; ").parse().unwrap();
            request.headers_mut().insert("cookie", cookie);
        }
        let response = self.http.execute(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(&(host.clone(), name.to_owned()));
            } else {
                self.set_cookie(&host, name, value);
            }
        }
        let text = response.text().await.unwrap();
        Shown {
            status,
            headers,
            text,
            url,
        }
    }
}

impl Shown {
    /// The URL of the redirect.
    pub fn location(&self) -> Url {
        let location = self.headers.get("location");
        let location = location.unwrap_or_else(|| panic!("{} {}", self.status, self.text));
        self.url.join(location.to_str().unwrap()).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a hidden field of the page's form.
    pub fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let value = self.text.split(&*start).nth(1).unwrap_or_else(|| {
            panic!("{} has no {name}: {}", self.url, self.text);
        });
        value.split('"').next().unwrap().to_owned()
    }
}
