//! The example `login`.

use std::{process::Stdio, time::Duration};

use genesys_cloud_auth::{
    AuthorizationCode, ClientCredentials, Login, LoginBuilder, PlatformClient,
    sandbox::{Sandbox, SandboxUser},
    store::{FileStore, SealingKey},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};
use url::Url;

use super::{
    quickstart::program,
    readme::assert_is_documented,
    support::{example::in_one_line, login::parameter, visitor::Visitor},
};

#[path = "../../examples/login.rs"]
#[allow(
    clippy::module_inception,
    dead_code,
    reason = "a program with parts of its own"
)]
mod login;

/// The time after which a test has failed.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::builder().code_client(["http://localhost"]);
    sandbox.start().await.unwrap()
}

fn builder(sandbox: &Sandbox) -> LoginBuilder {
    let app = AuthorizationCode::public(sandbox.client_id(), "http://localhost").unwrap();
    Login::builder(sandbox.region(), app)
}

/// The output of `by_hand`, which sends each complete line.
struct Out(mpsc::UnboundedSender<String>, Vec<u8>);

impl std::io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for byte in bytes {
            match byte {
                b'\n' => {
                    let line = String::from_utf8(std::mem::take(&mut self.1)).unwrap();
                    let _ = self.0.send(line);
                }
                byte => self.1.push(*byte),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The user's terminal.
struct Terminal {
    lines: mpsc::UnboundedReceiver<String>,
    typed: Option<mpsc::Sender<String>>,
    seen: String,
}

impl Terminal {
    fn new() -> (Self, mpsc::Receiver<String>, login::terminal::Output<Out>) {
        let (written, lines) = mpsc::unbounded_channel();
        let (typed, receiver) = mpsc::channel(1);
        let terminal = Self {
            lines,
            typed: Some(typed),
            seen: String::new(),
        };
        // So wide that no line is wrapped.
        let out = login::terminal::Output::new(Out(written, Vec::new()), 1_000);
        (terminal, receiver, out)
    }

    /// Reads up to the next line that contains `part`.
    async fn line_with(&mut self, part: &str) -> String {
        loop {
            let line = timeout(TEST_TIMEOUT, self.lines.recv()).await.expect(part);
            let line = line.unwrap_or_else(|| panic!("no line with {part}: {}", self.seen));
            self.seen.extend([&line, "\n"]);
            if line.contains(part) {
                return line;
            }
        }
    }

    async fn types(&self, line: &str) {
        let typed = self.typed.as_ref().unwrap();
        typed.send(line.to_owned()).await.unwrap();
    }

    async fn rest(mut self) -> String {
        while let Some(line) = self.lines.recv().await {
            self.seen.extend([&line, "\n"]);
        }
        self.seen
    }
}

/// The value after `name` in the output's last row of this name.
fn row<'a>(text: &'a str, name: &str) -> &'a str {
    let lines = text.lines().map(str::trim);
    let row = lines.filter_map(|line| line.strip_prefix(name)).next_back();
    row.unwrap_or_else(|| panic!("no {name}: {text}")).trim()
}

fn assert_shows_user(sandbox: &Sandbox, user: &SandboxUser, text: &str) {
    assert_eq!(row(text, "user "), user.name());
    assert_eq!(row(text, "email address"), user.email());
    let region = sandbox.region().to_string();
    assert_eq!(row(text, "region"), region);
}

