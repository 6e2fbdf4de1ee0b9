//! Does the steps.

use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{
    credential::RotatedCredential,
    interrupted::RotationInterrupted,
    journal::{Entry, Journal},
    proof::{is_accepted, prove},
    report::{PlannedCredential, ReplacedCredential, RotationPlan, RotationReport},
    step::Step,
    vault::Vault,
};
use crate::{
    admin::{Credential, OAuthClient},
    client::PlatformClient,
    error::{Error, sanitize},
    provider::TokenInfo,
};

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) api: PlatformClient,
    pub(super) client_id: String,
    pub(super) vault: Vault,
    pub(super) journal: Journal,
    pub(super) credentials: Vec<RotatedCredential>,
    pub(super) actions: Vec<(String, Value)>,
}

/// A rotation under way.
struct Run<'a> {
    settings: &'a Settings,
    client: OAuthClient,
    /// The credentials as they are before the rotation.
    before: Vec<Credential>,
    report: RotationReport,
}

impl Settings {
    pub(super) async fn plan(&self) -> Result<RotationPlan, Error> {
        let run = self.prepare().await?;
        let integrations = self.api.integrations();
        let mut credentials = Vec::new();
        for (credential, today) in self.credentials.iter().zip(run.before) {
            let using = integrations.using_credential(&credential.id).await?;
            let using = using.iter().map(|one| sanitize(&one.name, &[]));
            credentials.push(PlannedCredential {
                id: sanitize(&today.id, &[]),
                name: sanitize(&today.name, &[]),
                secret_fields: credential.secret_fields.clone(),
                integrations: using.collect(),
            });
        }
        Ok(RotationPlan {
            client_id: self.client_id.clone(),
            client_name: sanitize(&run.client.name, &[]),
            credentials,
            actions: self.actions.iter().map(|(id, _)| id.clone()).collect(),
        })
    }

    pub(super) async fn run(&self) -> Result<RotationReport, RotationInterrupted> {
        let begin = async {
            if self.journal.read()?.is_some() {
                return Err(Error::configuration(
                    "a rotation with this journal has not ended; `resume` continues it",
                ));
            }
            self.prepare().await
        };
        match begin.await {
            Ok(run) => run.regenerate().await,
            Err(error) => Err(self.not_begun(error)),
        }
    }

    pub(super) async fn resume(&self) -> Result<Option<RotationReport>, RotationInterrupted> {
        let entry = match self.journal.read() {
            Ok(None) => return Ok(None),
            Ok(Some(entry)) if entry.client_id == self.client_id => Ok(entry),
            Ok(Some(_)) => Err(Error::configuration(
                "the journal is that of a rotation of another OAuth client",
            )),
            Err(error) => Err(error),
        };
        let found = async {
            let entry = entry?;
            let mut run = self.prepare().await?;
            // Until the step after it, the old secret may still be the valid one.
            if entry.step == Step::Regenerate {
                return Ok((run, None));
            }
            run.report.secret_date = entry.secret_date;
            let stored = self.vault.load().await?;
            if let Some(secret) = stored
                && is_accepted(&self.api, &self.client_id, &secret).await?
            {
                return Ok((run, Some(secret)));
            }
            Ok((run, None))
        };
        let report = match found.await {
            Ok((run, Some(secret))) => run.with_stored(secret).await?,
            Ok((run, None)) => run.regenerate().await?,
            Err(error) => return Err(self.not_begun(error)),
        };
        Ok(Some(report))
    }

    fn not_begun(&self, error: Error) -> RotationInterrupted {
        let report = self.report();
        RotationInterrupted::new(&self.client_id, Step::Regenerate, error, None, report)
    }

    fn report(&self) -> RotationReport {
        RotationReport {
            client_id: self.client_id.clone(),
            ..RotationReport::default()
        }
    }

