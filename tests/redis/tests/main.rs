//! The store in Redis, with servers that the tests start: `bash tests/run redis`.

#[path = "../../it/support/child_process.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod child_process;
mod conformance;
mod errors;
mod example;
mod fleet;
mod login;
mod lost;
mod member;
mod outages;
mod planning;
mod sealed;
mod sentinel;
mod server;
mod stalled;
mod tls;
mod topology;
