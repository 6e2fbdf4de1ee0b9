//! What the measuring programs share: a server on this machine, and what is asked of it.
#![allow(clippy::disallowed_methods, reason = "times are measured")]

pub mod server;

use std::time::{Duration, Instant};

use genesys_cloud_auth::{ClientCredentials, HttpClient, Region, TokenProvider};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Returns a runtime on one thread.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Ok(builder.enable_all().build()?)
}

/// Returns a provider whose token endpoint and API are at `url`.
pub fn provider(url: &str, http_client: &HttpClient) -> Result<TokenProvider> {
    let credentials = ClientCredentials::new(CLIENT_ID, CLIENT_SECRET)?;
    let tokens = TokenProvider::builder(Region::custom(url, url)?, credentials);
    Ok(tokens.http_client(http_client.clone()).build()?)
}

/// Returns the output of `work`, and how long it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let output = work();
    (output, start.elapsed())
}

/// Prints a figure with its limit. Returns whether it is within the limit.
pub fn judge(name: &str, figure: i64, limit: i64, unit: &str) -> bool {
    let kept = figure <= limit;
    let verdict = if kept { "" } else { "   TOO MUCH" };
    println!("{name:56} {figure:>9} {unit}, at most {limit}{verdict}");
    kept
}

/// Prints a figure that is not judged.
pub fn report(name: &str, figure: impl std::fmt::Display, unit: &str) {
    println!("{name:56} {figure:>9} {unit}");
}

pub const CLIENT_ID: &str = "a-client";
pub const CLIENT_SECRET: &str = "a-secret";
