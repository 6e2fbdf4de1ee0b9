//! Authenticated encryption of stored records, and the names of their keys.

mod file;
#[cfg(feature = "keyring-store")]
mod keyring;

#[cfg(feature = "keyring-store")]
use std::time::Duration;
use std::{fmt, path::Path, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{Context, SHA256},
    hkdf::{HKDF_SHA256, Prk, Salt},
    hmac, rand,
};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use zeroize::Zeroizing;

use crate::error::Error;

/// The key that seals the logins in a store, so that whoever can read or copy the store sees neither
/// tokens nor names and cannot swap or change records unnoticed.
///
/// A key is 32 random bytes, never a passphrase, which a machine could guess.
///
/// ```
/// use genesys_cloud_auth::store::SealingKey;
///
/// let folder = tempfile::tempdir()?;
/// let key = SealingKey::file(folder.path().join("sealing-key"))?;   // created at first use
/// let key = key.also_reads(SealingKey::from_bytes([7; 32]));        // the former key
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SealingKey {
    /// `None` for the unsealed key.
    key: Option<Arc<SecretBox<[u8; KEY_LEN]>>>,
    older: Vec<Self>,
}

impl SealingKey {
    /// Returns a new random key. Keep its [`secret_bytes`](Self::secret_bytes): no other key opens
    /// what it seals.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) if the machine has no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        random(&mut *bytes)?;
        Ok(Self::with_key(&bytes))
    }

    /// Returns a key that is kept elsewhere, such as in a vault: 32 random bytes, never a passphrase. A
    /// login with a key of zeros only cannot be built.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self::with_key(&Zeroizing::new(bytes))
    }

    /// Returns the key in this file, which holds its 32 bytes and nothing else. If there is no file, a
    /// new key is created there, with its folder, readable by this user only. Processes that start at
    /// the same time all get the same key. This function blocks while it reads or writes the file.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) if the file cannot be read or created, has
    /// another length, is a link or not a regular file, or (on Unix) belongs to another user or can
    /// be read or written by others; if its bytes cannot be random, such as 32 zeros or a text; or if
    /// another program keeps it locked for 5 seconds.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, Error> {
        file::read_or_create(path.as_ref(), random, file::MAX_LOCK_WAIT)
            .map(|bytes| Self::with_key(&bytes))
    }

    /// Returns this app's key in the keyring of the operating system, for a desktop program whose logins
    /// are in a [`FileStore`](crate::store::FileStore). If there is no key, a new one is saved there;
    /// processes that start at the same time all get the same key.
    ///
    /// This unlocks the keyring, for which the system may ask the user for a password; `timeout` is how
    /// long that may take, such as a minute. It does not block the runtime. The name of the app has 1 to
    /// 100 bytes; its entry is called `sealing-key`. While a new key is made, the file `sealing-key.lock`
    /// in the folder of [`FileStore::new`](crate::store::FileStore::new) is locked.
    ///
    /// Programs of the same user can read an unlocked keyring on Linux and Windows. On Linux the key goes
    /// over the user's session bus in clear.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use genesys_cloud_auth::{AuthorizationCode, Login, Region, store::{FileStore, SealingKey}};
    ///
    /// let key = SealingKey::keyring("crm-desktop", Duration::from_secs(60)).await?;
    /// let app = AuthorizationCode::public("the client id", "http://localhost")?;
    /// let login = Login::builder(Region::EuWest1, app).store(FileStore::new()?, key).build()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration) if no keyring can be reached, which is
    /// reported at once and is so on a server: use [`file`](Self::file) or
    /// [`from_bytes`](Self::from_bytes) there; if the user does not unlock it within the timeout; if
    /// the entry is not a key; or if the name is empty or too long.
    #[cfg(feature = "keyring-store")]
    pub async fn keyring(app: &str, timeout: Duration) -> Result<Self, Error> {
        keyring::read_or_create(app, timeout, random)
            .await
            .map(|bytes| Self::with_key(&bytes))
    }

    /// Returns no key: the store, and whoever can read it, sees access and refresh tokens as they are,
    /// and whoever can write to it can swap them. This is for a store that only this program reaches.
    #[must_use]
    pub fn unsealed() -> Self {
        Self {
            key: None,
            older: Vec::new(),
        }
    }

    /// Allows records under an older key to be read. New records are sealed under this key only.
    ///
    /// An [unsealed](Self::unsealed) key is ignored: with a key, a plain record counts as absent. A key
    /// that is given again is ignored, too.
    pub fn also_reads(mut self, older: Self) -> Self {
        let first = Self {
            key: older.key,
            older: Vec::new(),
        };
        for key in std::iter::once(first).chain(older.older) {
            // A login would wait for its own turn, to remove what is stored under the older key.
            let is_known = self.is_same(&key) || self.older.iter().any(|one| one.is_same(&key));
            if self.key.is_some() && key.key.is_some() && !is_known {
                self.older.push(key);
            }
        }
        self
    }

    /// Returns the key itself, for the app to keep, or `None` if it is [unsealed](Self::unsealed).
    pub fn secret_bytes(&self) -> Option<SecretBox<[u8; KEY_LEN]>> {
        let key = self.key.as_ref()?;
        Some(SecretBox::init_with(|| *key.expose_secret()))
    }

    /// Whether the key has no byte but zeros, because nothing was written to its place.
    #[cfg_attr(
        not(feature = "login"),
        allow(dead_code, reason = "only logins have keys of their own")
    )]
    pub(crate) fn is_blank(&self) -> bool {
        let key = self.key.as_ref();
        key.is_some_and(|key| key.expose_secret().iter().all(|byte| *byte == 0))
    }

    /// Derives a key from a client secret, and the fingerprint of the secret.
    pub(crate) fn from_secret(secret: &SecretString) -> Result<(Self, [u8; 32]), Error> {
        let salt = Salt::new(HKDF_SHA256, b"genesys-cloud-auth client secret");
        let prk = salt.extract(secret.expose_secret().as_bytes());
        let derived = derive(&prk, b"sealing key").zip(derive(&prk, b"fingerprint"));
        let (key, fingerprint) = derived.ok_or_else(failed)?;
        Ok((Self::with_key(&key), *fingerprint))
    }

    /// Returns a name that reveals nothing about its parts: their hash, keyed if there is a key.
    pub(crate) fn name(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        hash.update(&joined(parts));
        let hash = hash.finish();
        let mut name = [0; 32];
        match &self.key {
            Some(key) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret());
                let message = [NAMES, hash.as_ref()].concat();
                name.copy_from_slice(hmac::sign(&key, &message).as_ref());
            }
            None => name.copy_from_slice(hash.as_ref()),
        }
        name
    }

    /// Seals `plain` so that it opens only with the same `associated` parts.
    pub(crate) fn seal(&self, associated: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let Some(key) = &self.key else {
            return Ok([&[UNSEALED], plain].concat());
        };
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut record = Vec::with_capacity(1 + NONCE_LEN + plain.len() + TAG_LEN);
        record.push(SEALED);
        record.extend_from_slice(&nonce);
        record.extend_from_slice(plain);
        let tag = record
            .get_mut(1 + NONCE_LEN..)
            .zip(cipher(key))
            .and_then(|(text, cipher)| {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let bound = Aad::from(bound(associated));
                cipher.seal_in_place_separate_tag(nonce, bound, text).ok()
            })
            .ok_or_else(failed)?;
        record.extend_from_slice(tag.as_ref());
        Ok(record)
    }

    /// Opens what was sealed under this key with the same `associated` parts, and returns `None` for
    /// everything else.
    ///
    /// [Older](Self::older) keys are not tried here: their records are stored under other names.
    pub(crate) fn open(&self, associated: &[&[u8]], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (version, rest) = sealed.split_first()?;
        let Some(key) = &self.key else {
            return (*version == UNSEALED).then(|| Zeroizing::new(rest.to_vec()));
        };
        if *version != SEALED {
            return None;
        }
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let bound = Aad::from(bound(associated));
        let opened = cipher(key)?.open_in_place(nonce, bound, &mut text).ok()?;
        let length = opened.len();
        text.truncate(length);
        Some(text)
    }

    /// Returns the keys whose records are read, under names of their own, and never written.
    pub(crate) fn older(&self) -> impl Iterator<Item = &Self> {
        self.older.iter()
    }

    fn is_same(&self, other: &Self) -> bool {
        let keys = self.key.as_ref().zip(other.key.as_ref());
        keys.is_some_and(|(one, other)| one.expose_secret() == other.expose_secret())
    }

    fn with_key(bytes: &[u8; KEY_LEN]) -> Self {
        Self {
            key: Some(Arc::new(SecretBox::init_with(|| *bytes))),
            older: Vec::new(),
        }
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.key {
            Some(_) => "SealingKey([redacted])",
            None => "SealingKey(unsealed)",
        })
    }
}

