//! Failures that are known from the field, one subject a file.

mod api_outage;
mod api_rate_limit;
mod outage_past_expiry;
mod refused_token;
mod repeated_calls;
mod token_rate_limit;

use std::time::Duration;

use genesys_cloud_auth::{Clock, PlatformClient};

use crate::client::quick;
use crate::support::{
    TOKEN, good_token, provider_of, region_of,
    server::{Decision, End, Server},
};

/// A login host, an API, and a client of theirs whose clock the test moves.
struct Cloud {
    login: Server,
    api: Server,
    client: PlatformClient,
    clock: Clock,
}

impl Cloud {
    fn start() -> Self {
        let login = Server::start(good_token(TOKEN));
        let tokens: [Decision; 4] = std::array::from_fn(|n| good_token(&format!("{TOKEN}{n}")));
        login.answers(tokens);
        let api = Server::start(Decision::json(200, "{}"));
        let (builder, clock) = provider_of(region_of(&login, &api));
        let client = PlatformClient::builder(builder.build().unwrap())
            .timeout(LONG)
            .retry(quick())
            .build();
        Self {
            login,
            api,
            client,
            clock,
        }
    }

    /// How many requests each host has seen.
    fn seen(&self) -> (usize, usize) {
        (self.login.requests().len(), self.api.requests().len())
    }
}

/// An answer whose end never comes.
fn half(end: End) -> Decision {
    Decision::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"na", end)
}

fn gateway() -> Decision {
    let html = "<html><title>502 Bad Gateway</title></html>";
    Decision::of(502, "Content-Type: text/html\r\n", html)
}

const PATH: &str = "/api/v2/users/me";
const LONG: Duration = Duration::from_secs(300);
