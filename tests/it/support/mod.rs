//! Shared by the tests: servers, a private certificate authority, captured logs, and providers.

pub mod capture;
pub mod child_process;
pub mod cloud;
pub mod dns;
pub mod example;
pub mod files;
pub mod isolated;
pub mod login;
mod message;
pub mod runtime;
pub mod sentinels;
pub mod server;
pub mod tls;
pub mod visitor;

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use dns::DnsStub;
use futures_core::Stream;
use genesys_cloud_auth::{
    ClientCredentials, Clock, Error, ErrorKind, Event, Region, TokenProvider, TokenProviderBuilder,
    sandbox::Sandbox,
};
use server::{Reply, Server};
use tls::Authority;

pub const CLIENT_ID: &str = "b6f0c1de-1111-4222-8333-c0ffee000001";
pub const SECRET: &str = "s3cret-of-the-tests";
pub const TOKEN: &str = "token-of-the-tests";

const A_MOMENT: Duration = Duration::from_millis(5);
const STEP: Duration = Duration::from_millis(500);

pub fn credentials() -> ClientCredentials {
    ClientCredentials::new(CLIENT_ID, SECRET).unwrap()
}

/// A region of two servers on this machine.
pub fn region_of(login: &Server, api: &Server) -> Region {
    Region::custom(&login.url(), &api.url()).unwrap()
}

/// The settings of a provider, and its clock.
pub fn provider_of(region: Region) -> (TokenProviderBuilder, Clock) {
    let clock = Clock::manual();
    let builder = TokenProvider::builder(region, credentials()).clock(clock.clone());
    (builder, clock)
}

/// A provider whose login and API are one server.
pub fn provider_at(server: &Server) -> (TokenProvider, Clock) {
    let (builder, clock) = provider_of(region_of(server, server));
    (builder.build().unwrap(), clock)
}

/// A provider of the remote region, whose name `dns` resolves, and the provider's clock.
pub fn provider_with(dns: &DnsStub, authority: &Authority) -> (TokenProvider, Clock) {
    let (builder, clock) = provider_of(dns::remote_region());
    let http = dns.http_client(&authority.certificate());
    (builder.http_client(http).build().unwrap(), clock)
}

/// A handler, and the events that it receives.
pub fn event_channel() -> (impl Fn(&Event) + Send + Sync + 'static, Receiver<Event>) {
    let (sender, events) = channel();
    // The receiver is dropped at the end of a test.
    let handle = move |event: &Event| drop(sender.send(event.clone()));
    (handle, events)
}

/// A provider for a sandbox, and the provider's clock.
pub fn with_clock(sandbox: &Sandbox, credentials: ClientCredentials) -> (TokenProvider, Clock) {
    let clock = Clock::manual();
    let builder = TokenProvider::builder(sandbox.region(), credentials);
    (builder.clock(clock.clone()).build().unwrap(), clock)
}

/// The next item of a stream.
pub async fn next_of<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

/// Advances the clock until the call ends. Returns its output and by how much the clock moved.
pub async fn advance_until_done<F: Future>(clock: &Clock, call: F) -> (F::Output, Duration) {
    let (mut call, mut moved) = (pin!(call), Duration::ZERO);
    while moved < Duration::from_secs(3_600) {
        if let Ok(output) = tokio::time::timeout(A_MOMENT, &mut call).await {
            return (output, moved);
        }
        clock.advance(STEP);
        moved += STEP;
    }
    panic!("the call does not end within an hour");
}

/// The token endpoint's response with `token`, valid for a day.
pub fn good_token(token: &str) -> Reply {
    Reply::json(
        200,
        &format!(r#"{{"access_token":"{token}","token_type":"bearer","expires_in":86399}}"#),
    )
}

/// Returns the text of an error with its sources.
pub fn with_sources(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_sources(source)),
        None => error.to_string(),
    }
}

/// Returns another number in each run.
pub fn random() -> u32 {
    let mut bytes = [0; 4];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    u32::from_le_bytes(bytes)
}

/// The payload of an error of this kind.
macro_rules! payload {
    ($error:expr, $kind:ident) => {
        match $error.kind() {
            genesys_cloud_auth::ErrorKind::$kind(payload) => payload,
            other => panic!("{other:?}"),
        }
    };
}

pub(crate) use payload;

/// Asserts the name of an error's kind, as [`kind_of`] returns it.
#[track_caller]
pub fn assert_kind(error: &Error, kind: &str) {
    assert_eq!(kind_of(error), kind, "{error}");
}

/// Asserts that a text contains a part.
#[track_caller]
pub fn assert_contains(text: impl fmt::Display, part: &str) {
    let text = text.to_string();
    assert!(text.contains(part), "no {part:?}: {text}");
}

/// Returns the name of an error's kind, of the kind within it, or both for `Transport`.
pub fn kind_of(error: &Error) -> String {
    let outer = variant_of(error.kind());
    let inner = match error.kind() {
        ErrorKind::Configuration(error) => variant_of(error.kind()),
        ErrorKind::Login(error) => variant_of(error.kind()),
        ErrorKind::OAuth(error) => variant_of(&error.kind()),
        ErrorKind::Transport(error) => format!("Transport {:?}", error.kind()),
        _ => return outer,
    };
    if inner == "Other" { outer } else { inner }
}

/// Returns the name of an enum's variant.
pub fn variant_of(value: &impl fmt::Debug) -> String {
    let mut debug = format!("{value:?}");
    let end = debug.find(|c: char| !c.is_ascii_alphanumeric());
    debug.truncate(end.unwrap_or(debug.len()));
    debug
}
