//! A token source of the program's own: a closure.

use std::{fmt, sync::Arc, time::Duration};

use secrecy::SecretString;

use crate::{
    async_source::AsyncSource,
    error::Error,
    platform_limits::{MAX_SCIM_TOKEN_DURATION, TOKEN_DURATION},
};

/// An access token that the closure of [`Grant::from_fn`](crate::Grant::from_fn) returns.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The access token, without `Bearer` before it.
    pub secret: SecretString,
    /// How long the token lives from the moment the closure was called. `None` means 300 seconds, the
    /// shortest duration of a token in Genesys Cloud.
    pub expires_in: Option<Duration>,
}

impl NewToken {
    pub(crate) fn life(&self) -> Duration {
        let life = self.expires_in.unwrap_or(*TOKEN_DURATION.start());
        life.min(MAX_SCIM_TOKEN_DURATION)
    }
}

/// A closure that returns tokens, and its name.
#[derive(Clone)]
pub(crate) struct Closure {
    name: Arc<str>,
    source: AsyncSource<NewToken>,
}

impl Closure {
    pub(super) fn new(name: String, source: AsyncSource<NewToken>) -> Self {
        let name = name.into();
        Self { name, source }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the name can stand in error texts and spans.
    pub(crate) fn check_name(&self) -> Result<(), Error> {
        let is_valid = (1..=MAX_NAME_BYTES).contains(&self.name.len())
            && !self.name.contains(char::is_control);
        if is_valid {
            return Ok(());
        }
        Err(Error::configuration(
            "the name of a grant must have 1 to 255 bytes and no control character",
        ))
    }

    /// Calls the closure, which may block, hang or panic.
    pub(crate) async fn new_token(self) -> Result<NewToken, Error> {
        let new_token = self.source.get().await;
        new_token.map_err(|error| {
            let what = format!(
                "the source of the token `{}` failed (check what its closure asks)",
                self.name
            );
            Error::credential_source(what, Some(error))
        })
    }
}

impl fmt::Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Closure({:?})", self.name)
    }
}

const MAX_NAME_BYTES: usize = 255;
