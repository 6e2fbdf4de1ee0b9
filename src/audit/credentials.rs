//! Finds out which credentials integrations use.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;

use super::{
    problem::Problem,
    report::{Obstacle, Outcome},
};
use crate::{
    admin::{Integration, Integrations},
    error::{Error, sanitize},
};

/// The credentials of integrations.
pub(super) struct Credentials {
    /// By id.
    pub(super) names: BTreeMap<String, String>,
    /// The ids of those that no integration uses, of the integrations whose configuration was read.
    unused: BTreeSet<String>,
    /// Why not every configuration was read.
    obstacle: Option<Obstacle>,
}

impl Credentials {
    /// Fetches the credentials, and the configuration of one integration after the other until each
    /// credential is found to be used. A filter for a credential would cost a request for each, and
    /// some servers ignore it.
    pub(super) async fn fetch(integrations: &Integrations) -> Result<Self, Obstacle> {
        let failed = |error: Error| Obstacle::from(&error);
        let all = integrations.list_credentials().await.map_err(failed)?;
        let names = all.into_iter().map(|one| (one.id, one.name));
        let names: BTreeMap<_, _> = names.collect();
        let mut credentials = Self {
            unused: names.keys().cloned().collect(),
            names,
            obstacle: None,
        };
        if credentials.unused.is_empty() {
            return Ok(credentials);
        }
        for integration in integrations.list().await.map_err(failed)? {
            match integrations.configuration(&integration.id).await {
                Ok(configuration) => {
                    for id in configuration.credentials.values() {
                        credentials.unused.remove(id);
                    }
                }
                // It was deleted in the meantime.
                Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
                // No credential counts as unused then, so the others need not be read.
                Err(error) => {
                    credentials.obstacle = Some(unread(&integration, &error));
                    break;
                }
            }
            if credentials.unused.is_empty() {
                break;
            }
        }
        Ok(credentials)
    }

    pub(super) fn outcome(&self, id: &str) -> Outcome {
        match &self.obstacle {
            _ if !self.unused.contains(id) => Outcome::Passed,
            Some(obstacle) => Outcome::NotChecked(obstacle.clone()),
            None => Outcome::Found(Problem::UnusedCredential),
        }
    }
}

fn unread(integration: &Integration, error: &Error) -> Obstacle {
    let mut obstacle = Obstacle::from(error);
    let (name, id) = (&integration.name, &integration.id);
    let (name, id) = (sanitize(name, &[]), sanitize(id, &[]));
    let reason = &obstacle.reason;
    obstacle.reason = format!("the configuration of the integration {name} ({id}): {reason}");
    obstacle
}
