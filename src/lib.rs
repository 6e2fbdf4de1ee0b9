//! Skeleton.
mod clock;
pub use clock::Clock;
