//! Integrations: `/api/v2/integrations`.

pub(super) mod credentials;
pub(super) mod model;
pub(super) mod new_credential;

use std::time::Duration;

use http::Method;
use serde_json::{Map, Value, json};

use self::model::{Integration, IntegrationConfiguration, IntendedState, ReportedStateCode};
use super::{poll::Poll, repeat::VersionConflicts, send::fetch_pages};
use crate::{
    client::{PlatformClient, Request},
    error::{Error, sanitize},
};

impl PlatformClient {
    /// Returns the organisation's integrations and their credentials.
    ///
    /// ```no_run
    /// use genesys_cloud_auth::admin::NewCredential;
    ///
    /// # async fn example(api: genesys_cloud_auth::PlatformClient, client_id: &str, secret: genesys_cloud_auth::secrecy::SecretString) -> Result<(), genesys_cloud_auth::Error> {
    /// let integrations = api.integrations();
    /// let new = NewCredential::oauth_client("CRM lookup", client_id, secret);
    /// let credential = integrations.create_credential(&new).await?;
    /// let integration = integrations.create("purecloud-data-actions", "CRM lookup").await?;
    /// integrations
    ///     .configure(&integration.id, |configuration| {
    ///         configuration.set_credential("pureCloudOAuthClient", &credential.id);
    ///     })
    ///     .await?;
    /// integrations.enable(&integration.id).await?;
    /// integrations.wait_until_active(&integration.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn integrations(&self) -> Integrations {
        Integrations {
            api: self.clone(),
            wait: None,
        }
    }
}

/// The organisation's integrations and their credentials; made by
/// [`PlatformClient::integrations`](crate::PlatformClient::integrations).
///
/// Source: Genesys Cloud Platform API, `/api/v2/integrations`.
#[derive(Clone, Debug)]
pub struct Integrations {
    api: PlatformClient,
    wait: Option<Duration>,
}

impl Integrations {
    /// Sets how long [`wait_until_active`](Self::wait_until_active) waits: 60 seconds by default.
    #[must_use]
    pub fn wait(mut self, limit: Duration) -> Self {
        self.wait = Some(limit);
        self
    }

    /// Returns all integrations.
    ///
    /// Needs the permission `integrations:integration:view`.
    ///
    /// # Errors
    /// Those of [`Request::pages`](crate::client::Request::pages).
    pub async fn list(&self) -> Result<Vec<Integration>, Error> {
        let request = self.api.get(INTEGRATIONS).query(&[("pageSize", 100)]);
        fetch_pages(request, |one: &Integration| &one.id).await
    }

    /// Returns the integrations that use a credential. Some servers ignore the filter for it, so the
    /// configuration of each integration that they return is read.
    ///
    /// Needs the permission `integrations:integration:view`.
    ///
    /// # Errors
    /// Those of [`list`](Self::list) and [`configuration`](Self::configuration).
    pub async fn using_credential(&self, credential_id: &str) -> Result<Vec<Integration>, Error> {
        let request = self.api.get(INTEGRATIONS);
        let query = [("pageSize", "100"), ("credentialId", credential_id)];
        let mut using = Vec::new();
        let listed = fetch_pages(request.query(&query), |one: &Integration| &one.id);
        for integration in listed.await? {
            match self.configuration(&integration.id).await {
                Ok(configuration) if configuration.uses_credential(credential_id) => {
                    using.push(integration);
                }
                // It was deleted in the meantime.
                Err(error) if error.status() != Some(http::StatusCode::NOT_FOUND) => {
                    return Err(error);
                }
                _ => {}
            }
        }
        Ok(using)
    }

    /// Returns an integration.
    ///
    /// Needs the permission `integrations:integration:view`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch). An integration that does not exist
    /// is an error with the [status](Error::status) 404.
    pub async fn get(&self, id: &str) -> Result<Integration, Error> {
        self.integration(id, Method::GET).fetch().await
    }

    /// Creates an integration of a type, such as `purecloud-data-actions` for the Platform API of the
    /// own organisation or `custom-rest-actions` for other web services. It is not enabled. The
    /// request is sent once. Without a name it gets that of its type.
    ///
    /// Genesys Cloud allows 10 integrations of a type, and 50 for Salesforce and for web services.
    ///
    /// Needs the permission `integrations:integration:add`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch). Where the response is lost,
    /// [`Error::is_outcome_unknown`] is `true`: look for an integration with the name.
    pub async fn create(&self, type_id: &str, name: &str) -> Result<Integration, Error> {
        let mut body = Map::new();
        let kind = json!({ "id": type_id });
        body.insert("integrationType".to_owned(), kind);
        if !name.is_empty() {
            body.insert("name".to_owned(), name.into());
        }
        let request = self.api.post(INTEGRATIONS).json(&body);
        let (integration, _) = request.fetch_once(|| {
            format!(
                "it is not known whether the integration was created: look for the name “{}” with \
                 `integrations().list()` before you try again",
                sanitize(name, &[])
            )
        })
        .await?;
        Ok(integration)
    }

