//! Why the keyring cannot be used.

use std::{io, time::Duration};

use crate::private_file::Failure;

/// Why the keyring cannot be used, and the cure. Without a value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyringError {
    #[error(
        "no keyring can be reached ({0}); where there is none, as on a server, use a FileStore with a \
         key from SealingKey::file, or from SealingKey::from_bytes if a vault holds it"
    )]
    Unreachable(String),
    #[error(
        "there is no default keyring; create one with the desktop's program for passwords, or use a \
         FileStore with a key from SealingKey::file"
    )]
    #[cfg_attr(
        any(target_os = "macos", windows),
        allow(dead_code, reason = "there always is one")
    )]
    NoDefault,
    #[error("the keyring is locked, and the user did not unlock it; unlock it and try again")]
    Locked,
    #[error(
        "the keyring did not respond within {} s; if it asks for a password, enter it or allow more \
         time, otherwise check whether it hangs", .0.as_secs_f32()
    )]
    TimedOut(Duration),
    #[error("the keyring does not reply; check whether it hangs, and start it again")]
    #[cfg_attr(
        any(target_os = "macos", windows),
        allow(dead_code, reason = "the system reports its own errors")
    )]
    NoReply,
    #[error("the keyring failed ({0}); check whether it works with other programs")]
    Failed(String),
    #[error(
        "the value has {length} bytes, and the keyring of this platform holds at most {max}; use a \
         FileStore with a key from SealingKey::keyring"
    )]
    TooLong { length: usize, max: usize },
    #[error("waiting for the keyring needs a tokio runtime with timers (`enable_all`)")]
    NoTimers,
    #[error("the system has no thread for a call to the keyring ({0})")]
    NoThread(io::Error),
    #[error("the call to the keyring panicked")]
    Panicked,
    #[error(transparent)]
    File(#[from] Failure),
}
