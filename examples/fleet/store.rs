//! Where the processes of the fleet share their token.

use std::{
    env, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
};

use genesys_cloud_auth::store::RedisStore;
use tempfile::TempDir;
use tokio::{
    io::{BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{Result, lines_of, terminal::Output};

pub(crate) enum Place {
    /// The URL of a Redis.
    Redis(String),
    Folder(PathBuf),
}

pub(crate) struct Store {
    pub(crate) place: Place,
    server: Option<RedisServer>,
    /// Removed when this is dropped.
    _folder: TempDir,
}

impl Store {
    /// Takes the Redis of the variable, or starts one, or makes a folder.
    pub(crate) async fn open() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let url = env::var("REDIS_URL").ok().filter(|url| !url.is_empty());
        let server = match url {
            Some(_) => None,
            None => RedisServer::start(folder.path()).await?,
        };
        let place = match url.or_else(|| Some(server.as_ref()?.url.clone())) {
            Some(url) => {
                // One that is not valid is an error here, before anything starts.
                RedisStore::new(&url)?;
                Place::Redis(url)
            }
            None => Place::Folder(folder.path().to_owned()),
        };
        Ok(Self {
            place,
            server,
            _folder: folder,
        })
    }

    /// Prints which store it is.
    pub(crate) fn show(&self, out: &mut Output) -> io::Result<()> {
        match (&self.place, &self.server) {
            (Place::Redis(_), None) => out.text("The store is the Redis of REDIS_URL."),
            (Place::Redis(_), Some(_)) => {
                out.text("The store is a Redis that this program has started for itself.")
            }
            (Place::Folder(_), _) => {
                out.text(
                    "The store is a folder of files, since redis-server is not installed. To see it \
                     with Redis, start one, and run the example again with the variable \
                     REDIS_URL=redis://127.0.0.1",
                )?;
                out.verbatim("\ndocker run --rm -p 127.0.0.1:6379:6379 redis")
            }
        }
    }

    /// Stops the server that was started.
    pub(crate) async fn close(mut self) -> io::Result<()> {
        match &mut self.server {
            Some(server) => server.process.kill().await,
            None => Ok(()),
        }
    }
}

/// A Redis of this program's own. It writes nothing to disk.
struct RedisServer {
    process: Child,
    url: String,
    _log: Lines<BufReader<ChildStdout>>,
}

impl RedisServer {
    /// Returns `None` if it is not installed.
    async fn start(folder: &Path) -> Result<Option<Self>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--save", "", "--appendonly", "no"]);
        let command = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let mut process = match command.stdout(Stdio::piped()).kill_on_drop(true).spawn() {
            Ok(process) => process,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut log = lines_of(&mut process)?;
        let mut last = String::new();
        while !last.contains("Ready to accept connections") {
            let line = log.next_line().await?;
            last = line.ok_or_else(|| format!("redis-server has ended: {last}"))?;
        }
        Ok(Some(Self {
            process,
            url: format!("redis://127.0.0.1:{port}"),
            _log: log,
        }))
    }
}
