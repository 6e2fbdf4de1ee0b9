//! Credentials of integrations, and their types.

use std::time::SystemTime;

use http::Method;
use serde::{Deserialize, Deserializer};

use super::{
    Integrations,
    new_credential::{CredentialKind, NewCredential},
};
use crate::{
    admin::{
        fields::{OtherFields, null_as_default},
        json_document::JsonDocument,
        send::fetch_pages,
    },
    client::Request,
    error::{Error, sanitize},
    rfc3339::date_time,
};

impl Integrations {
    /// Returns the types that credentials can have.
    ///
    /// Needs the permission `integrations:integration:view`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn credential_types(&self) -> Result<Vec<CredentialType>, Error> {
        self.api.get(CREDENTIALS).segment("types").fetch().await
    }

    /// Returns all credentials, without their values.
    ///
    /// Needs the permission `integrations:integration:view`.
    ///
    /// # Errors
    /// Those of [`Request::pages`](crate::client::Request::pages).
    pub async fn list_credentials(&self) -> Result<Vec<Credential>, Error> {
        let request = self.api.get(CREDENTIALS).segment("listing");
        let request = request.query(&[("pageSize", 200)]);
        fetch_pages(request, |credential: &Credential| &credential.id).await
    }

    /// Returns a credential, without its values.
    ///
    /// Needs the permission `integrations:integration:view`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn get_credential(&self, id: &str) -> Result<Credential, Error> {
        self.credential(id, Method::GET).fetch().await
    }

    /// Creates a credential. The request is sent once.
    ///
    /// Needs the permission `integrations:integration:add`.
    ///
    /// # Errors
    /// Those of [`NewCredential::check`], before anything is sent, and those of
    /// [`Request::fetch`](crate::client::Request::fetch). Where the response is lost,
    /// [`Error::is_outcome_unknown`] is `true`: look for a credential with the name.
    pub async fn create_credential(&self, new: &NewCredential) -> Result<Credential, Error> {
        new.check()?;
        let request = new.put_into(self.api.post(CREDENTIALS));
        let (credential, _) = request.fetch_once(|| {
            format!(
                "it is not known whether the credential was created: look for the name “{}” with \
                 `integrations().list_credentials()` before you try again",
                sanitize(new.name(), &[])
            )
        })
        .await?;
        Ok(credential)
    }

    /// Replaces a credential: its name, and **all** its values, because Genesys Cloud returns none that
    /// could be kept. Integrations that use it, and their data actions, use the new values; how soon is
    /// not documented.
    ///
    /// Needs the permission `integrations:integration:edit`.
    ///
    /// # Errors
    /// Those of [`NewCredential::check`], before anything is sent, and those of
    /// [`Request::fetch`](crate::client::Request::fetch).
    pub async fn replace_credential(
        &self,
        id: &str,
        new: &NewCredential,
    ) -> Result<Credential, Error> {
        new.check()?;
        new.put_into(self.credential(id, Method::PUT)).fetch().await
    }

    /// Deletes a credential. Find out first which integrations [use](Self::using_credential) it.
    ///
    /// Needs the permission `integrations:integration:delete`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn delete_credential(&self, id: &str) -> Result<(), Error> {
        self.credential(id, Method::DELETE).delete_object().await?;
        Ok(())
    }

    fn credential(&self, id: &str, method: Method) -> Request {
        self.api.request(method, CREDENTIALS).segment(id)
    }
}

/// A credential of integrations. It has no values: whether Genesys Cloud returns them is not
/// documented, and they are secrets.
///
/// ```compile_fail,E0609
/// fn secret(credential: genesys_cloud_auth::admin::Credential) {
///     credential.credential_fields;
/// }
/// ```
///
/// Source: Genesys Cloud Platform API, the schemas `Credential` and `CredentialInfo`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Credential {
    /// Its id.
    pub id: String,
    /// Its name. One that was made in the admin pages is called `Integration-` and the id of its
    /// integration.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Its type.
    #[serde(default, rename = "type", deserialize_with = "kind")]
    pub kind: CredentialKind,
    /// When it was created.
    #[serde(default, deserialize_with = "date_time")]
    pub created_date: Option<SystemTime>,
    /// When it was changed.
    #[serde(default, deserialize_with = "date_time")]
    pub modified_date: Option<SystemTime>,
    /// Its path at the API.
    pub self_uri: Option<String>,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A type of credentials.
///
/// Source: Genesys Cloud Platform API, the schema `CredentialType`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CredentialType {
    /// Its id.
    #[serde(default, deserialize_with = "null_as_default")]
    pub id: String,
    /// Its name, which a [`NewCredential`] has.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// The schema of its fields.
    #[serde(default, deserialize_with = "null_as_default")]
    pub properties: JsonDocument,
    /// The names of its fields, in the order of the admin pages.
    #[serde(default, deserialize_with = "null_as_default")]
    pub display_order: Vec<String>,
    /// The names of the fields that must be there.
    #[serde(default, deserialize_with = "null_as_default")]
    pub required: Vec<String>,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CredentialKind, D::Error> {
    #[derive(Default, Deserialize)]
    struct Type {
        #[serde(default)]
        name: CredentialKind,
    }
    Ok(Option::<Type>::deserialize(deserializer)?
        .unwrap_or_default()
        .name)
}

const CREDENTIALS: &str = "/api/v2/integrations/credentials";