/// Whether a record is sealed, by its first byte.
pub(crate) fn is_sealed(record: &[u8]) -> bool {
    record.first() == Some(&SEALED)
}

/// Returns the cipher for records, under a key of its own: the key itself also makes the names.
fn cipher(key: &SecretBox<[u8; KEY_LEN]>) -> Option<LessSafeKey> {
    let prk = Prk::new_less_safe(HKDF_SHA256, key.expose_secret());
    let key = derive(&prk, RECORDS)?;
    Some(LessSafeKey::new(
        UnboundKey::new(&AES_256_GCM_SIV, &*key).ok()?,
    ))
}

fn derive(prk: &Prk, label: &[u8]) -> Option<Zeroizing<[u8; KEY_LEN]>> {
    let mut derived = Zeroizing::new([0; KEY_LEN]);
    let label = [label];
    let output = prk.expand(&label, HKDF_SHA256).ok()?;
    output.fill(&mut *derived).ok()?;
    Some(derived)
}

/// Returns the data that a record is bound to.
fn bound(associated: &[&[u8]]) -> Vec<u8> {
    [&[SEALED], &*joined(associated)].concat()
}

/// Joins the parts, each after its length, so that different parts never give the same bytes.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let part = |part: &&[u8]| [&(part.len() as u64).to_be_bytes(), *part].concat();
    parts.iter().flat_map(part).collect()
}

fn random(bytes: &mut [u8]) -> Result<(), Error> {
    rand::fill(bytes).map_err(|_| Error::configuration("the machine has no random bytes"))
}

fn failed() -> Error {
    Error::configuration("the cryptographic library does not work on this machine")
}

const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;

/// The first byte of a record.
const UNSEALED: u8 = 0;
const SEALED: u8 = 1;

const RECORDS: &[u8] = b"genesys-cloud-auth records";
const NAMES: &[u8] = b"genesys-cloud-auth names";

#[cfg(test)]
mod tests;
