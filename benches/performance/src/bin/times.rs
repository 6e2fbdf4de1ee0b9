//! Reports times, which differ from run to run and are not judged: how a cached token scales over
//! threads, and how long callers wait where tokens live briefly.
#![allow(clippy::disallowed_methods, reason = "times are measured")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use genesys_cloud_auth::{HttpClient, TokenProvider};
use performance::{Result, provider, report, runtime, server::Server};
use tokio::runtime::Builder;

fn main() -> Result<()> {
    scaling()?;
    brief_lives()
}

/// Tasks that take the cached token and header as often as they can, on one thread and on two.
fn scaling() -> Result<()> {
    let server = Server::start(Duration::ZERO)?;
    let tokens = provider(&server.url, &HttpClient::default())?;
    runtime()?.block_on(tokens.token())?;
    for what in ["token", "header"] {
        let one = rate(&tokens, what, 1)?;
        let two = rate(&tokens, what, 2)?;
        let name = format!("{what}s on one thread, {TASKS} tasks");
        report(&name, format!("{one:.1}"), "million/s");
        let name = format!("{what}s on two threads");
        report(&name, format!("{:.2}", two / one), "times as many");
    }
    Ok(())
}

/// Returns how many million tokens or headers the tasks take in a second.
fn rate(tokens: &TokenProvider, what: &'static str, threads: usize) -> Result<f64> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()?;
    let start = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let tokens = tokens.clone();
            runtime.spawn(async move {
                for _ in 0..ROUNDS {
                    for _ in 0..100 {
                        if what == "token" {
                            black_box(tokens.token().await.is_ok());
                        } else {
                            black_box(tokens.authorization_header().await.is_ok());
                        }
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task)?;
    }
    let calls = u32::try_from(TASKS * ROUNDS * 100)?;
    Ok(f64::from(calls) / start.elapsed().as_secs_f64() / 1e6)
}

/// Callers that ask every millisecond for a token that lives for a second, while the token endpoint
/// takes 50 ms.
fn brief_lives() -> Result<()> {
    let server = Server::with_life(Duration::from_millis(50), 1)?;
    let runtime = runtime()?;
    let tokens = provider(&server.url, &HttpClient::default())?;
    runtime.block_on(tokens.token())?;
    let end = Instant::now() + Duration::from_secs(10);
    let (mut calls, mut late, mut brief) = (0, 0, 0);
    let callers: Vec<_> = (0..TASKS)
        .map(|_| runtime.spawn(ask(tokens.clone(), end)))
        .collect();
    for caller in callers {
        let [asked, waited, ending] = runtime.block_on(caller)?;
        (calls, late, brief) = (calls + asked, late + waited, brief + ending);
    }
    report("10 s of tokens that live 1 s, calls", calls, "");
    report("of these, longer than 5 ms", late, "");
    report("tokens with under 100 ms left", brief, "");
    report("token requests", server.requests(), "");
    Ok(())
}

/// Returns the number of calls, of those over 5 ms, and of tokens with under 100 ms left.
async fn ask(tokens: TokenProvider, end: Instant) -> [usize; 3] {
    let mut counts = [0; 3];
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    while Instant::now() < end {
        let start = Instant::now();
        let token = tokens.token().await.expect("there is a token");
        counts[0] += 1;
        counts[1] += usize::from(start.elapsed() > Duration::from_millis(5));
        let left = token.expires_in().unwrap_or_default();
        counts[2] += usize::from(left < Duration::from_millis(100));
        ticks.tick().await;
    }
    counts
}

const TASKS: usize = 64;
const ROUNDS: usize = 1_000;
