//! A store in Redis, for processes on several machines.

mod connections;
mod turn;
mod wakeups;

use std::{error, fmt, future::Future, sync::Arc, time::Duration};

use ::redis::{Client, Value, aio::ConnectionLike};
use tokio::time::timeout;

pub use turn::RedisTurn;

use super::{Sealed, StoreKey, TokenStore};
use crate::{
    clock::Clock,
    error::{Error, StoreError},
    outside_text,
};
use connections::{Connections, LIMIT};
use turn::{Attempt, MAX_RECORD_BYTES, Names};
use wakeups::Wakeups;

/// A store in Redis or Valkey, for processes on several machines.
///
/// Of 50 instances that start at once, one sends a token request; the others wait for its token. A
/// record is removed when its token ends; one with a refresh token stays until it is removed.
///
/// The turn of a record is a lease of 10 seconds, which a task renews while the turn exists. The turn
/// of a process that was killed is free after 10 seconds at most. That is less than the 15 seconds for
/// which a provider waits, so those that wait get the turn. In one step Redis checks that the turn is
/// still held and changes the record. A process that stalls for longer than its lease, and a failover
/// that loses the lease, can cause a second token request; what the late process then saves is
/// rejected. A refresh token of a login is then sent twice, as after a lost response.
///
/// Each operation ends within 3 seconds, [`take_turn`](TokenStore::take_turn) within its wait if that
/// is longer. Then a connection that does not respond is replaced. While Redis cannot be used, each
/// provider of a service requests a token of its own and reports
/// [`StoreFailed`](crate::Event::StoreFailed).
///
/// The guide [Stores](crate::guide::stores) has the rights that a limited user of Redis needs, and what
/// to set for logins.
///
/// ```no_run
/// use genesys_cloud_auth::{ClientCredentials, Region, TokenProvider, store::RedisStore};
///
/// # fn example(id: &str, secret: String) -> Result<(), genesys_cloud_auth::Error> {
/// let tokens = TokenProvider::builder(Region::EuWest1, ClientCredentials::new(id, secret)?)
///     .store(RedisStore::new("rediss://user:password@redis.example:6379")?)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connections: Arc<Connections>,
    wakeups: Wakeups,
}

impl RedisStore {
    /// Uses the server of this URL, such as `redis://localhost`. It connects when it is first used.
    ///
    /// The form is `redis://[[user]:password@]host[:port][/database]`. `rediss` in its place means
    /// TLS and needs the feature `rustls`. Neither errors nor `Debug` show more of it than host and port.
    ///
    /// TLS uses the provider of cryptography that the program has installed in rustls. Where there is
    /// none, the first connection installs that of aws-lc, which is in the program anyway; otherwise
    /// rustls would panic in a program that also contains `ring`.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) if the URL is not valid.
    pub fn new(url: &str) -> Result<Self, Error> {
        let url = outside_text::clean(url)
            .map_err(|fault| Error::configuration(format!("the URL of Redis {fault}")))?;
        let client = Client::open(url).map_err(|_| Error::configuration(INVALID_URL))?;
        Ok(Self {
            wakeups: Wakeups::of(client.clone()),
            connections: Arc::new(Connections::of(client)),
        })
    }

