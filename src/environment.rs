//! The one place that reads environment variables.

/// The variable's value; none where it is absent, empty, or not Unicode.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
