//! Failures known from the field, one subject in each file.

mod api_outage;
mod api_rate_limit;
mod outage_past_expiry;
mod rejected_token;
mod repeated_calls;
mod token_rate_limit;

use crate::support::server::{Decision, End};

/// A response that breaks off.
fn half(end: End) -> Decision {
    Decision::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"na", end)
}

fn bad_gateway() -> Decision {
    let html = "<html><title>502 Bad Gateway</title></html>";
    Decision::of(502, "Content-Type: text/html\r\n", html)
}

const PATH: &str = "/api/v2/users/me";
