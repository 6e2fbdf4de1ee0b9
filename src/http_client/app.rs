//! The calling program's name, as it is sent to the server.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT, ACCEPT_ENCODING, USER_AGENT},
};

use crate::{error::Error, outside_text::name_of};

/// The headers that name the calling program in the server's log.
#[derive(Clone, Debug)]
pub(crate) struct App {
    user_agent: HeaderValue,
    genesys_app: Option<HeaderValue>,
}

impl App {
    /// Creates the headers for a name such as `crm-sync/1.4`, or for this crate alone.
    pub(crate) fn new(name: Option<&str>) -> Result<Self, Error> {
        let Some(name) = name else {
            return Ok(Self {
                user_agent: HeaderValue::from_static(PRODUCT),
                genesys_app: None,
            });
        };
        let other = name.chars().find(|c| !(' '..='~').contains(c));
        let is_valid = (1..=MAX_NAME_BYTES).contains(&name.len()) && other.is_none();
        let header = |text: &str| HeaderValue::from_str(text).ok().filter(|_| is_valid);
        if let (Some(user_agent), Some(app)) = (header(&format!("{name} {PRODUCT}")), header(name))
        {
            return Ok(Self {
                user_agent,
                genesys_app: Some(app),
            });
        }
        let fault = other.map_or_else(String::new, |c| format!(", and contains {}", name_of(c)));
        Err(Error::configuration(format!(
            "the app's name must be 1 to 128 visible ASCII characters{fault}"
        )))
    }

    /// Returns the headers of every request.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        // Without it a server may choose any coding (RFC 9110 12.5.3), and none is read.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(USER_AGENT, self.user_agent.clone());
        if let Some(app) = &self.genesys_app {
            headers.insert(GENESYS_APP, app.clone());
        }
        headers
    }
}

const GENESYS_APP: HeaderName = HeaderName::from_static("genesys-app");
const PRODUCT: &str = concat!("genesys-cloud-auth/", env!("CARGO_PKG_VERSION"));
const MAX_NAME_BYTES: usize = 128;
