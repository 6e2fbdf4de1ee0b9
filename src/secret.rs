//! Where a client secret comes from each time it is needed.

use std::{
    fmt, fs,
    future::Future,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{async_source::AsyncSource, environment, error::Error};

/// A client secret, or the place to read it from each time it is needed, so that a rotated secret
/// is used without a restart.
///
/// ```
/// use genesys_cloud_auth::{ClientCredentials, ClientSecret};
///
/// let id = "b6f0c1de-1111-4222-8333-c0ffee000001";
/// ClientCredentials::new(id, "the secret itself")?;
/// ClientCredentials::new(id, ClientSecret::from_env("CRM_CLIENT_SECRET"))?;
/// ClientCredentials::new(id, ClientSecret::from_file("/run/secrets/genesys"))?;
/// ClientCredentials::new(id, ClientSecret::from_fn(|| async { Ok("from a vault".into()) }))?;
/// # Ok::<_, genesys_cloud_auth::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientSecret(SecretSource);

#[derive(Clone)]
enum SecretSource {
    Value(SecretString),
    Env(Arc<str>),
    File(Arc<Path>),
    Fn(AsyncSource<SecretString>),
}

impl ClientSecret {
    /// Reads an environment variable. One line break at its end is dropped.
    pub fn from_env(name: impl Into<String>) -> Self {
        Self(SecretSource::Env(name.into().into()))
    }

    /// Reads a file, such as a mounted secret. It must be a regular file of at most 4 KiB. One line
    /// break at its end is dropped.
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self(SecretSource::File(path.into().into()))
    }

    /// Calls a closure. An error, a panic, or a future that takes longer than 10 seconds counts as
    /// a transient failure.
    pub fn from_fn<F, Fut>(source: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<SecretString, Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        Self(SecretSource::Fn(AsyncSource::new(source)))
    }

    /// Whether reading the secret again may return another one.
    pub(crate) fn can_change(&self) -> bool {
        !matches!(self.0, SecretSource::Value(_))
    }

    /// Checks a secret that was given as a value.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.0 {
            SecretSource::Value(secret) if secret.expose_secret().is_empty() => {
                Err(Error::secret_missing(
                    "the client secret is empty; Genesys Cloud shows a secret only when it is \
                     generated, so generate a new one if it is lost (Admin → Integrations → OAuth)",
                ))
            }
            SecretSource::Value(secret) => check_secret(secret).map_err(Error::configuration),
            SecretSource::Env(_) | SecretSource::File(_) | SecretSource::Fn(_) => Ok(()),
        }
    }

    /// Reads the secret. May block, hang or panic where its source does.
    pub(crate) async fn read(self) -> Result<SecretString, Error> {
        let secret = match self.0 {
            SecretSource::Value(secret) => secret,
            SecretSource::Env(name) => read_variable(&name)?,
            SecretSource::File(path) => {
                let path_to_read = Arc::clone(&path);
                tokio::task::spawn_blocking(move || read_file(&path_to_read))
                    .await
                    .map_err(io::Error::other)
                    .flatten()
                    .map_err(|error| {
                        let what =
                            format!("the client secret's file {} cannot be read", path.display());
                        Error::credential_source(what, Some(error.into()))
                    })?
            }
            SecretSource::Fn(source) => source.get().await.map_err(|error| {
                Error::credential_source(
                    "the source of the client secret failed: its closure returned an error; see the \
                     source error, and check what the closure asks",
                    Some(error),
                )
            })?,
        };
        check_secret(&secret).map_err(|what| Error::credential_source(what, None))?;
        Ok(secret)
    }
}

impl From<SecretString> for ClientSecret {
    fn from(secret: SecretString) -> Self {
        Self(SecretSource::Value(secret))
    }
}

impl From<String> for ClientSecret {
    fn from(secret: String) -> Self {
        SecretString::from(secret).into()
    }
}

impl From<&str> for ClientSecret {
    fn from(secret: &str) -> Self {
        SecretString::from(secret).into()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            SecretSource::Value(_) => "ClientSecret([redacted])",
            SecretSource::Env(_) => "ClientSecret(from a variable)",
            SecretSource::File(_) => "ClientSecret(from a file)",
            SecretSource::Fn(_) => "ClientSecret(from a closure)",
        })
    }
}

fn check_secret(secret: &SecretString) -> Result<(), &'static str> {
    let text = secret.expose_secret();
    if text.is_empty() {
        return Err("the client secret is empty");
    }
    if text.chars().any(char::is_control) {
        return Err("the client secret contains a control character");
    }
    if text.len() > MAX_SECRET_BYTES {
        return Err("the client secret is longer than 4096 bytes");
    }
    Ok(())
}

fn read_variable(name: &str) -> Result<SecretString, Error> {
    let text = environment::variable(name).ok_or_else(|| {
        let what = format!("the variable {name} of the client secret is not set");
        Error::credential_source(what, None)
    })?;
    Ok(without_line_break(&Zeroizing::new(text)).into())
}

fn read_file(path: &Path) -> io::Result<SecretString> {
    // Opening a pipe would block until another process writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES + 2));
    // One byte above the limit shows that the file is longer.
    fs::File::open(path)?
        .take(MAX_SECRET_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > MAX_SECRET_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "longer than 4096 bytes",
        ));
    }
    let text = str::from_utf8(&bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))?;
    Ok(without_line_break(text).into())
}

/// Drops the line break that editors and `echo` put at the end.
fn without_line_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

const MAX_SECRET_BYTES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    async fn from_file(content: &[u8]) -> Result<String, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        let secret = ClientSecret::from_file(file.path()).read().await?;
        Ok(secret.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn one_line_break_at_the_end_of_a_file_is_dropped() {
        assert_eq!(from_file(b"secret").await.unwrap(), "secret");
        assert_eq!(from_file(b"secret\n").await.unwrap(), "secret");
        assert_eq!(from_file(b"secret\r\n").await.unwrap(), "secret");
        assert_eq!(from_file(b" secret ").await.unwrap(), " secret ");
        for invalid in [&b""[..], b"\n", b"secret\n\n", b"a\0b", b"\xff\xfe"] {
            assert!(from_file(invalid).await.is_err(), "{invalid:?}");
        }
    }

    #[tokio::test]
    async fn only_a_regular_file_of_4_kib_is_read() {
        assert!(from_file(&[b'x'; MAX_SECRET_BYTES]).await.is_ok());
        assert!(from_file(&[b'x'; MAX_SECRET_BYTES + 1]).await.is_err());
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("absent")] {
            let error = ClientSecret::from_file(path).read().await.unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::CredentialSource(_)),
                "{error:?}"
            );
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_pipe_is_an_error_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let status = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(status.unwrap().success());
        assert!(ClientSecret::from_file(path).read().await.is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", ClientSecret::from("sentinel"));
        assert!(!shown.contains("sentinel"), "{shown}");
    }
}
