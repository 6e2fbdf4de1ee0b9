//! Data actions: `/api/v2/integrations/actions`.

mod drafts;
mod execute;
pub(super) mod filter;
pub(super) mod model;
pub(super) mod new_action;
pub(super) mod testing;

use std::time::Duration;

use crate::client::PlatformClient;

impl PlatformClient {
    /// Returns the organisation's data actions.
    ///
    /// ```no_run
    /// # #[derive(serde::Serialize)] struct Input { email: String }
    /// # #[derive(serde::Deserialize)] struct Contact { name: String }
    /// # async fn example(api: genesys_cloud_auth::PlatformClient, action_id: &str) -> Result<(), genesys_cloud_auth::Error> {
    /// let input = Input { email: "jo@example.com".to_owned() };
    /// let contact: Contact = api.data_actions().execute(action_id, &input).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn data_actions(&self) -> DataActions {
        DataActions {
            api: self.clone(),
            wait: DEFAULT_WAIT,
            execution_timeout: DEFAULT_EXECUTION_TIMEOUT,
        }
    }
}

/// The organisation's data actions; made by
/// [`PlatformClient::data_actions`](crate::PlatformClient::data_actions).
///
/// Source: Genesys Cloud Platform API, `/api/v2/integrations/actions`.
#[derive(Clone, Debug)]
pub struct DataActions {
    api: PlatformClient,
    wait: Duration,
    execution_timeout: Duration,
}

impl DataActions {
    /// Sets how long a 400 about a fresh integration is repeated: 30 seconds by default. Genesys Cloud
    /// does not know a new integration everywhere at once, and sends the same 400 for an action that is
    /// wrong; after this time, or at once where it names a field, the caller gets it.
    #[must_use]
    pub fn wait(mut self, limit: Duration) -> Self {
        self.wait = limit;
        self
    }

    /// Sets the maximum time of an execution and of a test: 75 seconds by default, because an action
    /// itself may take 60.
    #[must_use]
    pub fn execution_timeout(mut self, limit: Duration) -> Self {
        self.execution_timeout = limit;
        self
    }
}

const ACTIONS: &str = "/api/v2/integrations/actions";
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
const DEFAULT_EXECUTION_TIMEOUT: Duration = Duration::from_secs(75);
