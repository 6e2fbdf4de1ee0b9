//! An OAuth client to be created.

use std::{fmt, marker::PhantomData, time::Duration};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    checks::{
        NO_ROLE, check_duration, check_name, check_redirect_uris, check_roles, check_scopes,
        invalid,
    },
    model::{GrantType, RoleDivision, is_known_field},
};
use crate::{
    admin::fields::OtherFields, error::Error, platform_limits::RECOMMENDED_TOKEN_DURATION,
};

/// An OAuth client to be created by [`OAuthClients::create`](super::OAuthClients::create).
///
/// ```
/// use genesys_cloud_auth::admin::NewOAuthClient;
///
/// # fn example() -> Result<(), genesys_cloud_auth::Error> {
/// let job = NewOAuthClient::client_credentials("CRM sync")
///     .description("Copies contacts to the CRM every hour. Owner: crm-team@example.com")
///     .role("5c0b7c2e-6f0e-4f4b-9d0a-2f6a3c1d8e90", "*");
/// let tool = NewOAuthClient::authorization_code("Wallboard", ["http://localhost"], ["users:readonly"]);
/// job.check()?;
/// tool.check()?;
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
///
/// Only a client with client credentials has roles, so the others have no method `role`:
///
/// ```compile_fail,E0599
/// # use genesys_cloud_auth::admin::NewOAuthClient;
/// NewOAuthClient::authorization_code("Wallboard", ["http://localhost"], ["users"]).role("a", "*");
/// ```
///
/// There is no constructor for the implicit grant: since May 2026
/// ([`IMPLICIT_GRANT_CLOSED_SINCE`](crate::limits::IMPLICIT_GRANT_CLOSED_SINCE)) no client is created
/// with it, and existing ones work until May 2027
/// ([`IMPLICIT_GRANT_ENDS`](crate::limits::IMPLICIT_GRANT_ENDS)). The guide [From the implicit grant to
/// PKCE](crate::guide::implicit_grant) shows what to use.
///
/// Source: Genesys Cloud Resource Center, "Create an OAuth client".
#[must_use = "nothing is created before `OAuthClients::create`"]
pub struct NewOAuthClient<G> {
    name: String,
    description: Option<String>,
    grant_type: GrantType,
    token_duration: Duration,
    is_scim: bool,
    roles: Vec<RoleDivision>,
    redirect_uris: Vec<String>,
    scopes: Vec<String>,
    other: OtherFields,
    /// What is wrong with a value given to `field`.
    invalid: Option<Error>,
    grant: PhantomData<fn() -> G>,
}

/// Marks a [`NewOAuthClient`] with roles: one with client credentials.
#[derive(Debug)]
pub enum WithRoles {}

/// Marks a [`NewOAuthClient`] with redirect URIs and scopes: one with which users log in.
#[derive(Debug)]
pub enum WithRedirectUris {}

impl NewOAuthClient<WithRoles> {
    /// A client for a server, a job or a data action. It needs at least one [role](Self::role).
    pub fn client_credentials(name: impl Into<String>) -> Self {
        Self::new(name.into(), GrantType::ClientCredentials)
    }

    /// Adds a role in a division; `*` stands for all divisions. The caller must have the role, too.
    /// Choose roles that allow nothing that the client does not do.
    pub fn role(mut self, role_id: impl Into<String>, division_id: impl Into<String>) -> Self {
        self.roles.push(RoleDivision::new(role_id, division_id));
        self
    }
}

impl NewOAuthClient<WithRedirectUris> {
    /// A client with which users log in, with or without PKCE.
    ///
    /// It needs from 1 to 125 redirect URIs, each `https`, or `http` on `localhost`, `127.0.0.1` or
    /// `[::1]`; on these a URI without a port matches every port. It also needs at least one scope,
    /// such as `users:readonly`: a login cannot request more.
    pub fn authorization_code<U: Into<String>, S: Into<String>>(
        name: impl Into<String>,
        redirect_uris: impl IntoIterator<Item = U>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            redirect_uris: redirect_uris.into_iter().map(Into::into).collect(),
            scopes: scopes.into_iter().map(Into::into).collect(),
            ..Self::new(name.into(), GrantType::AuthorizationCode)
        }
    }

    /// A client that exchanges SAML assertions of an organisation with single sign-on. Redirect URIs
    /// and scopes are those of [`authorization_code`](Self::authorization_code).
    pub fn saml2_bearer<U: Into<String>, S: Into<String>>(
        name: impl Into<String>,
        redirect_uris: impl IntoIterator<Item = U>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            grant_type: GrantType::Saml2Bearer,
            ..Self::authorization_code(name, redirect_uris, scopes)
        }
    }
}

