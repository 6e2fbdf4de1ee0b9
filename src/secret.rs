//! Where a client secret comes from, each time it is needed.

use std::{
    fmt,
    future::Future,
    io::{self, Read},
    path::PathBuf,
    pin::Pin,
    sync::Arc,
};

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{environment, error::Error};

/// A client secret, or where to read it anew each time it is needed, so that a rotated secret is
/// used without a restart.
///
/// ```
/// use genesys_cloud_auth::{ClientCredentials, ClientSecret};
///
/// let id = "b6f0c1de-1111-4222-8333-c0ffee000001";
/// ClientCredentials::new(id, "the secret itself")?;
/// ClientCredentials::new(id, ClientSecret::from_env("CRM_CLIENT_SECRET"))?;
/// ClientCredentials::new(id, ClientSecret::from_file("/run/secrets/genesys"))?;
/// ClientCredentials::new(id, ClientSecret::from_fn(|| async { Ok("asked of a vault".into()) }))?;
/// # Ok::<_, genesys_cloud_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientSecret(Source);

#[derive(Clone)]
enum Source {
    Value(SecretString),
    Env(Arc<str>),
    File(Arc<PathBuf>),
    Fn(Arc<Ask>),
}

type Ask = dyn Fn() -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync;

type Answer = Result<SecretString, Box<dyn std::error::Error + Send + Sync>>;

impl ClientSecret {
    /// Reads an environment variable. One line break at its end is dropped.
    pub fn from_env(name: impl Into<String>) -> Self {
        Self(Source::Env(name.into().into()))
    }

    /// Reads a file, such as a mounted secret: a regular file of at most 4 KiB. One line break at
    /// its end is dropped.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(Arc::new(path.into())))
    }

    /// Asks a closure. An error, a panic, or an answer that takes longer than 10 seconds counts as
    /// a transient failure.
    pub fn from_fn<F, Fut>(ask: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Answer> + Send + 'static,
    {
        Self(Source::Fn(Arc::new(move || Box::pin(ask()))))
    }

    /// Whether asking again may give another secret.
    pub(crate) fn can_change(&self) -> bool {
        !matches!(self.0, Source::Value(_))
    }

    /// Checks what is known already.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.0 {
            Source::Value(secret) if secret.expose_secret().is_empty() => {
                Err(Error::secret_missing(
                    "the client secret is empty; a secret is shown only when it is generated, so \
                     generate a new one if it is lost (Admin → Integrations → OAuth)",
                ))
            }
            Source::Value(secret) => valid(secret).map_err(Error::configuration),
            Source::Env(_) | Source::File(_) | Source::Fn(_) => Ok(()),
        }
    }

    /// Asks for the secret. May block, hang or panic, as its source does.
    pub(crate) async fn read(self) -> Result<SecretString, Error> {
        let secret = match self.0 {
            Source::Value(secret) => secret,
            Source::Env(name) => environment::variable(&name)
                .map(Zeroizing::new)
                .map(|text| SecretString::from(without_line_break(&text)))
                .ok_or_else(|| {
                    Error::secret(
                        format!("the variable {name} of the client secret is not set"),
                        None,
                    )
                })?,
            Source::File(path) => {
                let reading = Arc::clone(&path);
                tokio::task::spawn_blocking(move || read_file(&reading))
                    .await
                    .map_err(io::Error::other)
                    .flatten()
                    .map_err(|error| {
                        let what =
                            format!("the client secret's file {} cannot be read", path.display());
                        Error::secret(what, Some(error.into()))
                    })?
            }
            Source::Fn(ask) => ask().await.map_err(|error| {
                Error::secret("the source of the client secret failed", Some(error))
            })?,
        };
        valid(&secret).map_err(|what| Error::secret(what, None))?;
        Ok(secret)
    }
}

impl From<SecretString> for ClientSecret {
    fn from(secret: SecretString) -> Self {
        Self(Source::Value(secret))
    }
}

impl From<String> for ClientSecret {
    fn from(secret: String) -> Self {
        Self(Source::Value(secret.into()))
    }
}

impl From<&str> for ClientSecret {
    fn from(secret: &str) -> Self {
        Self(Source::Value(secret.into()))
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Value(_) => "ClientSecret([redacted])",
            Source::Env(_) => "ClientSecret(from a variable)",
            Source::File(_) => "ClientSecret(from a file)",
            Source::Fn(_) => "ClientSecret(from a closure)",
        })
    }
}

fn valid(secret: &SecretString) -> Result<(), &'static str> {
    let text = secret.expose_secret();
    if text.is_empty() {
        return Err("the client secret is empty");
    }
    if text.chars().any(char::is_control) {
        return Err("the client secret holds a control character");
    }
    if text.len() > MOST_BYTES {
        return Err("the client secret is longer than 4096 bytes");
    }
    Ok(())
}

fn read_file(path: &PathBuf) -> io::Result<SecretString> {
    // A pipe would block for ever when opened.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES + 2));
    // A secret of the greatest length, its line break, and one byte more to see that there is more.
    std::fs::File::open(path)?
        .take(MOST_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > MOST_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "longer than 4096 bytes",
        ));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))?;
    Ok(without_line_break(text).into())
}

/// Without the one that editors and `echo` put at the end.
fn without_line_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

const MOST_BYTES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    async fn from_file(content: &[u8]) -> Result<String, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let secret = ClientSecret::from_file(file.path()).read().await?;
        Ok(secret.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn one_line_break_at_the_end_of_a_file_is_dropped() {
        assert_eq!(from_file(b"secret").await.unwrap(), "secret");
        assert_eq!(from_file(b"secret\n").await.unwrap(), "secret");
        assert_eq!(from_file(b"secret\r\n").await.unwrap(), "secret");
        assert_eq!(from_file(b" secret ").await.unwrap(), " secret ");
        for bad in [&b""[..], b"\n", b"secret\n\n", b"a\0b", b"\xff\xfe"] {
            assert!(from_file(bad).await.is_err(), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn only_a_regular_file_of_4_kib_is_read() {
        assert!(from_file(&[b'x'; MOST_BYTES]).await.is_ok());
        assert!(from_file(&[b'x'; MOST_BYTES + 1]).await.is_err());
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("absent")] {
            let error = ClientSecret::from_file(path).read().await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Secret(_)), "{error:?}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_pipe_is_an_error_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        assert!(ClientSecret::from_file(path).read().await.is_err());
    }

    #[test]
    fn debug_shows_nothing() {
        let shown = format!("{:?}", ClientSecret::from("sentinel"));
        assert!(!shown.contains("sentinel"), "{shown}");
    }
}
