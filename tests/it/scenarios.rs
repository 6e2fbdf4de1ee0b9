//! Failures known from the field, one subject in each file.

mod api_outage;
mod api_rate_limit;
mod login_outage;
mod outage_past_expiry;
mod rejected_token;
mod repeated_calls;
mod token_rate_limit;

use crate::support::server::{End, Reply};

/// A response that breaks off.
fn half(end: End) -> Reply {
    Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"na", end)
}

fn bad_gateway() -> Reply {
    let html = "<html><title>502 Bad Gateway</title></html>";
    Reply::of(502, "Content-Type: text/html\r\n", html)
}

const PATH: &str = "/api/v2/users/me";
