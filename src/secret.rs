//! Where a client secret comes from each time it is needed.

use std::{
    fmt,
    future::Future,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::{ExposeSecret, SecretString};

use crate::{
    async_source::AsyncSource,
    environment,
    error::Error,
    outside_text::{clean, decode, read_file},
};

/// A client secret, or the place to read it from each time it is needed, so that a rotated secret
/// is used without a restart.
///
/// A byte order mark before a secret and one line break after it are dropped, wherever it comes
/// from. Whatever else is there by mistake is an error that names the place and the cause: spaces at
/// its ends, quotation marks around it, `Bearer ` before it, the name of a variable, a second line,
/// invisible characters.
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
    /// Reads an environment variable.
    pub fn from_env(name: impl Into<String>) -> Self {
        Self(SecretSource::Env(name.into().into()))
    }

    /// Reads a file, such as a mounted secret. It must be a regular file of UTF-8, of at most 4 KiB.
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
            SecretSource::Value(secret) => match check_secret(secret.expose_secret()) {
                Ok(_) => Ok(()),
                Err(fault) => Err(Error::configuration(format!("the client secret {fault}"))),
            },
            SecretSource::Env(_) | SecretSource::File(_) | SecretSource::Fn(_) => Ok(()),
        }
    }

    /// Reads the secret. May block, hang or panic where its source does.
    pub(crate) async fn read(self) -> Result<SecretString, Error> {
        let (secret, place) = match self.0 {
            SecretSource::Value(secret) => (secret, String::new()),
            SecretSource::Env(name) => (read_variable(&name)?, format!(" in the variable {name}")),
            SecretSource::File(path) => {
                let place = format!(" in the file {}", path.display());
                let read = tokio::task::spawn_blocking(move || read_secret(&path));
                let read = read.await.map_err(io::Error::other).flatten();
                let secret = read.map_err(|error| {
                    let what = format!("the client secret{place} cannot be read");
                    Error::credential_source(what, Some(error.into()))
                })?;
                (secret, place)
            }
            SecretSource::Fn(source) => {
                let secret = source.get().await.map_err(|error| {
                    Error::credential_source(
                        "the source of the client secret failed (check what its closure asks)",
                        Some(error),
                    )
                })?;
                (secret, " of its closure".to_owned())
            }
        };
        let text = secret.expose_secret();
        match check_secret(text) {
            Ok(clean) if clean.len() == text.len() => Ok(secret),
            Ok(clean) => Ok(clean.into()),
            Err(fault) => {
                let what = format!("the client secret{place} {fault}");
                Err(Error::credential_source(what, None))
            }
        }
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

/// Returns the secret without what may be around it.
fn check_secret(text: &str) -> Result<&str, &'static str> {
    let text = clean(text)?;
    if text.is_empty() {
        return Err("is empty");
    }
    if text.len() > MAX_SECRET_BYTES {
        return Err("is longer than 4096 bytes");
    }
    Ok(text)
}

fn read_variable(name: &str) -> Result<SecretString, Error> {
    let text = environment::text(name).map_err(|what| Error::credential_source(what, None))?;
    text.map(SecretString::from).ok_or_else(|| {
        let what = format!("the variable {name} of the client secret is not set");
        Error::credential_source(what, None)
    })
}

fn read_secret(path: &Path) -> io::Result<SecretString> {
    let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let bytes = read_file(path, MAX_FILE_BYTES, "longer than 4096 bytes")?;
    Ok(decode(&bytes).map_err(invalid)?.into())
}

const MAX_SECRET_BYTES: usize = 4_096;

/// A secret, with a byte order mark before it and a line break after it.
const MAX_FILE_BYTES: usize = MAX_SECRET_BYTES + 5;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::error::ErrorKind;

    async fn from_file(content: &[u8]) -> Result<String, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        let secret = ClientSecret::from_file(file.path()).read().await?;
        Ok(secret.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn mark_and_line_break_are_dropped_from_each_source() {
        for given in ["secret", "secret\n", "secret\r\n", "\u{feff}secret\r\n"] {
            assert_eq!(from_file(given.as_bytes()).await.unwrap(), "secret");
            let closure = move || async move { Ok(given.into()) };
            for source in [given.into(), ClientSecret::from_fn(closure)] {
                source.check().unwrap();
                assert_eq!(source.read().await.unwrap().expose_secret(), "secret");
            }
        }
        let full = format!("\u{feff}{}\r\n", "x".repeat(MAX_SECRET_BYTES));
        assert!(from_file(full.as_bytes()).await.is_ok());
    }

    #[tokio::test]
    async fn faulty_secret_names_its_place_and_cause() {
        for (content, cause) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (b"secret\n\n", "more than one line break"),
            (b"\"secret\"", "quotation mark"),
            (b" secret", "a space"),
            (b"a\0b", "control character"),
        ] {
            let error = from_file(content).await.unwrap_err().to_string();
            assert!(error.contains("the client secret in the file /"), "{error}");
            assert!(error.contains(cause), "{error}");
            let content = str::from_utf8(content).unwrap();
            let closure = move || async move { Ok(content.into()) };
            let error = ClientSecret::from_fn(closure).read().await.unwrap_err();
            let start = "the client secret of its closure ";
            assert!(error.to_string().starts_with(start), "{error}");
            let error = ClientSecret::from(content).check().unwrap_err();
            assert!(
                error.to_string().contains(cause) || content.is_empty(),
                "{error}"
            );
        }
        for (content, cause) in [(&b"\xff\xfes\0"[..], "is UTF-16"), (b"a\xff", "not UTF-8")] {
            let error = from_file(content).await.unwrap_err();
            assert!(error.to_string().contains(cause), "{error}");
        }
    }

    #[tokio::test]
    async fn only_a_regular_file_of_4_kib_is_read() {
        for longer in [1, 5, 6, 5_000] {
            let content = vec![b'x'; MAX_SECRET_BYTES + longer];
            assert!(from_file(&content).await.is_err());
        }
        let folder = tempfile::tempdir().unwrap();
        for (path, cause) in [
            (folder.path().to_owned(), "not a regular file"),
            (folder.path().join("absent"), "No such file"),
        ] {
            let error = ClientSecret::from_file(path).read().await.unwrap_err();
            let text = error.to_string();
            assert!(text.contains(cause) || cfg!(windows), "{text}");
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
