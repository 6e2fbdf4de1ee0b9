//! Examples that run as programs.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};
use url::Url;

use crate::quickstart::program;

const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Starts a web application without arguments. Returns its process, what it prints, and its address.
pub async fn start_web_app(example: &str) -> (Child, String, Url) {
    let mut command = Command::new(program(example));
    command.stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let mut text = String::new();
    loop {
        let line = timeout(TEST_TIMEOUT, lines.next_line()).await;
        let line = line.unwrap().unwrap().expect("an address");
        text.extend([&line, "\n"]);
        if let Some(url) = line.strip_prefix("Open ") {
            return (child, text, Url::parse(url).unwrap());
        }
    }
}

/// Asserts that an example fails with these arguments and shows the reason.
pub async fn assert_fails(example: &str, arguments: &[&str], reason: &str) {
    let output = Command::new(program(example)).args(arguments).output();
    let output = timeout(TEST_TIMEOUT, output).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains(reason), "{text}");
}
