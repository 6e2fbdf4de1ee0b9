//! OAuth clients: `/api/v2/oauth`.

pub(super) mod authorizations;
mod checks;
pub(super) mod delete;
pub(super) mod model;
pub(super) mod new_client;
pub(super) mod usage;

use std::time::Duration;

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

use self::{
    checks::check_change,
    model::{ClientState, OAuthClient, OAuthClientWithSecret},
    new_client::NewOAuthClient,
};
use super::{fields::remove_secrets, send::fetch_whole_listing};
use crate::{
    client::{PlatformClient, Request},
    error::{Error, ResponseProblem, sanitize},
};

impl PlatformClient {
    /// Returns the organisation's OAuth clients.
    ///
    /// ```no_run
    /// use genesys_cloud_auth::admin::NewOAuthClient;
    ///
    /// # async fn example(api: genesys_cloud_auth::PlatformClient, role_id: &str, division_id: &str) -> Result<(), genesys_cloud_auth::Error> {
    /// let new = NewOAuthClient::client_credentials("CRM sync").role(role_id, division_id);
    /// let created = api.oauth_clients().create(&new).await?;
    /// println!("{} has a secret that is shown only now", created.client.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn oauth_clients(&self) -> OAuthClients {
        OAuthClients {
            api: self.clone(),
            wait: None,
            language: None,
        }
    }
}

/// The organisation's OAuth clients; made by
/// [`PlatformClient::oauth_clients`](crate::PlatformClient::oauth_clients).
///
/// Source: Genesys Cloud Platform API, `/api/v2/oauth` and `/api/v2/usage`.
#[derive(Clone, Debug)]
pub struct OAuthClients {
    api: PlatformClient,
    wait: Option<Duration>,
    language: Option<String>,
}

impl OAuthClients {
    /// Sets the language of the descriptions of [scopes](Self::scopes), such as `de`; English where it is
    /// not set. It is sent as `Accept-Language` (RFC 9110 12.5.4).
    #[must_use]
    pub fn language(mut self, tag: impl Into<String>) -> Self {
        self.language = Some(tag.into());
        self
    }

    /// Sets how long [`delete`](Self::delete) and usage queries ask whether Genesys Cloud is done.
    #[must_use]
    pub fn wait(mut self, limit: Duration) -> Self {
        self.wait = Some(limit);
        self
    }

    /// Returns all clients. Genesys Cloud returns them in one response, which has no second page.
    ///
    /// Needs the permission `oauth:client:view`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch), among them
    /// [`UnexpectedResponse`](crate::ErrorKind::UnexpectedResponse) for a listing over the
    /// [body limit](crate::client::PlatformClientBuilder::body_limit), and for one that is incomplete
    /// by its own numbers.
    pub async fn list(&self) -> Result<Vec<OAuthClient>, Error> {
        fetch_whole_listing(self.api.get(CLIENTS)).await
    }

    /// Returns a client.
    ///
    /// Needs the permission `oauth:client:view`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch). A client that does not exist is an
    /// error with the [status](Error::status) 404.
    pub async fn get(&self, id: &str) -> Result<OAuthClient, Error> {
        self.client(id, Method::GET).fetch().await
    }

    /// Creates a client. The request is sent once.
    ///
    /// Needs the permission `oauth:client:add`, and the roles that the new client gets.
    ///
    /// # Errors
    /// Those of [`NewOAuthClient::check`], before anything is sent, and those of
    /// [`Request::fetch`](crate::client::Request::fetch). Where the response is lost,
    /// [`Error::is_outcome_unknown`] is `true`: look for a client with the name by
    /// [`list`](Self::list), and give it a secret by [`regenerate_secret`](Self::regenerate_secret) or
    /// [`delete`](Self::delete) it.
    pub async fn create<G>(&self, new: &NewOAuthClient<G>) -> Result<OAuthClientWithSecret, Error> {
        new.check()?;
        let request = self.api.post(CLIENTS).json(&new.body());
        self.fetch_secret(request, || {
            format!(
                "it is not known whether the OAuth client was created: look for the name “{}” with \
                 `oauth_clients().list()` before you try again; if it is there, \
                 `regenerate_secret(id)` gives it a new secret",
                sanitize(new.name(), &[])
            )
        })
        .await
    }

