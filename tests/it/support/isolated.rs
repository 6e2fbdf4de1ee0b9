//! Runs a test in a process of its own, so that the output of all its threads can be captured.
#![allow(
    clippy::disallowed_methods,
    reason = "a variable marks the child process"
)]

use std::process::Command;

/// The output of a process.
pub struct Output {
    pub stdout: String,
    pub stderr: String,
}

/// Runs the test `name` again in a child process and returns that process's output without the
/// lines of the test harness. Returns `None` in the child.
pub fn run_isolated(name: &str) -> Option<Output> {
    if std::env::var_os(IS_CHILD).is_some() {
        return None;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(IS_CHILD, "yes")
        .env("RUST_BACKTRACE", "0")
        // As over SSH: no browser is opened.
        .env("SSH_CONNECTION", "a session")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    let passed = stdout.contains("test result: ok. 1 passed");
    assert!(
        output.status.success() && passed,
        "{name}\n{stdout}{stderr}"
    );
    let test = format!("test {name} ... ok");
    // On a busy machine.
    let slow = format!("test {name} has been running for over 60 seconds");
    let is_harness = |line: &str| {
        let lines = ["", "running 1 test", &test, &slow];
        lines.contains(&line) || line.starts_with("test result: ok. 1 ")
    };
    let lines = stdout.lines().filter(|line| !is_harness(line));
    Some(Output {
        stdout: lines.collect::<Vec<_>>().join("\n"),
        stderr,
    })
}

/// The name of the test function around it, as the test harness knows it.
macro_rules! test_name {
    () => {{
        fn here() {}
        let path = std::any::type_name_of_val(&here);
        path.trim_start_matches("it::").trim_end_matches("::here")
    }};
}

pub(crate) use test_name;

const IS_CHILD: &str = "GENESYS_CLOUD_AUTH_TEST_IS_CHILD";
