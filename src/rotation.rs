//! Rotates the secret of an OAuth client through every place that holds it.
//!
//! Genesys Cloud knows one secret of a client at a time: generating a new one makes the old one invalid,
//! and the new one is shown once. [`PlatformClient::rotate_client_secret`] does the [steps](Step) in the
//! right order, keeps a journal so that an interrupted rotation can be resumed, and never drops a secret
//! that no vault holds.
//!
//! ```no_run
//! use genesys_cloud_auth::rotation::{RotatedCredential, Vault};
//!
//! # async fn read() -> Result<Option<genesys_cloud_auth::secrecy::SecretString>, Box<dyn std::error::Error + Send + Sync>> { Ok(None) }
//! # async fn write(_: genesys_cloud_auth::secrecy::SecretString) -> Result<(), Box<dyn std::error::Error + Send + Sync>> { Ok(()) }
//! # async fn example(api: genesys_cloud_auth::PlatformClient, client_id: &str, credential_id: &str, action_id: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let vault = Vault::new(|| read(), |secret| write(secret));
//! let rotation = api
//!     .rotate_client_secret(client_id, vault, "/var/lib/rotation/crm.json")
//!     .credential(RotatedCredential::oauth_client(credential_id, "CRM lookup", client_id))
//!     .execute(action_id, &serde_json::json!({ "email": "jo@example.com" }))?;
//! println!("{}", rotation.plan().await?);
//! let report = match rotation.resume().await? {
//!     Some(report) => report, // an earlier run was interrupted
//!     None => rotation.run().await?,
//! };
//! println!("execute the actions again after {:?}", report.recheck_at);
//! # Ok(())
//! # }
//! ```
//!
//! The guide [Rotating a secret](crate::guide::rotation) also shows a rotation without downtime.

mod credential;
mod interrupted;
mod journal;
mod proof;
mod report;
mod run;
mod step;
mod vault;

use std::{fmt, path::PathBuf};

use serde::Serialize;
use serde_json::Value;

use self::journal::Journal;
pub use self::{
    credential::RotatedCredential,
    interrupted::RotationInterrupted,
    report::{PlannedCredential, ReplacedCredential, RotationPlan, RotationReport},
    step::Step,
    vault::Vault,
};
use crate::{client::PlatformClient, error::Error};
use run::Settings;

impl PlatformClient {
    /// Returns a rotation of the secret of an OAuth client. Nothing happens before
    /// [`Rotation::run`] or [`Rotation::resume`].
    ///
    /// `journal` is the path of a file that exists while the rotation is under way. It never holds a
    /// secret. Use one path for each client.
    pub fn rotate_client_secret(
        &self,
        client_id: impl Into<String>,
        vault: Vault,
        journal: impl Into<PathBuf>,
    ) -> Rotation {
        Rotation(Settings {
            api: self.clone(),
            client_id: client_id.into(),
            vault,
            journal: Journal::at(journal.into()),
            credentials: Vec::new(),
            actions: Vec::new(),
        })
    }
}

/// A rotation of the secret of an OAuth client; made by
/// [`PlatformClient::rotate_client_secret`](crate::PlatformClient::rotate_client_secret). See the
/// [module](self).
#[derive(Clone)]
#[must_use = "`run` starts the rotation"]
pub struct Rotation(Settings);

impl Rotation {
    /// Adds an integration credential that holds the secret.
    pub fn credential(mut self, credential: RotatedCredential) -> Self {
        self.0.credentials.push(credential);
        self
    }

    /// Adds a data action that is executed at the end, with an input that has no effect.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for an input that is not JSON.
    pub fn execute<I: Serialize + ?Sized>(
        mut self,
        action_id: impl Into<String>,
        input: &I,
    ) -> Result<Self, Error> {
        let input: Value = serde_json::to_value(input).map_err(|_| {
            Error::configuration("the input of the data action cannot be serialised as JSON")
        })?;
        self.0.actions.push((action_id.into(), input));
        Ok(self)
    }

    /// Returns what the rotation would change, and changes nothing.
    ///
    /// Needs the permissions `oauth:client:view` and `integrations:integration:view`.
    ///
    /// # Errors
    /// Those of the requests, and what [`run`](Self::run) rejects before it changes anything.
    pub async fn plan(&self) -> Result<RotationPlan, Error> {
        self.0.plan().await
    }

    /// Rotates the secret. The old one is invalid from the first step on, so programs fail until they
    /// have the new one from the vault, and integrations until their credentials are replaced.
    ///
    /// Needs the permissions `oauth:client:view`, `oauth:client:edit`, for credentials
    /// `integrations:integration:view` and `integrations:integration:edit`, and for data actions
    /// `integrations:action:execute` or `bridge:actions:execute`.
    ///
    /// # Errors
    /// [`RotationInterrupted`] with the step and the cause. Before anything is changed: a client whose own
    /// token would do the work, a credential that does not exist or has no place for the secret, a
    /// rotation with this journal that has not ended, and a missing permission to view.
    pub async fn run(&self) -> Result<RotationReport, RotationInterrupted> {
        self.0.run().await
    }

    /// Continues a rotation that was interrupted. Returns `None` where the journal names none, because it
    /// never began or has ended.
    ///
    /// Where the vault holds a secret that the token endpoint accepts, the rotation continues with it;
    /// otherwise a new one is generated. Every credential is replaced again, and every action executed.
    ///
    /// Needs the permissions of [`run`](Self::run).
    ///
    /// # Errors
    /// Those of [`run`](Self::run).
    pub async fn resume(&self) -> Result<Option<RotationReport>, RotationInterrupted> {
        self.0.resume().await
    }

    /// Executes the data actions. After [`RotationReport::recheck_at`] this proves the credentials, because
    /// no token from before is valid.
    ///
    /// Needs the permission `integrations:action:execute` or `bridge:actions:execute`.
    ///
    /// # Errors
    /// That of the first action that fails.
    pub async fn recheck(&self) -> Result<(), Error> {
        let mut executed = Vec::new();
        self.0.execute(&mut executed).await
    }
}

/// Shows no input of a data action.
impl fmt::Debug for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions: Vec<_> = self.0.actions.iter().map(|(id, _)| id).collect();
        f.debug_struct("Rotation")
            .field("client_id", &self.0.client_id)
            .field("journal", &self.0.journal)
            .field("credentials", &self.0.credentials)
            .field("actions", &actions)
            .finish_non_exhaustive()
    }
}
