//! Measures the heap: many callers that wait for one token, and many idle providers. Fails if a
//! figure is over its limit.

use std::{process::ExitCode, sync::Arc, time::Duration};

use allocation_counter::measure;
use genesys_cloud_auth::{HttpClient, TokenProvider};
use performance::{Result, judge, provider, report, runtime, server::Server, timed};
use tokio::{runtime::Runtime, sync::Semaphore, task::JoinHandle};

fn main() -> Result<ExitCode> {
    // Not `&&`: all figures are printed.
    let kept = herd()? & idle()?;
    Ok(ExitCode::from(u8::from(!kept)))
}

/// Callers that ask for a token at the same time, while the token endpoint takes 50 ms.
fn herd() -> Result<bool> {
    let server = Server::start(DELAY)?;
    let runtime = runtime()?;
    let tokens = provider(&server.url, &HttpClient::default())?;
    let start = Arc::new(Semaphore::new(0));
    let callers = spawn(&runtime, &tokens, &start);
    let mut took = Duration::ZERO;
    let heap = measure(|| {
        start.add_permits(CALLERS);
        ((), took) = timed(|| {
            for caller in callers {
                runtime.block_on(caller).expect("the caller gets a token");
            }
        });
    });
    let over = took.saturating_sub(DELAY).as_secs_f64() * 1000.0;
    report(
        "10,000 callers, time over the endpoint's",
        format!("{over:.1}"),
        "ms",
    );
    let kib = i64::try_from(heap.bytes_max)? / 1024;
    let requests = i64::try_from(server.requests())?;
    Ok(judge("10,000 callers, heap", kib, MAX_HERD_KIB, "KiB")
        & judge("10,000 callers, requests", requests, 1, ""))
}

/// Starts the callers, which wait for a permit.
fn spawn(runtime: &Runtime, tokens: &TokenProvider, start: &Arc<Semaphore>) -> Vec<JoinHandle<()>> {
    // Inside the runtime, so that its queue has room for all of them.
    runtime.block_on(async {
        let callers = (0..CALLERS).map(|_| {
            let (tokens, start) = (tokens.clone(), Arc::clone(start));
            tokio::spawn(async move {
                let _permit = start.acquire().await.expect("it stays open");
                tokens.token().await.expect("there is a token");
            })
        });
        let callers = callers.collect();
        // They run until they wait.
        tokio::task::yield_now().await;
        callers
    })
}

/// Providers that share their connections, before they have a token and with one.
fn idle() -> Result<bool> {
    let server = Server::start(Duration::ZERO)?;
    let runtime = runtime()?;
    let http_client = HttpClient::default();
    let mut all = Vec::with_capacity(PROVIDERS);
    runtime.block_on(provider(&server.url, &http_client)?.token())?;
    let new = measure(|| {
        let make = || provider(&server.url, &http_client).expect("it is valid");
        all.extend((0..PROVIDERS).map(|_| make()));
    });
    let used = measure(|| {
        for tokens in &all {
            runtime.block_on(tokens.token()).expect("there is a token");
        }
    });
    let each = |bytes: i64| bytes / i64::try_from(PROVIDERS).unwrap_or(1);
    let tasks = runtime.metrics().num_alive_tasks();
    let used = new.bytes_current + used.bytes_current;
    Ok(
        judge("idle provider", each(new.bytes_current), MAX_IDLE, "B")
        & judge("idle provider with a token", each(used), MAX_WITH_TOKEN, "B")
        // The connection's, and that of the pool of connections.
        & judge("10,000 providers, tasks", i64::try_from(tasks)?, 2, ""),
    )
}

const CALLERS: usize = 10_000;
const PROVIDERS: usize = 10_000;
const DELAY: Duration = Duration::from_millis(50);
const MAX_HERD_KIB: i64 = 64;
const MAX_IDLE: i64 = 2_500;
const MAX_WITH_TOKEN: i64 = 3_500;
