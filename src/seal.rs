//! Authenticated encryption of what goes into a store, and the names under which it goes there.

mod file;

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{Context, SHA256},
    hkdf::{HKDF_SHA256, Prk, Salt},
    hmac, rand,
};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use zeroize::Zeroizing;

use crate::error::Error;

/// The key under which logins go into a store, so that the store's owner and whoever copies it see
/// neither tokens nor names, and can neither exchange nor alter records unnoticed.
///
/// A key is 32 random bytes, never a passphrase: what people can remember, machines can guess.
///
/// ```
/// use genesys_cloud_auth::store::SealingKey;
///
/// let folder = tempfile::tempdir()?;
/// let key = SealingKey::file(folder.path().join("sealing-key"))?;   // made at first use
/// let key = key.also_reads(SealingKey::from_bytes([7; 32]));        // the one before it
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SealingKey {
    /// None is the unsealed one.
    key: Option<Arc<SecretBox<[u8; KEY_LEN]>>>,
    older: Vec<Self>,
}

impl SealingKey {
    /// A new random key. Keep its [`secret_bytes`](Self::secret_bytes): what it seals, no other key
    /// opens.
    ///
    /// # Errors
    /// [`Configuration`](crate::ErrorKind::Configuration): the machine gives no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        random(&mut *bytes)?;
        Ok(Self::of(&bytes))
    }

    /// A key kept elsewhere, such as in a vault: 32 random bytes, never a passphrase.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self::of(&Zeroizing::new(bytes))
    }

    /// No key: the store, and whoever reads it, sees access and refresh tokens as they are, and
    /// whoever writes to it can exchange them. For a store that nobody else can reach.
    #[must_use]
    pub fn unsealed() -> Self {
        Self {
            key: None,
            older: Vec::new(),
        }
    }

    /// Lets records under an older key be read too. New ones are sealed under this key alone.
    ///
    /// An [unsealed](Self::unsealed) one is left out: with a key, a plain record counts as absent.
    pub fn also_reads(mut self, older: Self) -> Self {
        if self.key.is_some() && older.key.is_some() {
            let Self { key, older } = older;
            let older_still = Vec::new();
            self.older.push(Self {
                key,
                older: older_still,
            });
            self.older.extend(older);
        }
        self
    }

    /// The key itself, to be kept; none where it is [unsealed](Self::unsealed).
    pub fn secret_bytes(&self) -> Option<SecretBox<[u8; KEY_LEN]>> {
        let key = self.key.as_ref()?;
        Some(SecretBox::init_with(|| *key.expose_secret()))
    }

    /// The key that a client secret makes, and the secret's one-way fingerprint.
    pub(crate) fn of_secret(secret: &SecretString) -> Result<(Self, [u8; 32]), Error> {
        let salt = Salt::new(HKDF_SHA256, b"genesys-cloud-auth client secret");
        let prk = salt.extract(secret.expose_secret().as_bytes());
        let derived = derive(&prk, b"sealing key").zip(derive(&prk, b"fingerprint"));
        let (key, fingerprint) = derived.ok_or_else(failed)?;
        Ok((Self::of(&key), *fingerprint))
    }

    /// A name that tells nothing about its parts: their hash, under the key where there is one.
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

    /// `plain` sealed, so that it opens with the same `associated` parts only.
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

    /// What was sealed under this very key with the same `associated` parts. Anything else is none.
    ///
    /// [Older](Self::older) keys are not tried: a record of theirs has a name of theirs.
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

    /// Keys whose records are read, each under its own name, and never written.
    pub(crate) fn older(&self) -> impl Iterator<Item = &Self> {
        self.older.iter()
    }

    fn of(bytes: &[u8; KEY_LEN]) -> Self {
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

/// What seals and opens records: not the key itself, which makes the names too.
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

/// What a record belongs to: it opens nowhere else.
fn bound(associated: &[&[u8]]) -> Vec<u8> {
    [&[SEALED], &*joined(associated)].concat()
}

/// The parts, each with its length, so that no other parts are joined to the same.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let part = |part: &&[u8]| [&(part.len() as u64).to_be_bytes(), *part].concat();
    parts.iter().flat_map(part).collect()
}

fn random(bytes: &mut [u8]) -> Result<(), Error> {
    rand::fill(bytes).map_err(|_| Error::configuration("the machine gives no random bytes"))
}

fn failed() -> Error {
    Error::configuration("the cryptographic library refuses to work on this machine")
}

const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;

/// A record's first byte.
const UNSEALED: u8 = 0;
const SEALED: u8 = 1;

const RECORDS: &[u8] = b"genesys-cloud-auth records";
const NAMES: &[u8] = b"genesys-cloud-auth names";

#[cfg(test)]
mod tests;