    /// Returns the configuration of an integration.
    ///
    /// Needs the permission `integrations:integration:view`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn configuration(&self, id: &str) -> Result<IntegrationConfiguration, Error> {
        self.current(id, Method::GET).fetch().await
    }

    /// Fetches the configuration of an integration, changes it by `change`, and replaces it. Returns it
    /// as the server does.
    ///
    /// If the configuration was changed elsewhere between the two requests, both are sent again, at
    /// most 10 times. So `change` may run several times, each time on the latest configuration. Fields
    /// that this crate does not know are sent back.
    ///
    /// Do not change the *type* of a credential of an integration in use.
    ///
    /// Needs the permissions `integrations:integration:view` and `integrations:integration:edit`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch), among them the last conflict.
    pub async fn configure(
        &self,
        id: &str,
        mut change: impl FnMut(&mut IntegrationConfiguration),
    ) -> Result<IntegrationConfiguration, Error> {
        let mut conflicts = VersionConflicts::new(&self.api);
        loop {
            let mut configuration = self.configuration(id).await?;
            let version = configuration.version;
            change(&mut configuration);
            configuration.version = version;
            let request = self.current(id, Method::PUT).json(&configuration);
            match request.fetch().await {
                Err(error) if conflicts.waits_after(&error).await => {}
                result => return result,
            }
        }
    }

    /// Enables an integration. It becomes [active](Self::wait_until_active) after some seconds.
    ///
    /// Needs the permission `integrations:integration:edit`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn enable(&self, id: &str) -> Result<Integration, Error> {
        self.intend(id, &IntendedState::Enabled).await
    }

    /// Disables an integration. Its data actions fail from then on.
    ///
    /// Needs the permission `integrations:integration:edit`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn disable(&self, id: &str) -> Result<Integration, Error> {
        self.intend(id, &IntendedState::Disabled).await
    }

    /// Waits until Genesys Cloud reports an integration as active. Its data actions can be tested and
    /// found only then.
    ///
    /// Needs the permission `integrations:integration:view`.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); and [`Timeout`](crate::ErrorKind::Timeout), with the last state and
    /// its reason, if it is not active after the [wait](Self::wait).
    pub async fn wait_until_active(&self, id: &str) -> Result<Integration, Error> {
        let mut poll = Poll::new(&self.api, self.wait.unwrap_or(DEFAULT_WAIT));
        loop {
            let integration = self.get(id).await?;
            if integration.reported_state.code == ReportedStateCode::Active {
                return Ok(integration);
            }
            if !poll.wait().await {
                return Err(not_active(&integration));
            }
        }
    }

    /// Deletes an integration, and its data actions with it. Its credentials stay. Returns it as it
    /// was, or `None` if the response with it was lost.
    ///
    /// Needs the permission `integrations:integration:delete`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn delete(&self, id: &str) -> Result<Option<Integration>, Error> {
        match self.integration(id, Method::DELETE).delete_object().await? {
            Some(response) => response.json().await,
            None => Ok(None),
        }
    }

    async fn intend(&self, id: &str, state: &IntendedState) -> Result<Integration, Error> {
        let mut body = Map::new();
        body.insert("intendedState".to_owned(), Value::from(state.as_str()));
        let request = self.integration(id, Method::PATCH).json(&body);
        // The same state twice is the same as once.
        request.repeatable().fetch().await
    }

    fn integration(&self, id: &str, method: Method) -> Request {
        self.api.request(method, INTEGRATIONS).segment(id)
    }

    fn current(&self, id: &str, method: Method) -> Request {
        let request = self.integration(id, method);
        request.segment("config").segment("current")
    }
}

fn not_active(integration: &Integration) -> Error {
    let (state, id) = (&integration.reported_state, sanitize(&integration.id, &[]));
    let code = sanitize(state.code.as_str(), &[]);
    let detail = state.detail.as_deref();
    let detail = detail.map_or_else(String::new, |detail| {
        format!(" ({})", sanitize(detail, &[]))
    });
    Error::wait_ended(format!(
        "the integration {id} is not active: Genesys Cloud reports {code}{detail}; check its \
         credentials and its configuration (Admin → Integrations → the integration), that it is \
         enabled, or allow more time with `wait`"
    ))
}

const INTEGRATIONS: &str = "/api/v2/integrations";
const DEFAULT_WAIT: Duration = Duration::from_secs(60);
