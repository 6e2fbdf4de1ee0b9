//! Starts a fleet: many processes at once, which need a token of one OAuth client; with a store that
//! they share, and without.
//!
//! ```sh
//! cargo run --example fleet
//! ```
//!
//! ```text
//! 20 processes start at once and need a token of one OAuth client. A sandbox on
//! this machine stands in for Genesys Cloud.
//! The store is a Redis that this program has started for itself.
//!
//!                     with the store   without
//!   token requests                 1        20
//!   shortest wait               … ms      … ms
//!   median wait                 … ms      … ms
//!   longest wait                … ms      … ms
//!   all served after            … ms      … ms
//! ```
//!
//! A wait is the time of the first call of `token` in a process. The sandbox issues a token within a
//! millisecond and has no limit. A login host takes longer and has a limit: there each request that the
//! store saves is worth more than the wait for it.
//!
//! The store is the Redis of the variable `REDIS_URL`, if that is set. If that Redis cannot be used, each
//! process requests a token of its own and reports the failure, as your services would. Without the
//! variable the example starts `redis-server` on a free port of this machine, and stops it at the end.
//! Where that is not installed, it shows the same with files:
//!
//! ```text
//! 20 processes start at once and need a token of one OAuth client. A sandbox on
//! this machine stands in for Genesys Cloud.
//! The store is a folder of files, since redis-server is not installed. To see it
//! with Redis, start one, and run the example again with the variable
//! REDIS_URL=redis://127.0.0.1
//!
//! docker run --rm -p 127.0.0.1:6379:6379 redis
//!
//!                     with the store   without
//!   token requests                 1        20
//!   shortest wait               … ms      … ms
//!   median wait                 … ms      … ms
//!   longest wait                … ms      … ms
//!   all served after            … ms      … ms
//! ```
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read the environment and the clock"
)]

mod fleet;
mod instance;
mod store;
#[path = "../common/terminal.rs"]
mod terminal;

use std::{error::Error as StdError, process::ExitCode, time::Duration};

use genesys_cloud_auth::sandbox::Sandbox;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout},
};

use fleet::Fleet;
use instance::{INSTANCE, be_instance};
use store::Store;
use terminal::{Help, Output, milliseconds};

type Result<T> = std::result::Result<T, Box<dyn StdError>>;

#[tokio::main]
async fn main() -> ExitCode {
    terminal::run(&HELP, run).await
}

async fn run(out: &mut Output, arguments: &[String]) -> Result<()> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => compare(out, 20).await,
        ["--instances", number] => {
            let instances = number.parse().ok();
            let instances = instances.filter(|number| (1..=MAX_INSTANCES).contains(number));
            let error = || format!("the number of instances is 1 to {MAX_INSTANCES}, not {number}");
            compare(out, instances.ok_or_else(error)?).await
        }
        // How the example starts itself.
        [INSTANCE, ref store @ ..] => be_instance(out, store).await,
        _ => Err(HELP.wrong_arguments()),
    }
}

/// Runs a fleet with a store and one without, and prints what they cost.
async fn compare(out: &mut Output, instances: usize) -> Result<()> {
    out.text(format_args!(
        "{instances} processes start at once and need a token of one OAuth client. A sandbox on this \
         machine stands in for Genesys Cloud."
    ))?;
    let (sandbox, store) = (Sandbox::start().await?, Store::open().await?);
    store.show(out)?;
    let with = Fleet::run(instances, &sandbox, Some(&store.place)).await?;
    let without = Fleet::run(instances, &sandbox, None).await?;
    store.close().await?;

    let requests = [&with, &without].map(|fleet| fleet.token_requests.to_string());
    let times = |of: fn(&Fleet) -> Duration| [&with, &without].map(|fleet| milliseconds(of(fleet)));
    let rows = [
        ("", ["with the store", "without"].map(str::to_owned)),
        ("token requests", requests),
        ("shortest wait", times(|fleet| fleet.wait(0))),
        (
            "median wait",
            times(|fleet| fleet.wait(fleet.waits.len() / 2)),
        ),
        (
            "longest wait",
            times(|fleet| fleet.wait(fleet.waits.len() - 1)),
        ),
        ("all served after", times(|fleet| fleet.all_served_after)),
    ];
    out.text("")?;
    for (name, [with, without]) in rows {
        out.row(name, format_args!("{with:>14}{without:>10}"))?;
    }
    if let Some(failure) = with.store_failures.first() {
        let failed = with.store_failures.len();
        out.text(format_args!(
            "\nThe store failed in {failed} processes, and each of them requested a token of its own: \
             {failure}"
        ))?;
    }
    Ok(())
}

fn lines_of(process: &mut Child) -> Result<Lines<BufReader<ChildStdout>>> {
    let output = process.stdout.take().ok_or("the output is not piped")?;
    Ok(BufReader::new(output).lines())
}

/// Each has two pipes, and many systems allow a process 1,024 files.
const MAX_INSTANCES: usize = 200;

const HELP: Help = Help {
    about: "Starts many processes that need a token at once, with a store that they share and without.",
    arguments: "[--instances N]",
    rows: &[
        (
            "--instances N",
            "the number of processes, 1 to 200; 20 without it",
        ),
        (
            "REDIS_URL",
            "the variable names a Redis, such as redis://127.0.0.1; without it the example starts \
             redis-server, or uses files where that is not installed",
        ),
    ],
};
