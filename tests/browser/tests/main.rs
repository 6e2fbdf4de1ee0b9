//! The examples that log users in, driven by Chromium: `bash tests/run browser`.
//!
//! What the pages look like is left in `target/browser`, in light and dark.

mod chromium;
mod example;
mod login;
mod site;
mod sso;
mod web_app;
