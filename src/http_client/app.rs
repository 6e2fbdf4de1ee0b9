//! The calling program, as it is named to the server.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT, USER_AGENT},
};

use crate::error::Error;

/// Who calls, as the server's log shows it.
#[derive(Clone, Debug)]
pub(crate) struct App {
    user_agent: HeaderValue,
    genesys_app: Option<HeaderValue>,
}

impl App {
    /// `name` as `crm-sync/1.4`.
    pub(crate) fn new(name: Option<&str>) -> Result<Self, Error> {
        let Some(name) = name else {
            return Ok(Self {
                user_agent: HeaderValue::from_static(PRODUCT),
                genesys_app: None,
            });
        };
        let usable = !name.is_empty() && name.len() <= 128;
        let visible = name.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let header = |text: &str| {
            HeaderValue::from_str(text)
                .ok()
                .filter(|_| usable && visible)
        };
        match (header(&format!("{name} {PRODUCT}")), header(name)) {
            (Some(user_agent), Some(app)) => Ok(Self {
                user_agent,
                genesys_app: Some(app),
            }),
            _ => Err(Error::configuration(
                "the app's name must be 1 to 128 visible ASCII characters",
            )),
        }
    }

    /// The headers that every request carries.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, self.user_agent.clone());
        if let Some(app) = &self.genesys_app {
            headers.insert(GENESYS_APP, app.clone());
        }
        headers
    }
}

const GENESYS_APP: HeaderName = HeaderName::from_static("genesys-app");
const PRODUCT: &str = concat!("genesys-cloud-auth/", env!("CARGO_PKG_VERSION"));
