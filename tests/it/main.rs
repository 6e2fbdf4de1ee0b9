//! The integration tests: one binary, so that TLS and HTTP are linked once.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test ends where something is not as expected"
)]

mod admin;
mod answers;
mod audit;
mod certificates;
mod client;
mod data_action_example;
mod diagnose;
mod environment;
mod errors;
mod events;
mod exchange;
mod fleet_example;
mod hosts;
mod login;
mod login_example;
mod malformed_errors;
mod outside_text;
mod processes;
mod profile;
mod proxies;
mod quickstart;
mod readme;
mod redaction;
mod rotation;
mod runtimes;
mod saml_example;
mod sandbox;
mod scenarios;
mod send;
#[path = "../source/mod.rs"]
mod source;
mod sso;
mod stores;
mod support;
mod terminal;
mod threats;
mod tokens;
mod trust;
mod web_app;
mod wire;
