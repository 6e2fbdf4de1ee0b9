//! The place of one value in the keyring.

use std::time::Duration;

/// One account of an app, and how long its user has to unlock it.
pub(super) struct Account<'a> {
    pub(super) app: &'a str,
    pub(super) name: &'a str,
    pub(super) timeout: Duration,
}
