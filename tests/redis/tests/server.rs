//! A Redis server on a port of its own.

use std::{
    io::{self, BufRead as _, BufReader},
    net::TcpListener,
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use redis::{Client, Cmd, RedisResult, Value, aio::MultiplexedConnection, cmd};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// A running server, which is killed when this is dropped.
pub struct Server {
    process: Child,
    port: u16,
    password: Option<String>,
    arguments: Vec<String>,
    folder: TempDir,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with_password(password: &str) -> Self {
        let mut server = Self::start_with(&["--requirepass", password]);
        server.password = Some(password.to_owned());
        server
    }

    pub fn start_with(arguments: &[&str]) -> Self {
        let arguments: Vec<_> = arguments.iter().map(|&text| text.to_owned()).collect();
        let folder = tempfile::tempdir().unwrap();
        let (process, port) = run_on_a_free_port(&arguments, &folder);
        Self {
            process,
            port,
            password: None,
            arguments,
            folder,
        }
    }

    pub fn url(&self) -> String {
        let password = self
            .password
            .as_ref()
            .map(|password| format!(":{password}@"));
        let port = self.port;
        format!("redis://{}127.0.0.1:{port}", password.unwrap_or_default())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server stops as it is. Its connections stay open.
    pub fn pause(&self) {
        send_signal("STOP", self.process.id());
    }

    pub fn resume(&self) {
        send_signal("CONT", self.process.id());
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again after [`kill`](Self::kill), with nothing in it.
    pub fn start_again(&mut self) {
        self.process = run(self.port, &self.arguments, &self.folder).unwrap();
    }

    pub async fn connection(&self) -> MultiplexedConnection {
        let client = Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// Sends a command of these words.
    pub async fn ask(&self, words: &[&str]) -> Value {
        self.try_ask(words).await.unwrap()
    }

    pub async fn try_ask(&self, words: &[&str]) -> RedisResult<Value> {
        let client = Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await?;
        command(words).query_async(&mut connection).await
    }

    /// The names of all records and turns.
    pub async fn keys(&self) -> Vec<String> {
        let mut connection = self.connection().await;
        let keys = cmd("KEYS").arg("*").query_async(&mut connection).await;
        keys.unwrap()
    }

    /// Whether a process has a turn, or had one when it ended.
    pub async fn has_turns(&self) -> bool {
        let keys = self.keys().await;
        keys.iter().any(|key| key.ends_with(":turn"))
    }

    /// The name of the only record.
    pub async fn record(&self) -> String {
        let mut keys = self.keys().await;
        keys.retain(|key| key.ends_with(":record"));
        let [record] = &keys[..] else {
            panic!("{keys:?}")
        };
        record.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal, such as `STOP`, to a process.
pub fn send_signal(signal: &str, process: u32) {
    let mut kill = Command::new("kill");
    kill.args([format!("-{signal}"), process.to_string()]);
    assert!(kill.status().unwrap().success());
}

/// Waits until it is so.
pub async fn until(is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(120), waiting).await.unwrap();
}

/// All words of a response.
pub fn text(value: Value) -> String {
    format!("{value:?}")
}

pub fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(word);
    }
    command
}

/// Returns a port that no connection gets by chance: those are above 32767.
pub fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = process::id() * 64 + TRIED.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + u16::try_from(number % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Another program may have taken the port meanwhile.
fn run_on_a_free_port(arguments: &[String], folder: &TempDir) -> (Child, u16) {
    for _ in 0..5 {
        let port = free_port();
        match run(port, arguments, folder) {
            Ok(process) => return (process, port),
            Err(log) => eprintln!("redis-server ended: {log}"),
        }
    }
    panic!("redis-server does not start");
}

fn run(port: u16, arguments: &[String], folder: &TempDir) -> Result<Child, String> {
    let mut command = Command::new("redis-server");
    command.current_dir(folder.path());
    // The file of a Sentinel comes first.
    let file = arguments.first().filter(|first| !first.starts_with("--"));
    command.args(file);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command.args(["--save", "", "--appendonly", "no"]);
    command.args(&arguments[usize::from(file.is_some())..]);
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut log = String::new();
    while !["Ready to accept connections", "+monitor master"]
        .iter()
        .any(|ready| log.contains(ready))
    {
        if output.read_line(&mut log).unwrap() == 0 {
            process.wait().unwrap();
            return Err(log);
        }
    }
    thread::spawn(move || io::copy(&mut output, &mut io::sink()));
    Ok(process)
}
