//! Repeats what another change or a slow server made fail.

use std::time::Duration;

use super::poll::Poll;
use crate::{
    client::PlatformClient,
    clock::Clock,
    error::{Error, ErrorKind},
};

/// Changes of an object with a version, which fail while others change it, too.
pub(super) struct VersionConflicts {
    clock: Clock,
    conflicts: u32,
}

impl VersionConflicts {
    pub(super) fn new(api: &PlatformClient) -> Self {
        Self {
            clock: api.tokens().clock().clone(),
            conflicts: 0,
        }
    }

    /// Waits after a version conflict: 0.5 s, 1 s and so on, or as long as the server says. Returns
    /// `false` for other errors, and after the tenth conflict.
    pub(super) async fn waits_after(&mut self, error: &Error) -> bool {
        if !is_version_conflict(error) || self.conflicts + 1 >= MAX_ATTEMPTS {
            return false;
        }
        self.conflicts += 1;
        let pause = error.retry_after().unwrap_or(HALF_SECOND * self.conflicts);
        let end = self.clock.now() + pause.min(MAX_PAUSE);
        self.clock.sleep_until(end).await;
        true
    }
}

/// Genesys Cloud has two forms of it.
fn is_version_conflict(error: &Error) -> bool {
    let ErrorKind::Api(response) = error.kind() else {
        return false;
    };
    let message = response.message.as_deref().unwrap_or_default();
    match response.status().as_u16() {
        409 => true,
        400 => message
            .to_ascii_lowercase()
            .contains("does not match the current version"),
        _ => false,
    }
}

/// Requests about an integration that Genesys Cloud does not know everywhere yet. It then responds with 400
/// or 408, as it also does to a wrong request.
pub(super) struct FreshIntegration<'a> {
    api: &'a PlatformClient,
    limit: Duration,
    /// Begins with the first response, because a token may have taken long.
    poll: Option<Poll>,
}

impl<'a> FreshIntegration<'a> {
    pub(super) fn new(api: &'a PlatformClient, limit: Duration) -> Self {
        Self {
            api,
            limit,
            poll: None,
        }
    }

    /// Waits until it is time to send the request again. Returns `false` if that does not help, and
    /// when the time is over.
    pub(super) async fn waits_after(&mut self, error: &Error) -> bool {
        if !may_be_fresh(error) {
            return false;
        }
        let poll = self
            .poll
            .get_or_insert_with(|| Poll::new(self.api, self.limit));
        poll.wait().await
    }
}

fn may_be_fresh(error: &Error) -> bool {
    let ErrorKind::Api(response) = error.kind() else {
        return false;
    };
    let message = response.message.as_deref().unwrap_or_default();
    let fields = || {
        response
            .details
            .iter()
            .filter_map(|one| one.field.as_deref())
    };
    // A wrong field stays wrong.
    let names_a_field = fields().any(|field| field != "integrationId");
    matches!(response.status().as_u16(), 400 | 408)
        && !names_a_field
        && !message.contains("does not support")
}

const MAX_ATTEMPTS: u32 = 10;
const HALF_SECOND: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(30);
