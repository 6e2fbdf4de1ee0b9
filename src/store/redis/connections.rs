//! Connections to Redis: made when needed, replaced when broken, and bounded in time.

use std::{error::Error, future::Future, pin::Pin, sync::Arc, time::Duration};

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, RedisError, RedisFuture,
    ServerErrorKind, Value, aio::ConnectionLike,
};
use parking_lot::Mutex;
use tokio::{runtime::Handle, time::timeout};

use crate::{error::StoreError, runtime};

/// Where connections come from, and the current one.
pub(super) struct Connections {
    /// What errors say about the server.
    name: String,
    connect: Box<Connect>,
    current: Mutex<Option<Connection>>,
}

type BoxError = Box<dyn Error + Send + Sync>;
type Connect =
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>> + Send + Sync;

/// A connection of any kind.
type Connection = Arc<dyn Link>;

trait Link: Send + Sync {
    fn send<'a>(&'a self, command: &'a Cmd) -> RedisFuture<'a, Value>;
}

impl<C: ConnectionLike + Clone + Send + Sync> Link for C {
    fn send<'a>(&'a self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        let mut connection = self.clone();
        Box::pin(async move { command.query_async(&mut connection).await })
    }
}

impl Connections {
    pub(super) fn of(client: Client) -> Self {
        let address = client.get_connection_info().addr();
        let uses_tls = matches!(address, ConnectionAddr::TcpTls { .. });
        Self::from_fn(format!("Redis at {address}"), move || {
            if uses_tls {
                choose_cryptography();
            }
            let client = client.clone();
            async move {
                // The limits are those of `query`.
                let config = AsyncConnectionConfig::new();
                let config = config
                    .set_connection_timeout(None)
                    .set_response_timeout(None);
                let connection = client.get_multiplexed_async_connection_with_config(&config);
                Ok(connection.await?)
            }
        })
    }

    pub(super) fn from_fn<F, Fut, C>(name: String, connect: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<C, BoxError>> + Send + 'static,
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        let connect =
            move || -> Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>> {
                let connection = connect();
                Box::pin(async move { Ok(Arc::new(connection.await?) as Connection) })
            };
        Self {
            name,
            connect: Box::new(connect),
            current: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sends a command that can be repeated, and once more where an old connection is broken.
    pub(super) async fn query(&self, command: &Cmd) -> Result<Value, StoreError> {
        current_runtime()?;
        let sending = async {
            let old = self.current.lock().clone();
            if let Some(old) = old
                && let Some(result) = self.send_on(&old, command).await
            {
                return result;
            }
            let new = (self.connect)().await?;
            *self.current.lock() = Some(Arc::clone(&new));
            let result = new.send(command).await;
            if result.as_ref().is_err_and(is_broken) {
                self.forget(&new);
            }
            Ok(result?)
        };
        let result = timeout(LIMIT, sending).await;
        result
            .unwrap_or_else(|_| {
                *self.current.lock() = None;
                Err("it did not respond within 3 seconds".into())
            })
            .map_err(|error| StoreError::new(format!("{}: {}", self.name, describe(&*error))))
    }

    /// Returns `None` if the connection is broken.
    async fn send_on(
        &self,
        connection: &Connection,
        command: &Cmd,
    ) -> Option<Result<Value, BoxError>> {
        let result = connection.send(command).await;
        if result.as_ref().is_err_and(is_broken) {
            self.forget(connection);
            return None;
        }
        Some(result.map_err(Into::into))
    }

    fn forget(&self, broken: &Connection) {
        self.current
            .lock()
            .take_if(|current| Arc::ptr_eq(current, broken));
    }
}

/// Lets rustls use aws-lc if the program has chosen nothing. In a program that also contains `ring` it
/// would panic.
fn choose_cryptography() {
    #[cfg(feature = "rustls")]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread has chosen meanwhile.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}

/// Returns the current runtime. The connections of the crate `redis` panic without one.
pub(super) fn current_runtime() -> Result<Handle, StoreError> {
    runtime::for_requests().ok_or_else(|| StoreError::new(NO_RUNTIME))
}

/// Whether another connection may do better. A primary that a failover replaced only reads.
fn is_broken(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, MasterDown, ReadOnly};
    error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(
            error.kind(),
            ErrorKind::Server(BusyLoading | MasterDown | ReadOnly)
        )
}

/// Returns what went wrong and the cure. The server's own words may repeat what was sent, so only
/// its code is shown.
fn describe(error: &(dyn Error + 'static)) -> String {
    let Some(error) = error.downcast_ref::<RedisError>() else {
        return error.to_string();
    };
    if error.is_io_error() {
        let io = error.source().map(ToString::to_string);
        let io = io.or_else(|| error.detail().map(str::to_owned));
        return format!("it cannot be reached: {}", io.unwrap_or_default());
    }
    let code = error.code().unwrap_or_default();
    let cure = match code {
        _ if error.kind() == ErrorKind::AuthenticationFailed => WRONG_PASSWORD,
        "NOAUTH" | "WRONGPASS" => WRONG_PASSWORD,
        "OOM" => "its memory is full; raise `maxmemory`",
        "NOPERM" => {
            "the user may not use a command, key or channel; the guide \"Stores\" lists what it needs"
        }
        "READONLY" => "it is a replica; connect to the primary",
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" => "it is not ready",
        _ => "",
    };
    match (code, cure) {
        ("", "") => format!("it failed: {}", error.category()),
        ("", cure) => cure.to_owned(),
        (code, "") => format!("it responded with the error {code}"),
        (code, cure) => format!("it responded with the error {code}: {cure}"),
    }
}

/// The maximum time of a command, with the time to connect.
pub(super) const LIMIT: Duration = Duration::from_secs(3);

const NO_RUNTIME: &str = "Redis needs a tokio runtime with timers and sockets (`enable_all`)";
const WRONG_PASSWORD: &str = "it does not accept the user and password";
