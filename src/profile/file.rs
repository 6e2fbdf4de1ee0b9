//! The file of the profiles.

use std::{fmt, io, path::PathBuf};

use secrecy::SecretString;

use super::{
    settings::Settings,
    value::{Table, Value},
};
use crate::{
    environment,
    error::{Error, sanitize},
    outside_text::{decode, read_file},
    secret::ClientSecret,
};

/// A profile in a file. Its `Display` names both, to precede what is wrong there.
#[derive(Clone)]
pub(super) struct ProfileFile {
    pub(super) path: PathBuf,
    pub(super) profile: String,
}

impl ProfileFile {
    /// The file of the user of this process.
    pub(super) fn of_the_user(profile: &str) -> Result<Self, Error> {
        let home = environment::home_folder().ok_or_else(|| {
            Error::configuration(
                "the home folder, which holds .gc/config.toml, is not known; set HOME (on Windows \
                 USERPROFILE)",
            )
        })?;
        Ok(Self {
            path: home.join(".gc").join("config.toml"),
            profile: profile.to_owned(),
        })
    }

    pub(super) fn read(&self) -> Result<Settings, Error> {
        let (file, profile) = (self.path.display(), sanitize(&self.profile, &[]));
        let bytes = match read_file(&self.path, MAX_FILE_BYTES, "longer than 256 KiB") {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::configuration(format!(
                    "the file {file} with the profiles of gc does not exist; `gc profiles new` makes \
                     it, and `TokenProvider::from_env` needs none"
                )));
            }
            Err(error) => {
                return Err(Error::configuration(format!(
                    "the file {file} with the profiles of gc cannot be read: {error}"
                )));
            }
        };
        let text = decode(&bytes)
            .map_err(|fault| Error::configuration(format!("the file {file} {fault}")))?;
        let found = parse(text)
            .map_err(|fault| Error::configuration(format!("the file {file} {fault}")))?
            .profile(&self.profile)
            .map_err(|fault| Error::configuration(format!("{self} {fault}")))?;
        found.map(Settings::new).ok_or_else(|| {
            Error::configuration(format!(
                "the file {file} has no profile “{profile}”; `gc profiles list` shows those that are \
                 there, and without -p gc uses DEFAULT"
            ))
        })
    }

    /// Returns a secret that is read here each time it is needed.
    pub(super) fn into_secret(self, client_id: String) -> ClientSecret {
        ClientSecret::from_fn(move || {
            let (file, id) = (self.clone(), client_id.clone());
            async move {
                let read = tokio::task::spawn_blocking(move || file.secret_of(&id));
                Ok(read.await??)
            }
        })
    }

    /// Reads the secret of the client again.
    pub(super) fn secret_of(&self, client_id: &str) -> Result<SecretString, Error> {
        let place = |error: Error| error.in_setting(&self.to_string());
        let settings = self.read()?;
        if settings.client_id().map_err(place)?.as_deref() != Some(client_id) {
            let what = "it is the profile of another OAuth client now; start the program again";
            return Err(place(Error::configuration(what)));
        }
        settings.secret().map_err(place)
    }
}

impl fmt::Display for ProfileFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (profile, file) = (sanitize(&self.profile, &[]), self.path.display());
        write!(f, "the profile “{profile}” in {file}")
    }
}

/// Parses the text. The error says which line is wrong and not, as that of the parser, what is there.
fn parse(text: &str) -> Result<Table, String> {
    match toml::from_str(text) {
        Ok(Value::Table(table)) => Ok(table),
        Ok(_) => Err("is no table".to_owned()),
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or_else(String::new, |before| {
                format!(" in line {}", before.matches('\n').count() + 1)
            });
            Err(format!(
                "is not valid TOML{line}; correct it, or let `gc profiles new` write the profile again"
            ))
        }
    }
}

/// Much more than 1,000 profiles need.
const MAX_FILE_BYTES: usize = 256 * 1024;
