//! The keyring store on GNOME Keyring and a session bus of its own: `bash tests/run keyring`.
#![cfg(target_os = "linux")]

mod desktop;
mod key;
mod secrets;
mod store;
mod unusable;
