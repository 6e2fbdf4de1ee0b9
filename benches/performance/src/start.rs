//! Programs that get one token and end.

use std::{env, process::Command};

use genesys_cloud_auth::{HttpClient, reqwest};
use performance::{CLIENT_ID, CLIENT_SECRET, Result, provider, report, runtime, timed};

pub fn with_provider(url: &str) -> Result<()> {
    let tokens = provider(url, &HttpClient::default())?;
    let token = runtime()?.block_on(tokens.token())?;
    println!("{}", token.expose_secret().len());
    Ok(())
}

pub fn with_reqwest(url: &str) -> Result<()> {
    let client = reqwest::Client::new();
    let request = client.post(format!("{url}/oauth/token"));
    let request = request
        .basic_auth(CLIENT_ID, Some(CLIENT_SECRET))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials");
    let body = runtime()?.block_on(async { request.send().await?.bytes().await })?;
    let response: serde_json::Value = serde_json::from_slice(&body)?;
    println!("{}", response["access_token"].as_str().map_or(0, str::len));
    Ok(())
}

/// Prints how long the two programs take, from start to end.
pub fn report_times(url: &str) -> Result<()> {
    let program = env::current_exe()?;
    for with in ["reqwest", "provider"] {
        let run = || timed(|| Command::new(&program).args(["start", with, url]).output()).1;
        let mut times: Vec<_> = (0..RUNS).map(|_| run()).collect();
        times.sort();
        let millis = format!("{:.1}", times[RUNS / 2].as_secs_f64() * 1000.0);
        report(&format!("start to a token with {with}"), millis, "ms");
    }
    Ok(())
}

const RUNS: usize = 21;