    /// Checks everything that can be checked before something is changed.
    async fn prepare(&self) -> Result<Run<'_>, Error> {
        let own: TokenInfo = self.api.get("/api/v2/tokens/me").fetch().await?;
        if own.oauth_client.and_then(|own| own.id).as_ref() == Some(&self.client_id) {
            return Err(Error::configuration(
                "the token that does the work belongs to the OAuth client whose secret is rotated, so \
                 the rotation could lock itself out; use another client",
            ));
        }
        for credential in &self.credentials {
            if credential.secret_fields.is_empty() {
                return Err(Error::configuration(
                    "a credential has no place for the secret; name it with `secret_field`",
                ));
            }
            credential.with_secret(&SecretString::from("x")).check()?;
        }
        let client = self.api.oauth_clients().get(&self.client_id).await?;
        let before = self.credentials().await?;
        Ok(Run {
            settings: self,
            client,
            before,
            report: self.report(),
        })
    }

    /// Returns the credentials as they are. Only their listing has the dates of their last changes.
    async fn credentials(&self) -> Result<Vec<Credential>, Error> {
        if self.credentials.is_empty() {
            return Ok(Vec::new());
        }
        let listed = self.api.integrations().list_credentials().await?;
        let credentials = self.credentials.iter().map(|wanted| {
            let found = listed.iter().find(|one| one.id == wanted.id).cloned();
            found.ok_or_else(|| {
                let id = sanitize(&wanted.id, &[]);
                Error::configuration(format!(
                    "the integration credential {id} does not exist; see `integrations()\
                     .list_credentials()`"
                ))
            })
        });
        credentials.collect()
    }

    /// Executes the data actions in their order, and notes those that succeeded.
    pub(super) async fn execute(&self, executed: &mut Vec<String>) -> Result<(), Error> {
        for (id, input) in &self.actions {
            let actions = self.api.data_actions();
            let IgnoredAny = actions.execute(id, input).await?;
            executed.push(id.clone());
        }
        Ok(())
    }
}

impl Run<'_> {
    async fn regenerate(mut self) -> Result<RotationReport, RotationInterrupted> {
        let settings = self.settings;
        self.report.secret_date = None;
        let regenerated = async {
            self.begin(Step::Regenerate)?;
            let clients = settings.api.oauth_clients();
            clients.regenerate_secret(&settings.client_id).await
        };
        let secret = match regenerated.await {
            Ok(new) => new.secret,
            Err(error) => return Err(self.interrupted(Step::Regenerate, error, None)),
        };
        self.report.secret_date = Some(settings.api.tokens().clock().wall());
        let stored = async {
            self.begin(Step::Store)?;
            settings.vault.store(secret.clone()).await
        };
        if let Err(error) = stored.await {
            return Err(self.interrupted(Step::Store, error, Some(secret)));
        }
        self.with_stored(secret).await
    }

    /// The vault holds the secret.
    async fn with_stored(
        mut self,
        secret: SecretString,
    ) -> Result<RotationReport, RotationInterrupted> {
        self.report.is_stored = true;
        let now = self.settings.api.tokens().clock().wall();
        let duration = self.client.token_duration;
        self.report.recheck_at = duration.and_then(|duration| now.checked_add(duration));
        for step in [
            Step::ReplaceCredentials,
            Step::ProveToken,
            Step::ExecuteActions,
        ] {
            if let Err(error) = self.take(step, &secret).await {
                return Err(self.interrupted(step, error, None));
            }
        }
        match self.settings.journal.remove() {
            Ok(()) => Ok(self.report),
            Err(error) => Err(self.interrupted(Step::ExecuteActions, error, None)),
        }
    }

    async fn take(&mut self, step: Step, secret: &SecretString) -> Result<(), Error> {
        self.begin(step)?;
        let settings = self.settings;
        match step {
            Step::ProveToken => {
                prove(&settings.api, &settings.client_id, secret).await?;
                self.report.is_secret_proven = true;
            }
            Step::ExecuteActions => settings.execute(&mut self.report.executed).await?,
            _ => self.replace_credentials(secret).await?,
        }
        Ok(())
    }

    async fn replace_credentials(&mut self, secret: &SecretString) -> Result<(), Error> {
        let integrations = self.settings.api.integrations();
        for (credential, before) in self.settings.credentials.iter().zip(&self.before) {
            let new = credential.with_secret(secret);
            let replaced = integrations
                .replace_credential(&credential.id, &new)
                .await?;
            self.report.credentials.push(ReplacedCredential {
                id: credential.id.clone(),
                is_date_later: before.modified_date.is_some()
                    && replaced.modified_date > before.modified_date,
            });
        }
        Ok(())
    }

    fn begin(&self, step: Step) -> Result<(), Error> {
        self.settings.journal.write(&Entry {
            client_id: self.settings.client_id.clone(),
            step,
            secret_date: self.report.secret_date,
        })
    }

    fn interrupted(
        self,
        step: Step,
        error: Error,
        secret: Option<SecretString>,
    ) -> RotationInterrupted {
        let id = &self.settings.client_id;
        RotationInterrupted::new(id, step, error, secret, self.report)
    }
}
