//! A desktop without a screen: a home, a session bus, and a keyring.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;

pub struct Desktop {
    home: TempDir,
    bus: Option<(Child, String)>,
    keyring: Option<Child>,
    prompter: Option<Child>,
}

/// The time in which a program must have ended that does not wait for anything, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(180);

/// For a program whose result must not depend on the time it has.
pub const LONG: &str = "600000";

impl Desktop {
    pub fn without_bus() -> Self {
        let home = tempfile::tempdir().unwrap();
        for folder in ["run", "state"] {
            let path = home.path().join(folder);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        }
        Self {
            home,
            bus: None,
            keyring: None,
            prompter: None,
        }
    }

    /// With a bus that starts no services.
    pub fn without_keyring() -> Self {
        let mut desktop = Self::without_bus();
        let config = desktop.home.path().join("bus.conf");
        fs::write(&config, BUS_CONFIG).unwrap();
        let mut bus = desktop
            .command("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let mut printed = BufReader::new(bus.stdout.take().unwrap());
        printed.read_line(&mut address).unwrap();
        desktop.bus = Some((bus, address.trim().to_owned()));
        desktop
    }

    pub fn unlocked() -> Self {
        let mut desktop = Self::without_keyring();
        desktop.start_keyring(Some("a password"));
        desktop.wait_for_lock(false);
        desktop
    }

    /// Starts the keyring again. Nobody unlocks it, and no program asks for its password.
    pub fn restart_locked(&mut self) {
        self.stop_keyring();
        self.start_keyring(None);
        self.wait_for_lock(true);
    }

    pub fn restart_unlocked(&mut self) {
        self.stop_keyring();
        self.start_keyring(Some("a password"));
        self.wait_for_lock(false);
    }

    /// A new home has no keyring until one is unlocked there.
    pub fn without_default_keyring() -> Self {
        let mut desktop = Self::without_keyring();
        desktop.start_keyring(None);
        desktop.wait_for("no default", |desktop| {
            let alias = desktop.ask("ReadAlias", &["string:default"]);
            alias.contains("object path \"/\"")
        });
        desktop
    }

    fn start_keyring(&mut self, password: Option<&str>) {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        if password.is_some() {
            command.arg("--unlock");
        }
        let command = command.stdin(Stdio::piped());
        let output = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut keyring = output.spawn().unwrap();
        let mut stdin = keyring.stdin.take().unwrap();
        stdin
            .write_all(password.unwrap_or_default().as_bytes())
            .unwrap();
        self.keyring = Some(keyring);
    }

    /// Starts a program that opens the keyring's prompts and never answers them. Returns what it
    /// prints: the prompts' steps.
    pub fn start_prompter(&mut self) -> Lines {
        let mut prompter = self.start(&[LONG, "prompter"]);
        let mut printed = Lines::of(&mut prompter);
        self.prompter = Some(prompter);
        printed.wait_for("prompter: ready");
        printed
    }

    fn stop_keyring(&mut self) {
        end(self.keyring.take().as_mut());
        self.wait_for("gone", |desktop| {
            desktop.ask("ReadAlias", &["string:default"]).is_empty()
        });
    }

    fn wait_for_lock(&self, locked: bool) {
        let expected = format!("boolean {locked}");
        self.wait_for(&expected, |desktop| {
            desktop.default_is_locked().contains(&expected)
        });
    }

    fn default_is_locked(&self) -> String {
        self.dbus_send(&[
            "/org/freedesktop/secrets/aliases/default",
            "org.freedesktop.DBus.Properties.Get",
            "string:org.freedesktop.Secret.Collection",
            "string:Locked",
        ])
    }

    fn ask(&self, method: &str, arguments: &[&str]) -> String {
        let method = format!("org.freedesktop.Secret.Service.{method}");
        self.dbus_send(&[&["/org/freedesktop/secrets", &*method], arguments].concat())
    }

    fn dbus_send(&self, arguments: &[&str]) -> String {
        let mut command = self.command("dbus-send");
        command.args([
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.secrets",
        ]);
        let output = command.args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let (done, deadline) = mpsc::channel::<()>();
        thread::spawn(move || {
            let (_open, closed) = mpsc::channel::<()>();
            let _ = closed.recv_timeout(DEADLINE);
            drop(done);
        });
        while !is_so(self) {
            let over = deadline.try_recv() == Err(mpsc::TryRecvError::Disconnected);
            assert!(!over, "waited in vain for: {what}");
        }
    }

    /// Sends a signal, such as `STOP`, to the keyring.
    pub fn signal_keyring(&self, signal: &str) {
        send(signal, self.keyring.as_ref().unwrap());
    }

    pub fn signal_bus(&self, signal: &str) {
        send(signal, &self.bus.as_ref().unwrap().0);
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let home = self.home.path();
        command
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("XDG_DATA_HOME")
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home.join("run"))
            .env("XDG_STATE_HOME", home.join("state"));
        if let Some((_, address)) = &self.bus {
            command.env("DBUS_SESSION_BUS_ADDRESS", address);
        }
        command
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(env!("CARGO_BIN_EXE_keyring"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the program until it ends, and returns what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        output_of(self.start(arguments))
    }

    /// Does [`run`](Self::run) for a program that must succeed.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let printed = self.run(arguments);
        assert!(printed.ends_with("done\n"), "{arguments:?}: {printed}");
        printed
    }
}

/// What a running program prints.
pub struct Lines(mpsc::Receiver<String>);

impl Lines {
    fn of(child: &mut Child) -> Self {
        let printed = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = printed.lines().map_while(io::Result::ok);
            lines.for_each(|line| drop(sender.send(line)));
        });
        Self(lines)
    }

    pub fn wait_for(&mut self, expected: &str) {
        while self.0.recv_timeout(DEADLINE).unwrap() != expected {}
    }
}

/// Waits for the end of a program, until the deadline.
pub fn output_of(child: Child) -> String {
    let pid = child.id().to_string();
    let (sender, output) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = output.recv_timeout(DEADLINE) else {
        Command::new("kill").args(["-KILL", &pid]).status().unwrap();
        panic!("the program does not end");
    };
    let output = output.unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8(printed).unwrap();
    assert!(output.status.success(), "{}: {printed}", output.status);
    printed
}

/// The lines that start with these words, without them.
pub fn lines<'a>(printed: &'a str, start: &str) -> Vec<&'a str> {
    let lines = printed.lines();
    lines.filter_map(|line| line.strip_prefix(start)).collect()
}

fn send(signal: &str, child: &Child) {
    let pid = child.id().to_string();
    let signal = format!("-{signal}");
    let status = Command::new("kill").args([signal, pid]).status();
    assert!(status.unwrap().success());
}

fn end(child: Option<&mut Child>) {
    if let Some(child) = child {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        end(self.prompter.as_mut());
        end(self.keyring.as_mut());
        end(self.bus.as_mut().map(|(bus, _)| bus));
    }
}

const BUS_CONFIG: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;
