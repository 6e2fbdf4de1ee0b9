//! What an organisation allows.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use crate::platform_limits::RECOMMENDED_TOKEN_DURATION;

#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) max_token_duration: Duration,
    /// By id.
    pub(super) scim_clients: BTreeSet<String>,
    pub(super) max_secret_age: Duration,
    /// By the id of the client.
    pub(super) secret_dates: BTreeMap<String, SystemTime>,
    /// In days.
    pub(super) unused_after: u32,
    pub(super) max_idle_timeout: Option<Duration>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_token_duration: RECOMMENDED_TOKEN_DURATION,
            scim_clients: BTreeSet::new(),
            max_secret_age: Duration::from_secs(365 * 86_400),
            secret_dates: BTreeMap::new(),
            unused_after: 90,
            max_idle_timeout: None,
        }
    }
}