impl<G> NewOAuthClient<G> {
    fn new(name: String, grant_type: GrantType) -> Self {
        Self {
            name,
            description: None,
            grant_type,
            token_duration: RECOMMENDED_TOKEN_DURATION,
            is_scim: false,
            roles: Vec::new(),
            redirect_uris: Vec::new(),
            scopes: Vec::new(),
            other: OtherFields::default(),
            invalid: None,
            grant: PhantomData,
        }
    }

    /// Sets what the client is for, and which person is responsible. Genesys recommends it.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the lifetime of access tokens in whole seconds, within
    /// [`TOKEN_DURATION`](crate::limits::TOKEN_DURATION). The default is
    /// [`RECOMMENDED_TOKEN_DURATION`](crate::limits::RECOMMENDED_TOKEN_DURATION).
    pub fn token_duration(mut self, duration: Duration) -> Self {
        self.token_duration = duration;
        self
    }

    /// Allows a token duration of up to
    /// [`MAX_SCIM_TOKEN_DURATION`](crate::limits::MAX_SCIM_TOKEN_DURATION), which Genesys Cloud accepts
    /// for SCIM integrations only.
    pub fn scim(mut self) -> Self {
        self.is_scim = true;
        self
    }

    /// Sets a field that this crate does not know to a value that `serde` serialises as JSON. Genesys
    /// has announced that clients with client credentials must have their allowed IP addresses in one.
    pub fn field<T: Serialize + ?Sized>(mut self, name: impl Into<String>, value: &T) -> Self {
        let name = name.into();
        let result = if name.is_empty() || is_known_field(&name) {
            let name = name.escape_debug();
            invalid(format!(
                "`field` cannot set “{name}”; use the method for it"
            ))
        } else {
            self.other.set(name, value)
        };
        if let Err(error) = result {
            self.invalid = Some(error);
        }
        self
    }

    /// Checks all fields. [`create`](super::OAuthClients::create) does so before it sends anything.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a name that is empty or
    /// contains a control character; a token duration outside its range; no role, or no redirect URI
    /// or scope, where the grant type needs one; more than 125 redirect URIs or a malformed one; a
    /// malformed id or scope; an invalid [field](Self::field).
    pub fn check(&self) -> Result<(), Error> {
        if let Some(error) = &self.invalid {
            return Err(error.clone());
        }
        check_name(&self.name)?;
        check_duration(self.token_duration, self.is_scim)?;
        if self.grant_type != GrantType::ClientCredentials {
            check_redirect_uris(&self.redirect_uris)?;
            return check_scopes(&self.scopes);
        }
        if self.roles.is_empty() {
            return invalid(NO_ROLE);
        }
        check_roles(&self.roles)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the body of the request, an `OAuthClientRequest`.
    pub(super) fn body(&self) -> Map<String, Value> {
        let mut body = self.other.as_map().clone();
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("name", json!(self.name));
        if let Some(description) = &self.description {
            set("description", json!(description));
        }
        set("authorizedGrantType", json!(self.grant_type));
        set(
            "accessTokenValiditySeconds",
            json!(self.token_duration.as_secs()),
        );
        if self.grant_type == GrantType::ClientCredentials {
            set("roleDivisions", json!(self.roles));
        } else {
            set("registeredRedirectUri", json!(self.redirect_uris));
            set("scope", json!(self.scopes));
        }
        body
    }
}

impl<G> Clone for NewOAuthClient<G> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            description: self.description.clone(),
            grant_type: self.grant_type.clone(),
            roles: self.roles.clone(),
            redirect_uris: self.redirect_uris.clone(),
            scopes: self.scopes.clone(),
            other: self.other.clone(),
            invalid: self.invalid.clone(),
            ..*self
        }
    }
}

impl<G> fmt::Debug for NewOAuthClient<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOAuthClient")
            .field("name", &self.name)
            .field("description", &self.description)
            .field("grant_type", &self.grant_type)
            .field("token_duration", &self.token_duration)
            .field("roles", &self.roles)
            .field("redirect_uris", &self.redirect_uris)
            .field("scopes", &self.scopes)
            .field("other", &self.other)
            .finish_non_exhaustive()
    }
}
