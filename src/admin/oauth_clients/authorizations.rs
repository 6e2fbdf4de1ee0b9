//! Scopes, and the organisation's authorisations of OAuth clients.

use std::time::SystemTime;

use http::header::ACCEPT_LANGUAGE;
use serde::Deserialize;

use super::OAuthClients;
use crate::{
    admin::{
        fields::{OtherFields, null_as_default},
        open_enum::open_enum,
        send::fetch_whole_listing,
    },
    client::Request,
    error::Error,
    provider::NamedEntity,
    rfc3339::date_time,
};

impl OAuthClients {
    /// Returns all scopes that an OAuth client can have. Needs no permission.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch), and an incomplete listing.
    pub async fn scopes(&self) -> Result<Vec<OAuthScope>, Error> {
        fetch_whole_listing(self.in_language(self.api.get(SCOPES))).await
    }

    /// Returns one scope, such as that with the id `users`. Needs no permission.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn scope(&self, id: &str) -> Result<OAuthScope, Error> {
        let request = self.api.get(SCOPES).segment(id);
        self.in_language(request).fetch().await
    }

    fn in_language(&self, request: Request) -> Request {
        match &self.language {
            Some(tag) => request.header(ACCEPT_LANGUAGE, tag.as_str()),
            None => request,
        }
    }

    /// Returns the OAuth clients that the organisation has authorised, or that ask for it.
    ///
    /// Needs the permission `oauth:client:authorize`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch), and an incomplete listing.
    pub async fn authorizations(&self) -> Result<Vec<OAuthAuthorization>, Error> {
        fetch_whole_listing(self.api.get(AUTHORIZATIONS)).await
    }

    /// Returns the organisation's authorisation of one OAuth client.
    ///
    /// Needs the permission `oauth:client:authorize`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn authorization(&self, client_id: &str) -> Result<OAuthAuthorization, Error> {
        self.api
            .get(AUTHORIZATIONS)
            .segment(client_id)
            .fetch()
            .await
    }
}

/// A scope: what the tokens of a user may do.
///
/// Source: Genesys Cloud Platform API, the schema `OAuthScope`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OAuthScope {
    /// Its name in a client's [`scopes`](super::OAuthClient::scopes), such as `users:readonly`.
    pub id: String,
    /// What it allows.
    pub description: Option<String>,
    /// Its path at the API.
    pub self_uri: Option<String>,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// The organisation's authorisation of an OAuth client, its own or another organisation's.
///
/// Source: Genesys Cloud Platform API, the schema `OAuthAuthorization`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OAuthAuthorization {
    /// The client.
    pub client: Option<NamedEntity>,
    /// The scopes that are authorised.
    #[serde(default, rename = "scope", deserialize_with = "null_as_default")]
    pub scopes: Vec<String>,
    /// The roles that the client has in this organisation.
    #[serde(default, deserialize_with = "null_as_default")]
    pub roles: Vec<String>,
    /// The user that the authorisation belongs to.
    pub resource_owner: Option<NamedEntity>,
    /// Whether an administrator still has to decide.
    #[serde(default, deserialize_with = "null_as_default")]
    pub pending: bool,
    /// What was decided.
    #[serde(default)]
    pub state: AuthorizationState,
    /// When it was created.
    #[serde(default, deserialize_with = "date_time")]
    pub date_created: Option<SystemTime>,
    /// When it was changed.
    #[serde(default, deserialize_with = "date_time")]
    pub date_modified: Option<SystemTime>,
    /// The creator's id.
    pub created_by: Option<NamedEntity>,
    /// The id of the last person to change it.
    pub modified_by: Option<NamedEntity>,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

open_enum! {
    /// The state of an [`OAuthAuthorization`].
    AuthorizationState {
        /// The client may not be used.
        Unauthorized = "Unauthorized",
        /// A user asked for it.
        Requested = "Requested",
        /// The client may be used.
        Authorized = "Authorized",
        /// It was withdrawn.
        Revoked = "Revoked",
    }
}

const SCOPES: &str = "/api/v2/oauth/scopes";
const AUTHORIZATIONS: &str = "/api/v2/oauth/authorizations";
