//! Measures the crate in instructions and allocations, and fails if a figure is over its limit.
//!
//! `cargo run --release -p performance` runs this program again under callgrind, once for each
//! workload. A new workload is a line in `workloads::Workload::new`, and one in `check`.
#![allow(clippy::disallowed_methods, reason = "a planted fault reads a clock")]

mod callgrind;
mod start;
mod workloads;

use std::{env, process::ExitCode, time::Duration};

use performance::{Result, judge, report, server::Server};

use callgrind::{Cost, total, under_callgrind};
use workloads::{BATCH, run_workload};

fn main() -> Result<ExitCode> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["workload", name, url] => run_workload(name, url)?,
        ["start", "provider", url] => start::with_provider(url)?,
        ["start", "reqwest", url] => start::with_reqwest(url)?,
        _ => return Ok(ExitCode::from(u8::from(!check()?))),
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures everything. Returns whether all figures are within their limits.
fn check() -> Result<bool> {
    let server = Server::start(Duration::ZERO)?;
    let url = &server.url;
    let batch = |name: &str| -> Result<Cost> {
        let cost = median(under_callgrind(&["workload", name, url])?.iter());
        Ok(Cost {
            instructions: cost.instructions / BATCH,
            allocations: cost.allocations,
        })
    };
    let mut kept = true;
    report(
        "clone of a static header",
        batch("static")?.instructions,
        "Ir",
    );
    for (name, limit) in [("token", MAX_TOKEN), ("header", MAX_HEADER)] {
        let cost = batch(name)?;
        kept &= judge(name, cost.instructions, limit, "Ir");
        kept &= judge(name, cost.allocations, 0, "allocations");
    }

    let (bare, more) = api_call("api", url)?;
    report("API call through reqwest", bare.instructions, "Ir");
    report("API call through reqwest", bare.allocations, "allocations");
    kept &= judge(
        "API call beyond that",
        more.instructions,
        MAX_API_CALL.instructions,
        "Ir",
    );
    kept &= judge(
        "API call beyond that",
        more.allocations,
        MAX_API_CALL.allocations,
        "allocations",
    );

    let [bare, own] = ["reqwest", "provider"].map(|with| total(&["start", with, url]));
    let (bare, own) = (bare?, own?);
    report("start to a token through reqwest", bare, "Ir");
    kept &= judge("start to a token", own, MAX_START, "Ir");
    start::report_times(url)?;

    let found = |name: &str, is_over: bool| {
        println!("{name:56} {}", if is_over { "found" } else { "NOT FOUND" });
        is_over
    };
    let planted = batch("header-and-clock")?.instructions;
    kept &= found("planted clock", planted > MAX_HEADER);
    let planted = batch("header-and-allocation")?.allocations;
    kept &= found("planted allocation", planted > 0);
    let (_, more) = api_call("api-and-string", url)?;
    kept &= found(
        "planted string",
        more.allocations > MAX_API_CALL.allocations,
    );
    Ok(kept)
}

/// Returns the costs of an API call through reqwest, and what one through the crate costs beyond
/// that.
fn api_call(name: &str, url: &str) -> Result<(Cost, Cost)> {
    let costs = under_callgrind(&["workload", name, url])?;
    let [bare, own] = [0, 1].map(|way| median(costs.iter().skip(way).step_by(2)));
    let more = Cost {
        instructions: own.instructions - bare.instructions,
        allocations: own.allocations - bare.allocations,
    };
    Ok((bare, more))
}

fn median<'a>(costs: impl Iterator<Item = &'a Cost> + Clone) -> Cost {
    let middle = |mut values: Vec<i64>| {
        values.sort_unstable();
        values[values.len() / 2]
    };
    Cost {
        instructions: middle(costs.clone().map(|cost| cost.instructions).collect()),
        allocations: middle(costs.map(|cost| cost.allocations).collect()),
    }
}

const MAX_TOKEN: i64 = 150;
const MAX_HEADER: i64 = 200;
const MAX_API_CALL: Cost = Cost {
    instructions: 200,
    allocations: 0,
};
const MAX_START: i64 = 1_500_000;