#[tokio::test]
async fn pasted_callback_shows_user_and_organization() {
    let sandbox = sandbox().await;
    let login = builder(&sandbox).build().unwrap();
    let user = sandbox.users().remove(1);
    let (mut terminal, lines, mut out) = Terminal::new();
    let program = tokio::spawn(async move {
        let tokens = login::by_hand(&login, lines, &mut out).await.unwrap();
        login::show_user(tokens.clone(), &mut out).await.unwrap();
        tokens
    });
    let url = terminal.line_with("/oauth/authorize?").await;
    let back = sandbox.log_in(&url, &user).await;
    let back = Url::parse(&back).unwrap();
    let state = parameter(&back, "state").unwrap();
    for (bad, reason) in [
        ("what".to_owned(), "neither a URL nor the query"),
        (back.as_str().replace(&state, "other"), "another login"),
        (format!("{back}&response_type=token"), "implicit grant"),
        (
            "http://localhost/x?code=1".to_owned(),
            "not for the redirect URI",
        ),
    ] {
        terminal.types(&bad).await;
        terminal.line_with(reason).await;
        terminal.line_with("Paste it again").await;
    }
    assert_eq!(sandbox.token_requests(), 0);
    terminal.types(&format!("  {back}  ")).await;
    let tokens = timeout(TEST_TIMEOUT, program).await.unwrap().unwrap();
    let text = terminal.rest().await;

    assert_shows_user(&sandbox, &user, &text);
    let api = PlatformClient::new(tokens.clone());
    let organization: Value = api.get("/api/v2/organizations/me").fetch().await.unwrap();
    assert_eq!(row(&text, "organisation"), organization["name"]);
    let token = tokens.token().await.unwrap();
    for secret in [
        parameter(&back, "code").unwrap().as_str(),
        token.expose_secret(),
    ] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn browser_may_come_back_without_input() {
    for closed in [false, true] {
        let sandbox = sandbox().await;
        let login = builder(&sandbox).build().unwrap();
        let (mut terminal, lines, mut out) = Terminal::new();
        if closed {
            terminal.typed = None;
        }
        let program = tokio::spawn(async move {
            let tokens = login::by_hand(&login, lines, &mut out).await.unwrap();
            login::show_user(tokens, &mut out).await.unwrap();
        });
        let url = terminal.line_with("/oauth/authorize?").await;
        let user = &sandbox.users()[0];
        if closed {
            terminal.line_with("waits for the browser alone").await;
        }
        let back = sandbox.log_in(&url, user).await;
        assert_eq!(Visitor::new().get(&back).await.status, 200);
        timeout(TEST_TIMEOUT, program).await.unwrap().unwrap();
        assert_shows_user(&sandbox, user, &terminal.rest().await);
    }
}

#[tokio::test]
async fn address_that_a_terminal_wrapped_is_accepted() {
    let sandbox = sandbox().await;
    let login = builder(&sandbox).build().unwrap();
    let (mut terminal, lines, mut out) = Terminal::new();
    let program =
        tokio::spawn(async move { login::by_hand(&login, lines, &mut out).await.is_ok() });
    let url = terminal.line_with("/oauth/authorize?").await;
    let back = sandbox.log_in(&url, &sandbox.users()[0]).await;
    terminal.types("http://localhost/x?code=1").await;
    for line in back.as_bytes().chunks(40) {
        let line = str::from_utf8(line).unwrap();
        terminal.types(&format!("    {line}")).await;
    }
    assert!(timeout(TEST_TIMEOUT, program).await.unwrap().unwrap());
    assert_eq!(sandbox.token_requests(), 1);
}

#[tokio::test]
async fn stored_login_needs_no_browser_until_the_logout() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let store = FileStore::in_folder(folder.path());
        let login = builder(&sandbox).store(store, SealingKey::unsealed());
        login.build().unwrap()
    };
    let (mut terminal, lines, mut out) = Terminal::new();
    let first = run();
    let program = tokio::spawn(async move {
        login::by_hand(&first, lines, &mut out).await.unwrap();
    });
    let url = terminal.line_with("/oauth/authorize?").await;
    let back = sandbox.log_in(&url, &sandbox.users()[0]).await;
    terminal.types(&back).await;
    timeout(TEST_TIMEOUT, program).await.unwrap().unwrap();

    let mut out = Vec::new();
    let output = &mut login::terminal::Output::new(&mut out, 80);
    login::log_in(&run(), output).await.unwrap();
    assert!(out.is_empty());
    assert_eq!(sandbox.token_requests(), 1);

    for start in ["The login has ended", "No login is stored here."] {
        let mut out = Vec::new();
        let output = &mut login::terminal::Output::new(&mut out, 80);
        login::log_out(&run(), output).await.unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(start), "{text}");
        let url = text.lines().last().unwrap();
        assert_eq!(url, run().logout_url(None).as_str());
    }
    assert!(run().saved("default").await.unwrap().is_none());
}

/// The example as a process.
struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    seen: String,
}

