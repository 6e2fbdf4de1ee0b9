//! The headers that a caller sets.

use http::{HeaderName, HeaderValue, header::AUTHORIZATION};

use crate::error::Error;

/// Returns a header that the caller may set. A token in it is marked as sensitive.
pub(super) fn caller_header(
    name: impl TryInto<HeaderName>,
    value: impl TryInto<HeaderValue>,
) -> Result<(HeaderName, HeaderValue), Error> {
    let Ok(name) = name.try_into() else {
        let what = "the name of a header is malformed; it has letters, digits and hyphens";
        return Err(Error::configuration(what));
    };
    let what = match value.try_into() {
        Err(_) => format!(
            "the value of the header {name} contains a line break or another control character; \
             remove it"
        ),
        Ok(_) if OF_THE_CONNECTION.contains(&name.as_str()) => {
            format!("the header {name} belongs to the connection; leave it out")
        }
        Ok(mut value) => {
            value.set_sensitive(value.is_sensitive() || name == AUTHORIZATION);
            return Ok((name, value));
        }
    };
    Err(Error::configuration(what))
}

/// The headers that a caller may not set (RFC 9110 7.6.1 and RFC 9112 3.2, 6).
const OF_THE_CONNECTION: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
