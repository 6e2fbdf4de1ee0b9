//! An example, run as a process.

use std::{path::PathBuf, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use super::chromium::STEP_TIMEOUT;

pub struct Example {
    child: Child,
    output: BufReader<ChildStdout>,
    seen: String,
}

/// A user of the example's sandbox.
pub struct User {
    pub email: String,
    pub password: String,
}

impl Example {
    /// Starts an example with a `$BROWSER` that does nothing, so that only the test opens a browser.
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program(name));
        for name in PROXIES {
            command.env_remove(name);
        }
        let mut child = command
            .args(arguments)
            .env("BROWSER", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the examples are built");
        Self {
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            seen: String::new(),
        }
    }

    /// Reads up to the next line that contains `part`, and returns its words.
    pub async fn words_with(&mut self, part: &str) -> Vec<String> {
        loop {
            let mut line = String::new();
            let read = timeout(STEP_TIMEOUT, self.output.read_line(&mut line)).await;
            assert!(read.expect(part).unwrap() > 0, "{}", self.seen);
            self.seen += &line;
            if line.contains(part) {
                return line.split_whitespace().map(str::to_owned).collect();
            }
        }
    }

    /// The whole output with the errors, and whether the program succeeded.
    pub async fn end(mut self) -> (String, bool) {
        let ended = async {
            self.output.read_to_string(&mut self.seen).await.unwrap();
            let errors = self.child.stderr.as_mut().unwrap();
            errors.read_to_string(&mut self.seen).await.unwrap();
            self.child.wait().await.unwrap().success()
        };
        let success = timeout(STEP_TIMEOUT, ended).await.expect("it ends");
        (self.seen, success)
    }
}

fn program(example: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let name = format!("{example}{}", std::env::consts::EXE_SUFFIX);
    let folder = tests.ancestors().nth(2).unwrap().join("examples");
    folder.join(name)
}

const PROXIES: [&str; 6] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
];
