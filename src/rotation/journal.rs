//! The journal: what a rotation is about to do. It never holds a secret.

use std::{
    fs,
    io::{ErrorKind as IoErrorKind, Read, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use super::step::Step;
use crate::{
    error::Error,
    private_file,
    rfc3339::{date_time, write_date_time},
};

/// A file that exists while a rotation is under way.
#[derive(Clone, Debug)]
pub(super) struct Journal(PathBuf);

/// The step that a rotation is in.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) client_id: String,
    pub(super) step: Step,
    /// When the new secret was generated.
    #[serde(
        default,
        serialize_with = "write_date_time",
        deserialize_with = "date_time"
    )]
    pub(super) secret_date: Option<SystemTime>,
    /// The fingerprint of the new secret. Journals of older versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fingerprint: Option<String>,
}

impl Journal {
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns the step of a rotation that has not ended.
    pub(super) fn read(&self) -> Result<Option<Entry>, Error> {
        let file = private_file::open(&self.0).map_err(|failure| self.failed(&failure))?;
        let Some(file) = file else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = file.take(MAX_BYTES).read_to_end(&mut bytes);
        let entry = read.ok().and_then(|_| serde_json::from_slice(&bytes).ok());
        entry.map(Some).ok_or_else(|| {
            Error::configuration(format!(
                "the journal {} is not one of a rotation; look at it, and remove it if it is of no use",
                self.0.display()
            ))
        })
    }

    /// Writes a step before it begins: as a new file, which then takes the place of the old one.
    pub(super) fn write(&self, entry: &Entry) -> Result<(), Error> {
        let new = self.new_path();
        self.io(remove(&new))?;
        let mut file = private_file::create_new(&new).map_err(|failure| self.failed(&failure))?;
        let json = serde_json::to_vec(entry).unwrap_or_default();
        self.io(file.write_all(&json).and_then(|()| file.sync_all()))?;
        self.io(fs::rename(&new, &self.0))?;
        self.sync()
    }

    /// Ends the rotation.
    pub(super) fn remove(&self) -> Result<(), Error> {
        self.io(remove(&self.0))?;
        self.sync()
    }

    fn sync(&self) -> Result<(), Error> {
        let folder = self
            .0
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        private_file::sync_folder(folder).map_err(|failure| self.failed(&failure))
    }

    fn new_path(&self) -> PathBuf {
        let mut path = self.0.clone().into_os_string();
        path.push(".new");
        path.into()
    }

    fn io<T>(&self, result: std::io::Result<T>) -> Result<T, Error> {
        result.map_err(|error| {
            let failure = private_file::Failure::io(&self.0, "be written", error);
            self.failed(&failure)
        })
    }

    fn failed(&self, failure: &private_file::Failure) -> Error {
        Error::configuration(format!(
            "the journal {} cannot be used: {}",
            self.0.display(),
            failure.with_source()
        ))
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != IoErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

const MAX_BYTES: u64 = 64 * 1024;
