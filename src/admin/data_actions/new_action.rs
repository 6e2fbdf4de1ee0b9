//! A data action to be created.

use serde::Serialize;

use super::model::{DataActionConfig, DataActionContract};
use crate::error::Error;

/// A data action to be created: as a [draft](super::DataActions::create_draft), or
/// [published](super::DataActions::create) at once.
///
/// ```
/// use genesys_cloud_auth::admin::{DataActionConfig, DataActionContract, JsonDocument, NewDataAction};
///
/// # fn example(integration_id: &str) -> Result<(), genesys_cloud_auth::Error> {
/// let contract = DataActionContract::new(
///     JsonDocument::parse(r#"{"type": "object", "required": ["email"], "properties": {"email": {"type": "string"}}}"#)?,
///     JsonDocument::parse(r#"{"type": "object", "properties": {"name": {"type": "string"}}}"#)?,
/// );
/// let config = DataActionConfig::new("GET", "/api/v2/externalcontacts/contacts?q=$esc.url(${input.email})")
///     .map("name", "$.entities[0].firstName")
///     .default_value("name", "\"\"")
///     .success_template(r#"{"name": ${name}}"#);
/// let new = NewDataAction::new("Find a contact", "CRM lookup", integration_id, config, contract);
/// new.check()?;
/// # Ok(())
/// # }
/// # example("an id").unwrap();
/// ```
///
/// Source: Genesys Cloud Platform API, the schema `PostActionInput`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use = "nothing is created before `DataActions::create_draft`"]
pub struct NewDataAction {
    name: String,
    category: String,
    integration_id: String,
    config: DataActionConfig,
    contract: DataActionContract,
    secure: bool,
}

impl NewDataAction {
    /// A data action of an integration. The category is the heading under which Architect shows it,
    /// usually the name of the integration.
    pub fn new(
        name: impl Into<String>,
        category: impl Into<String>,
        integration_id: impl Into<String>,
        config: DataActionConfig,
        contract: DataActionContract,
    ) -> Self {
        Self {
            name: name.into(),
            category: category.into(),
            integration_id: integration_id.into(),
            config,
            contract,
            secure: false,
        }
    }

    /// Lets only secure flows use it. That cannot be changed once the action is published, and other
    /// flows do not find it.
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Whether it can be sent. Templates and schemas are checked by Genesys Cloud:
    /// [`validate_draft`](super::DataActions::validate_draft).
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if a name, the category, the
    /// integration, the URL or the method is missing, or for a timeout that is not from 1 to 60 whole
    /// seconds.
    pub fn check(&self) -> Result<(), Error> {
        for (text, what) in [
            (&self.name, "the data action has no name"),
            (&self.category, "the data action has no category"),
            (&self.integration_id, "the data action has no integration"),
        ] {
            if text.trim().is_empty() {
                return Err(Error::configuration(what));
            }
        }
        check_config(&self.config)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Checks what is known to be wrong without asking the server.
pub(super) fn check_config(config: &DataActionConfig) -> Result<(), Error> {
    let timeout = config.timeout;
    let is_valid = |limit: std::time::Duration| {
        (1..=60).contains(&limit.as_secs()) && limit.subsec_nanos() == 0
    };
    let what = if config.request.url_template.trim().is_empty() {
        "the data action has no URL"
    } else if config.request.method.trim().is_empty() {
        "the data action has no method"
    } else if timeout.is_some_and(|limit| !is_valid(limit)) {
        "the timeout of a data action is from 1 to 60 whole seconds"
    } else {
        return Ok(());
    };
    Err(Error::configuration(what))
}
