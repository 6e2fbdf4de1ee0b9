//! The crate from outside, against servers of the tests' own.

mod answers;
mod hosts;
mod redaction;
mod support;
mod threats;
mod wire;
