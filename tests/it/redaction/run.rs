//! Runs a flow and keeps all its output.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use genesys_cloud_auth::{
    ClientCredentials, Clock, Error, HttpClient, PlatformClient, Region, TokenProvider,
    TokenProviderBuilder,
    client::RetryPolicy,
    sandbox::{Sandbox, SandboxBuilder},
};
use tokio::runtime::Builder;

use super::{
    find,
    replies::{SECRET, SENTINELS, SHORT},
};
use crate::support::{
    CLIENT_ID,
    capture::Capture,
    provider_of,
    sentinels::{Sentinel, Shown},
};

pub struct Run {
    capture: Capture,
    shown: Shown,
    sentinels: Vec<Sentinel>,
    pub http_client: HttpClient,
}

impl Run {
    /// Runs `flow` and searches its output. The process must belong to this test alone.
    #[allow(
        clippy::print_stderr,
        reason = "the parent prints why the child failed"
    )]
    pub fn of(flow: impl AsyncFnOnce(&mut Self)) {
        let mut run = Self {
            capture: Capture::of_the_process(),
            shown: Shown::default(),
            sentinels: SENTINELS.to_vec(),
            http_client: HttpClient::new(|reqwest| reqwest.connection_verbose(true)).unwrap(),
        };
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(flow(&mut run));
            drop(runtime);
            run.assert_no_secret();
        }));
        if let Err(panic) = ended {
            let panics = run.capture.panics();
            let why = panics.get(panics.len().saturating_sub(MAX_PRINTED_BYTES)..);
            eprintln!("{}", why.unwrap_or(&panics));
            resume_unwind(panic);
        }
    }

    pub fn shown(&self) -> &Shown {
        &self.shown
    }

    /// Adds a secret to search for.
    pub fn add_secret(&mut self, name: &'static str, text: &str) {
        self.sentinels.push((name, text.to_owned().leak()));
    }

    pub fn debug<T: std::fmt::Debug>(&mut self, value: &T) {
        self.shown.debug(value);
    }

    pub fn text(&mut self, text: &str) {
        self.shown.display(&text);
    }

    /// Shows an error, and a panic with it.
    pub fn error(&mut self, error: &Error) {
        if self.shown.error(error) {
            let failed = || -> Result<(), Error> { Err(error.clone()) };
            self.panic(|| failed().expect("planted"));
        }
    }

    /// Shows what a call returned.
    pub fn result<T: std::fmt::Debug>(&mut self, result: Result<T, Error>) {
        match result {
            Ok(value) => self.debug(&value),
            Err(error) => self.error(&error),
        }
    }

    /// Shows the requests that a sandbox has recorded.
    pub fn requests(&mut self, sandbox: &Sandbox) {
        for request in sandbox.requests() {
            self.debug(&request);
        }
    }

    /// Starts a sandbox with the sentinels for its secrets, and returns a client of it.
    pub async fn service(&mut self, builder: SandboxBuilder) -> (Sandbox, PlatformClient) {
        let sandbox = builder.client(CLIENT_ID, SECRET).start().await.unwrap();
        let api = self.service_of(&sandbox);
        (sandbox, api)
    }

    pub fn panic<T>(&mut self, panics: impl FnOnce() -> T) {
        let before = self.capture.panics().len();
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert!(self.capture.panics().len() > before);
    }

    /// A client with the sentinels for its secrets.
    pub fn client(&mut self, region: Region) -> (PlatformClient, Clock) {
        let (builder, clock) = self.builder(region);
        let tokens = builder.build().unwrap();
        (self.client_of(tokens), clock)
    }

    /// A client with client credentials of a sandbox, whose events are searched, too.
    pub fn service_of(&mut self, sandbox: &Sandbox) -> PlatformClient {
        let builder = TokenProvider::builder(sandbox.region(), sandbox.client_credentials());
        let builder = builder.on_event(|event| tracing::info!("{event:?}"));
        let tokens = builder.http_client(self.http_client.clone()).build();
        self.client_of(tokens.unwrap())
    }

    pub fn client_of(&mut self, tokens: TokenProvider) -> PlatformClient {
        let builder = PlatformClient::builder(tokens).retry(RetryPolicy::never());
        self.debug(&builder);
        let client = builder.build();
        self.debug(&client);
        client
    }

    /// The HTTP client was asked to log everything.
    pub fn builder(&mut self, region: Region) -> (TokenProviderBuilder, Clock) {
        let credentials = ClientCredentials::new(CLIENT_ID, SECRET).unwrap();
        let (_, clock) = provider_of(region.clone());
        let builder = TokenProvider::builder(region, credentials)
            .http_client(self.http_client.clone())
            .attempt_timeout(SHORT)
            .clock(clock.clone());
        self.debug(&builder);
        (builder, clock)
    }

    /// Asserts that there was output and no secret in it.
    fn assert_no_secret(&self) {
        let (tracing, log) = (self.capture.tracing(), self.capture.log());
        for (channel, text) in [
            ("shown", self.shown.text()),
            ("tracing", &tracing),
            ("log", &log),
            ("panics", &self.capture.panics()),
        ] {
            let is_captured = !text.is_empty() || channel == "panics";
            assert!(is_captured, "{channel} was not captured");
            if let Some(found) = find(text, &self.sentinels) {
                panic!("in {channel}, {found}");
            }
        }
    }
}

/// The number of bytes of panic messages that a failing test prints.
const MAX_PRINTED_BYTES: usize = 4_000;
