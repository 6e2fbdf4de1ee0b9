//! The examples that log users in, driven by Chromium: `bash tests/run browser`.
//!
//! Pictures of the pages, in light and dark, are in `target/browser`.

mod chromium;
mod example;
mod login;
mod site;
mod sso;
mod web_app;
