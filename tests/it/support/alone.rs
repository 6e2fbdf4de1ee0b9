//! A test in a process of its own, where what every thread says can be heard.
#![allow(
    clippy::disallowed_methods,
    reason = "the child is told by a variable that it is one"
)]

use std::process::Command;

/// What a process wrote.
pub struct Printed {
    pub stdout: String,
    pub stderr: String,
}

/// Runs the test `name` again, in a process of its own, and gives what that wrote beside the
/// harness; none in that process.
pub fn alone(name: &str) -> Option<Printed> {
    if std::env::var_os(ALONE).is_some() {
        return None;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(ALONE, "yes")
        .env("RUST_BACKTRACE", "0")
        // Nobody sits there, and no browser opens.
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
    let harness = |line: &str| {
        ["", "running 1 test", &test].contains(&line) || line.starts_with("test result: ok. 1 ")
    };
    let lines = stdout.lines().filter(|line| !harness(line));
    Some(Printed {
        stdout: lines.collect::<Vec<_>>().join("\n"),
        stderr,
    })
}

const ALONE: &str = "GENESYS_CLOUD_AUTH_TEST_ALONE";
