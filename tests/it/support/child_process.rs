//! Lets a test start itself again in child processes and give each of them a job.
#![allow(
    clippy::disallowed_methods,
    reason = "the child reads its job from a variable"
)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

/// The job of this process, if it is a child.
pub fn job() -> Option<Vec<String>> {
    let job = std::env::var(JOB).ok()?;
    Some(job.split('\n').map(str::to_owned).collect())
}

/// A command that runs the test `name` in a child process with this job.
pub fn command<S: AsRef<str>>(name: &str, job: &[S]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    set_job(&mut command, name, job);
    command
}

/// The same, after a shell has run `first`.
pub fn command_after<S: AsRef<str>>(first: &str, name: &str, job: &[S]) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{first}; exec \"$0\" \"$@\"")]);
    command.arg(std::env::current_exe().unwrap());
    set_job(&mut command, name, job);
    command
}

fn set_job<S: AsRef<str>>(command: &mut Command, name: &str, job: &[S]) {
    let job: Vec<_> = job.iter().map(AsRef::as_ref).collect();
    command
        .args([name, "--exact", "--nocapture"])
        .env(JOB, job.join("\n"))
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
}

#[allow(clippy::print_stdout, reason = "the parent reads it")]
pub fn send_to_parent(message: &str) {
    println!("{PREFIX}{message}");
}

/// All messages of a child that has ended. It must have succeeded.
pub fn messages_of(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let messages = text.lines().filter_map(message_in);
    messages.map(str::to_owned).collect()
}

/// A running child, which is killed when this is dropped.
pub struct ChildProcess {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl ChildProcess {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Waits for the child's next message. Returns `None` if the child ended.
    pub fn next_message(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(message) = message_in(line.trim_end()) {
                return Some(message.to_owned());
            }
        }
    }

    /// Sends a line that the child receives by [`read_from_parent`].
    pub fn send(&mut self, line: &str) {
        let mut stdin = self.child.stdin.as_ref().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the parent's next line.
pub fn read_from_parent() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Blocks until the parent closes the pipe or kills this process.
pub fn wait_for_parent() {
    let _ = std::io::stdin().read(&mut [0]);
}

/// The message in a line of output. The test harness may have begun the line.
fn message_in(line: &str) -> Option<&str> {
    Some(line.split_once(PREFIX)?.1)
}

const JOB: &str = "GENESYS_CLOUD_AUTH_TEST_JOB";
const PREFIX: &str = "says: ";
