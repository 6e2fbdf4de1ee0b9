//! What a rotation would do, and what it did.

use std::{fmt, time::SystemTime};

use serde::Serialize;

use crate::rfc3339::write_date_time;

/// What a rotation would change; made by [`Rotation::plan`](super::Rotation::plan), which changes
/// nothing. Its `Display` is a list for people.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RotationPlan {
    /// The id of the client.
    pub client_id: String,
    /// Its name.
    pub client_name: String,
    /// The credentials that would be replaced.
    pub credentials: Vec<PlannedCredential>,
    /// The ids of the data actions that would be executed.
    pub actions: Vec<String>,
}

/// A credential that would be replaced.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PlannedCredential {
    /// Its id.
    pub id: String,
    /// Its name today. The rotation gives it the name of the
    /// [`RotatedCredential`](super::RotatedCredential).
    pub name: String,
    /// The fields that get the new secret.
    pub secret_fields: Vec<String>,
    /// The names of the integrations that use it.
    pub integrations: Vec<String>,
}

impl fmt::Display for RotationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, id) = (&self.client_name, &self.client_id);
        write!(
            f,
            "generates a new secret of {name} ({id}), and stores it in the vault"
        )?;
        for credential in &self.credentials {
            let integrations = match credential.integrations.join(", ") {
                none if none.is_empty() => "no integration".to_owned(),
                names => names,
            };
            let fields = credential.secret_fields.join(", ");
            let (name, id) = (&credential.name, &credential.id);
            write!(
                f,
                "\nreplaces the credential {name} ({id}), its secret in {fields}, used by {integrations}"
            )?;
        }
        f.write_str("\nrequests a token")?;
        for action in &self.actions {
            write!(f, "\nexecutes the data action {action}")?;
        }
        Ok(())
    }
}

/// What a rotation did, and what is proven.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct RotationReport {
    /// The id of the client.
    pub client_id: String,
    /// When the new secret was generated, by this machine's clock: what
    /// [`Audit::secret_date`](crate::audit::Audit::secret_date) needs, since the API never returns it. `None`
    /// where no secret was generated.
    #[serde(serialize_with = "write_date_time")]
    pub secret_date: Option<SystemTime>,
    /// Whether the vault said that it stored the secret, or returned it.
    pub is_stored: bool,
    /// The credentials that were replaced.
    pub credentials: Vec<ReplacedCredential>,
    /// Whether the token endpoint accepted the new secret.
    pub is_secret_proven: bool,
    /// The ids of the data actions that were executed with success. An integration may have used a token
    /// that it got with the old secret, so this does not prove its credential yet.
    pub executed: Vec<String>,
    /// When all tokens that were issued with the old secret have ended. Actions that
    /// [`recheck`](super::Rotation::recheck) executes later prove the credentials. `None` where the
    /// client's token duration is not known.
    #[serde(serialize_with = "write_date_time")]
    pub recheck_at: Option<SystemTime>,
}

/// A credential that was replaced.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ReplacedCredential {
    /// Its id.
    pub id: String,
    /// Whether Genesys Cloud showed a later date of its last change than before.
    pub is_date_later: bool,
}
