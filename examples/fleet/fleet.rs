//! The processes of a fleet, as their parent sees them.

use std::{
    env, io,
    process::Stdio,
    time::{Duration, Instant},
};

use genesys_cloud_auth::{sandbox::Sandbox, secrecy::ExposeSecret, url::Url};
use tokio::{
    io::{AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{Result, instance::INSTANCE, lines_of, store::Place};

/// What a fleet has cost.
pub(crate) struct Fleet {
    pub(crate) token_requests: usize,
    /// From the shortest to the longest.
    pub(crate) waits: Vec<Duration>,
    pub(crate) all_served_after: Duration,
    pub(crate) store_failures: Vec<String>,
}

impl Fleet {
    /// Starts the processes, then lets all of them ask for a token at once.
    pub(crate) async fn run(
        instances: usize,
        sandbox: &Sandbox,
        store: Option<&Place>,
    ) -> Result<Self> {
        let requests_before = sandbox.token_requests();
        let instances = (0..instances).map(|_| Instance::start(sandbox, store));
        let mut instances = instances.collect::<Result<Vec<_>>>()?;
        for instance in &mut instances {
            instance.next_line().await?;
        }
        let start = Instant::now();
        for instance in &mut instances {
            instance.send("token").await?;
        }
        let (mut waits, mut store_failures) = (Vec::new(), Vec::new());
        for instance in &mut instances {
            let line = instance.next_line().await?;
            let (wait, failure) = line.split_once(' ').unwrap_or((&line, ""));
            waits.push(Duration::from_micros(wait.parse()?));
            store_failures.extend((!failure.is_empty()).then(|| failure.to_owned()));
        }
        let all_served_after = start.elapsed();
        let token_requests = sandbox.token_requests() - requests_before;
        if let Some(first) = instances.first_mut() {
            first.send("revoke").await?;
            first.next_line().await?;
        }
        waits.sort_unstable();
        Ok(Self {
            token_requests,
            waits,
            all_served_after,
            store_failures,
        })
    }

    pub(crate) fn wait(&self, index: usize) -> Duration {
        self.waits.get(index).copied().unwrap_or_default()
    }
}

/// A process of the fleet, as its parent sees it.
struct Instance {
    /// Killed when this is dropped.
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Instance {
    fn start(sandbox: &Sandbox, store: Option<&Place>) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        let own = |name: &str| name.starts_with("GENESYSCLOUD_") || name == "REDIS_URL";
        for (name, _) in env::vars_os().filter(|(name, _)| own(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let url = Url::parse(&sandbox.url())?;
        let port = url.port_or_known_default().unwrap_or_default().to_string();
        let secret = sandbox.client_secret();
        command.args([INSTANCE]).envs([
            ("GENESYSCLOUD_GATEWAY_PROTOCOL", url.scheme()),
            (
                "GENESYSCLOUD_GATEWAY_HOST",
                url.host_str().unwrap_or_default(),
            ),
            ("GENESYSCLOUD_GATEWAY_PORT", &port),
            ("GENESYSCLOUD_OAUTHCLIENT_ID", sandbox.client_id()),
            ("GENESYSCLOUD_OAUTHCLIENT_SECRET", secret.expose_secret()),
        ]);
        match store {
            Some(Place::Redis(url)) => command.arg("redis").env("REDIS_URL", url),
            Some(Place::Folder(folder)) => command.arg(folder),
            None => &mut command,
        };
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.kill_on_drop(true).spawn()?;
        Ok(Self {
            input: process.stdin.take().ok_or("the input is not piped")?,
            output: lines_of(&mut process)?,
            _process: process,
        })
    }

    async fn send(&mut self, order: &str) -> io::Result<()> {
        self.input.write_all(format!("{order}\n").as_bytes()).await
    }

    async fn next_line(&mut self) -> Result<String> {
        let line = self.output.next_line().await?;
        line.ok_or_else(|| "a process of the fleet has ended".into())
    }
}
