//! Skeleton.
mod clock;
mod environment;
mod error;
mod region;
mod retry;
mod secret;
mod token;
pub use clock::Clock;
pub use error::*;
