//! A login host and an API host on this machine, and a client that calls them.

use std::time::Duration;

use genesys_cloud_auth::{
    Clock, PlatformClient, TokenProvider,
    client::{PlatformClientBuilder, RetryPolicy},
    sandbox::Sandbox,
};

use super::{
    TOKEN, good_token, provider_of, region_of,
    server::{Reply, Server},
};

/// Two hosts, and a client whose clock the test moves. The login host issues another token each
/// time; the API responds with an empty object.
pub struct Cloud {
    pub login: Server,
    pub api: Server,
    pub client: PlatformClient,
    pub clock: Clock,
}

impl Cloud {
    /// Starts a cloud whose client makes up to five attempts without noticeable pauses.
    pub fn start() -> Self {
        Self::start_with(|client| client.timeout(LONG).retry(quick()))
    }

    /// Starts a cloud whose API sends these replies, one after the other, and then the last one.
    pub fn answering<const N: usize>(replies: [Reply; N]) -> Self {
        let cloud = Self::start();
        cloud.api.answers(replies);
        cloud
    }

    pub fn start_with(
        configure: impl FnOnce(PlatformClientBuilder) -> PlatformClientBuilder,
    ) -> Self {
        let login = Server::start(good_token(TOKEN));
        let tokens: [Reply; 4] = std::array::from_fn(|n| good_token(&format!("{TOKEN}{n}")));
        login.answers(tokens);
        let api = Server::start(Reply::json(200, "{}"));
        let (tokens, clock) = provider_of(region_of(&login, &api));
        let client = PlatformClient::builder(tokens.build().unwrap());
        Self {
            login,
            api,
            client: configure(client).build(),
            clock,
        }
    }

    pub fn requests(&self) -> Requests {
        Requests {
            token: self.login.requests().len(),
            api: self.api.requests().len(),
        }
    }
}

/// The requests that the hosts have received so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    pub token: usize,
    pub api: usize,
}

impl Requests {
    pub fn to(sandbox: &Sandbox) -> Self {
        Self {
            token: sandbox.token_requests(),
            api: sandbox.api_requests(),
        }
    }
}

/// Starts a sandbox with the default settings, and returns a client of it.
pub async fn sandbox_and_client() -> (Sandbox, PlatformClient) {
    let sandbox = Sandbox::start().await.unwrap();
    let api = client_of(&sandbox);
    (sandbox, api)
}

/// Returns a client of the sandbox with the default settings.
pub fn client_of(sandbox: &Sandbox) -> PlatformClient {
    let tokens = TokenProvider::new(sandbox.region(), sandbox.client_credentials());
    PlatformClient::new(tokens.unwrap())
}

/// Up to five attempts without noticeable pauses.
pub fn quick() -> RetryPolicy {
    RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(1))
}

pub const LONG: Duration = Duration::from_secs(300);