    /// Fetches a client, changes it by `change`, and replaces it. Returns it as the server does.
    ///
    /// All writable fields are sent, those that this crate does not know as well. Genesys Cloud has
    /// no versions of clients, so **the last writer wins**: a change that is made elsewhere between
    /// the two requests is lost.
    ///
    /// ```no_run
    /// # async fn example(api: genesys_cloud_auth::PlatformClient, id: &str) -> Result<(), genesys_cloud_auth::Error> {
    /// api.oauth_clients()
    ///     .update(id, |client| client.description = Some("Owner: crm-team@example.com".into()))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Needs the permissions `oauth:client:view` and `oauth:client:edit`, and the client's roles.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch); and
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration), before anything is changed, for
    /// a change that [`NewOAuthClient::check`] would not accept, for roles of a client whose grant
    /// type is not client credentials, and for a change to the implicit grant.
    pub async fn update(
        &self,
        id: &str,
        change: impl FnOnce(&mut OAuthClient),
    ) -> Result<OAuthClient, Error> {
        let request = self.client(id, Method::GET);
        let (mut fetched, response) = request.fetch_with_response::<Map<String, Value>>().await?;
        remove_secrets(&mut fetched);
        let before = OAuthClient::deserialize(Value::Object(fetched.clone()))
            .map_err(|error| response.unexpected(ResponseProblem::not_json(&error)))?;
        let mut after = before.clone();
        change(&mut after);
        check_change(&before, &after)?;
        let body = after.changed_body(&before, fetched);
        self.client(id, Method::PUT).json(&body).fetch().await
    }

    /// Sets a client active, so that it gets tokens. A date on which it was to be deleted is removed.
    ///
    /// Needs the permissions `oauth:client:view` and `oauth:client:edit`.
    ///
    /// # Errors
    /// Those of [`update`](Self::update).
    pub async fn enable(&self, id: &str) -> Result<OAuthClient, Error> {
        self.set_state(id, ClientState::Active).await
    }

    /// Disables a client: it gets no tokens, and those that it has are invalid at once.
    ///
    /// Needs the permissions `oauth:client:view` and `oauth:client:edit`.
    ///
    /// # Errors
    /// Those of [`update`](Self::update).
    pub async fn disable(&self, id: &str) -> Result<OAuthClient, Error> {
        self.set_state(id, ClientState::Disabled).await
    }

    /// Generates a new secret. **The old one is invalid from now on**, so every program and integration
    /// that uses it must be changed. The request is sent once.
    ///
    /// Needs the permission `oauth:client:edit`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch). Where the response is lost,
    /// [`Error::is_outcome_unknown`] is `true`: the old secret may be invalid, and calling this again
    /// returns a secret that is valid.
    pub async fn regenerate_secret(&self, id: &str) -> Result<OAuthClientWithSecret, Error> {
        let request = self.client(id, Method::POST).segment("secret");
        self.fetch_secret(request, || {
            "it is not known whether a new secret was generated, so the old one may be invalid: call \
             `regenerate_secret` again, which returns a valid one"
                .to_owned()
        })
        .await
    }

    async fn set_state(&self, id: &str, state: ClientState) -> Result<OAuthClient, Error> {
        self.update(id, |client| {
            if state == ClientState::Active {
                client.date_to_delete = None;
            }
            client.state = state;
        })
        .await
    }

    /// Sends a request that generates a secret.
    async fn fetch_secret(
        &self,
        request: Request,
        advice: impl Fn() -> String,
    ) -> Result<OAuthClientWithSecret, Error> {
        let (body, response) = request.fetch_once::<WithSecret>(&advice).await?;
        match body.secret {
            Some(secret) if !secret.expose_secret().is_empty() => Ok(OAuthClientWithSecret {
                client: body.client,
                secret,
            }),
            _ => Err(response
                .unexpected(ResponseProblem::NoSecret)
                .with_unknown_outcome(advice())),
        }
    }

    fn client(&self, id: &str, method: Method) -> Request {
        self.api.request(method, CLIENTS).segment(id)
    }
}

#[derive(Deserialize)]
struct WithSecret {
    secret: Option<SecretString>,
    #[serde(flatten)]
    client: OAuthClient,
}

const CLIENTS: &str = "/api/v2/oauth/clients";