    /// Uses a connection of the program's own, for example to a cluster. It must reconnect by itself,
    /// as `ClusterConnection` and `ConnectionManager` do.
    ///
    /// Its clones are used at the same time, so a response must not block the commands of others. The
    /// connection's own settings apply, such as its timeouts and TLS. A program that contains both `ring`
    /// and `aws-lc-rs` must install a provider of cryptography in rustls
    /// (`CryptoProvider::install_default`) before it opens a connection over TLS: the crate `redis`
    /// panics without it. The same is true for [`from_fn`](Self::from_fn).
    pub fn with_connection<C>(connection: C) -> Self
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Self::from_fn(move || {
            let connection = connection.clone();
            async move { Ok(connection) }
        })
    }

    /// Calls `connect` for a connection when one is first needed, and again when that one failed, for
    /// example to ask Sentinel which server is the primary now.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use genesys_cloud_auth::{redis::Client, store::RedisStore};
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::open("redis://localhost")?;
    /// let store = RedisStore::from_fn(move || {
    ///     let client = client.clone();
    ///     async move { Ok(client.get_multiplexed_async_connection().await?) }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_fn<F, Fut, C>(connect: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<C, Box<dyn error::Error + Send + Sync>>> + Send + 'static,
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Self {
            connections: Arc::new(Connections::from_fn("Redis".to_owned(), connect)),
            wakeups: Wakeups::none(),
        }
    }

    /// Tries in a task of its own: where the caller leaves, a turn that was taken is given up.
    async fn try_turn(&self, names: &Names) -> Result<Attempt, StoreError> {
        let runtime = connections::current_runtime()?;
        let attempt = turn::try_take(Arc::clone(&self.connections), names.clone());
        runtime.spawn(attempt).await.map_err(StoreError::new)?
    }

    async fn wait_for_turn(&self, names: &Names) -> Result<RedisTurn, StoreError> {
        let mut waiting = self.wakeups.subscribe(names.turn()).await;
        loop {
            // It may have become free before the subscription.
            match self.try_turn(names).await? {
                Attempt::Taken(turn) => return Ok(turn),
                Attempt::Held(left) => waiting.wait(left).await,
            }
        }
    }
}

impl TokenStore for RedisStore {
    type Turn = RedisTurn;

    async fn load(&self, key: &StoreKey) -> Result<Option<Sealed>, StoreError> {
        let loaded = self.connections.query(&Names::of(key).load()).await?;
        match loaded {
            Value::BulkString(bytes) if bytes.len() > MAX_RECORD_BYTES => {
                Err(StoreError::new(TOO_LONG))
            }
            Value::BulkString(bytes) if !bytes.is_empty() => Ok(Some(Sealed::from_bytes(bytes))),
            _ => Ok(None),
        }
    }

    async fn take_turn(&self, key: &StoreKey, wait: Duration) -> Result<RedisTurn, StoreError> {
        let names = Names::of(key);
        let taking = async {
            if let Attempt::Taken(turn) = self.try_turn(&names).await? {
                return Ok(turn);
            }
            let waited = timeout(wait, self.wait_for_turn(&names)).await;
            waited.unwrap_or_else(|_| Err(StoreError::new(TAKEN)))
        };
        connections::current_runtime()?;
        // A server that hangs is reported by its own limit, not as a turn that another process has.
        let taken = timeout(wait.max(LIMIT + LEEWAY), taking).await;
        taken.unwrap_or_else(|_| Err(StoreError::new(TAKEN)))
    }

    async fn save(&self, turn: RedisTurn, key: &StoreKey, value: Sealed) -> Result<(), StoreError> {
        if !(1..=MAX_RECORD_BYTES).contains(&value.as_bytes().len()) {
            return Err(StoreError::new(TOO_LONG));
        }
        // Redis counts the time by its own clock. The times inside the record decide.
        let life = value.expires_at().map(|end| {
            let left = end.duration_since(Clock::system().wall());
            left.unwrap_or_default().max(Duration::from_millis(1))
        });
        let save = Names::of(key).save(&turn, value.as_bytes(), life);
        turn.change(&self.connections, &save).await
    }

    async fn remove(&self, turn: RedisTurn, key: &StoreKey) -> Result<(), StoreError> {
        let remove = Names::of(key).remove(&turn);
        turn.change(&self.connections, &remove).await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStore({})", self.connections.name())
    }
}

/// A command that reaches its limit ends within this time.
const LEEWAY: Duration = Duration::from_millis(100);

const INVALID_URL: &str = "the URL of Redis is not valid; it has the form \
    redis://[[user]:password@]host[:port][/database], or begins with rediss:// for TLS, which needs \
    the feature `rustls`; encode special characters of the password, such as / as %2F";
const TOO_LONG: &str = "the record is empty or longer than 1 MiB; it is not from this store";
const TAKEN: &str = "another process has the turn of this record; check whether one hangs";