impl Running {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program("login"));
        for name in ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "BROWSER"] {
            command.env_remove(name);
        }
        let mut child = command
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            seen: String::new(),
        }
    }

    async fn line_with(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line);
            let read = timeout(TEST_TIMEOUT, read).await.expect(part).unwrap();
            assert!(read > 0, "no line with {part}: {}", self.seen);
            self.seen += &line;
            if line.contains(part) {
                return line.trim().to_owned();
            }
        }
    }

    /// The whole output, and whether the program succeeded. Its input stays open, so that a program
    /// which waited for input would not end.
    async fn end(mut self) -> (String, bool) {
        let ended = async {
            self.output.read_to_string(&mut self.seen).await.unwrap();
            let errors = self.child.stderr.as_mut().unwrap();
            errors.read_to_string(&mut self.seen).await.unwrap();
            self.child.wait().await.unwrap().success()
        };
        let success = timeout(TEST_TIMEOUT, ended).await.expect("it does not end");
        (self.seen, success)
    }
}

/// Logs in at the example's sandbox as the user that it names, and returns the callback.
async fn log_in(running: &mut Running, decision: &str) -> Url {
    running.line_with("A sandbox on this machine").await;
    let value = |line: String| line.split_whitespace().last().unwrap().to_owned();
    let email = value(running.line_with("email address").await);
    let password = value(running.line_with("password").await);
    let url = running.line_with("/oauth/authorize?").await;
    let mut visitor = Visitor::new();
    visitor.log_in(&url, (&email, &password), decision).await
}

#[tokio::test]
async fn over_ssh_it_asks_for_the_callback() {
    let mut running = Running::start(&[], &[("SSH_CONNECTION", "1"), ("BROWSER", "true")]);
    let back = log_in(&mut running, "allow").await;
    let line = format!("wrong\n\n{back}\n");
    running.input.write_all(line.as_bytes()).await.unwrap();
    let (text, success) = running.end().await;
    assert!(success, "{text}");
    let flat = in_one_line(&text);
    assert!(flat.contains("this is an SSH session"), "{text}");
    assert!(flat.contains("neither a URL nor the query"), "{text}");
    assert_eq!(row(&text, "user "), "User 1");
    assert_eq!(row(&text, "organisation"), "Sandbox");
    assert!(!text.contains(&parameter(&back, "code").unwrap()), "{text}");
}

// Where `$BROWSER` says which program is opened.
#[cfg(all(unix, not(target_os = "macos")))]
#[tokio::test]
async fn browser_receives_the_address_that_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    std::process::Command::new("mkfifo")
        .arg(&record)
        .status()
        .unwrap();
    let script = folder.path().join("browser");
    let text = format!("#!/bin/sh\nprintf '%s' \"$1\" > '{}'\n", record.display());
    std::fs::write(&script, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let browser = script.display().to_string();
    let mut running = Running::start(&["--open-browser"], &[("BROWSER", &browser)]);
    let opened = tokio::task::spawn_blocking(move || std::fs::read_to_string(record).unwrap());
    let back = log_in(&mut running, "allow").await;
    let opened = timeout(TEST_TIMEOUT, opened).await.unwrap().unwrap();
    assert!(running.seen.contains(&format!("\n{opened}\n")), "{opened}");
    assert_eq!(Visitor::new().get(&back).await.status, 200);
    let (text, success) = running.end().await;
    assert!(success, "{text}");
    assert_is_documented(&text);
}

#[tokio::test]
async fn denial_is_shown() {
    let mut running = Running::start(&[], &[("SSH_CONNECTION", "1")]);
    let back = log_in(&mut running, "deny").await;
    assert_eq!(Visitor::new().get(&back).await.status, 403);
    let (text, success) = running.end().await;
    assert!(!success);
    assert!(text.contains("\nError: "), "{text}");
    assert!(text.contains("access_denied"), "{text}");
}

#[test]
fn matching_row_of_the_troubleshooting_table_is_shown() {
    let error = ClientCredentials::new("an-id", "").unwrap_err();
    let help = error.troubleshooting().unwrap();
    let mut out = Vec::new();
    let output = &mut login::terminal::Output::new(&mut out, 1_000);
    output.error(&error).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(&error.to_string()), "{text}");
    assert_eq!(row(&text, "issue"), help.issue());
    assert_eq!(row(&text, "likely cause"), help.likely_cause());
    assert_eq!(row(&text, "resolution"), help.resolution());
}
