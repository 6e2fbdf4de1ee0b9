//! A test that starts itself again in other processes, with a job for each.
#![allow(
    clippy::disallowed_methods,
    reason = "the child is told its job by a variable"
)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

/// The job of this process, where it has one.
pub fn job() -> Option<Vec<String>> {
    let job = std::env::var(JOB).ok()?;
    Some(job.split('\n').map(str::to_owned).collect())
}

/// The test `name` again, in a process of its own that has this job.
pub fn command<S: AsRef<str>>(name: &str, job: &[S]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    tell(&mut command, name, job);
    command
}

/// The same, after a shell did `first`.
pub fn command_after<S: AsRef<str>>(first: &str, name: &str, job: &[S]) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{first}; exec \"$0\" \"$@\"")]);
    command.arg(std::env::current_exe().unwrap());
    tell(&mut command, name, job);
    command
}

fn tell<S: AsRef<str>>(command: &mut Command, name: &str, job: &[S]) {
    let job: Vec<_> = job.iter().map(AsRef::as_ref).collect();
    command
        .args([name, "--exact", "--nocapture"])
        .env(JOB, job.join("\n"))
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
}

/// Says something to who started this process.
#[allow(clippy::print_stdout, reason = "the parent reads it")]
pub fn say(word: &str) {
    println!("{SAYS}{word}");
}

/// What a process said to its end, which is good.
pub fn said(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    text.lines().filter_map(word).map(str::to_owned).collect()
}

/// A process that is listened to, and killed when dropped.
pub struct Listened {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Listened {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// What it says next; none where it ended.
    pub fn next(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(word) = word(line.trim_end()) {
                return Some(word.to_owned());
            }
        }
    }

    /// Tells it something, which it [hears](heard).
    pub fn tell(&mut self, word: &str) {
        let mut stdin = self.child.stdin.as_ref().unwrap();
        writeln!(stdin, "{word}").unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Listened {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What who started this process tells it next, for which it waits.
pub fn heard() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Holds this process until who started it lets go or kills it.
pub fn hold() {
    let _ = std::io::stdin().read(&mut [0]);
}

/// The harness may have begun the line.
fn word(line: &str) -> Option<&str> {
    Some(line.split_once(SAYS)?.1)
}

const JOB: &str = "GENESYS_CLOUD_AUTH_TEST_JOB";
const SAYS: &str = "says: ";
