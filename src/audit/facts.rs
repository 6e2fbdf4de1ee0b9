//! Fetches what the checks need besides the clients.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Deserialize;

use super::{credentials::Credentials, problem::AuditedRole, report::Obstacle};
use crate::{
    admin::{OAuthClient, OAuthClients, UsageQuery},
    client::PlatformClient,
    error::{Error, ErrorKind, sanitize},
};

/// What is known about the organisation. What could not be fetched says why.
pub(super) struct Facts {
    pub(super) usage: Result<Used, Obstacle>,
    /// By id. Where no role may be read, the reason.
    pub(super) roles: Result<BTreeMap<String, Result<AuditedRole, Obstacle>>, Obstacle>,
    pub(super) credentials: Result<Credentials, Obstacle>,
    pub(super) idle_timeout: Result<IdleTimeout, Obstacle>,
}

/// The clients that made a call.
pub(super) struct Used {
    pub(super) clients: BTreeSet<String>,
    /// Whether Genesys Cloud returned the calls of all clients.
    pub(super) is_complete: bool,
}

/// The schema `IdleTokenTimeout`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IdleTimeout {
    #[serde(rename = "enableIdleTokenTimeout")]
    pub(super) is_enabled: Option<bool>,
    #[serde(rename = "idleTokenTimeoutSeconds")]
    pub(super) seconds: Option<u64>,
}

impl Facts {
    pub(super) async fn fetch(
        api: &PlatformClient,
        clients: &[OAuthClient],
        query: &UsageQuery,
        wait: Option<Duration>,
    ) -> Self {
        let mut handle = api.oauth_clients();
        if let Some(wait) = wait {
            handle = handle.wait(wait);
        }
        let idle_timeout: Result<IdleTimeout, Error> = api.get(IDLE_TIMEOUT).fetch().await;
        Self {
            usage: fetch_usage(&handle, query).await,
            roles: fetch_roles(api, clients).await,
            credentials: Credentials::fetch(&api.integrations()).await,
            idle_timeout: idle_timeout.map_err(|error| Obstacle::from(&error)),
        }
    }
}

async fn fetch_usage(clients: &OAuthClients, query: &UsageQuery) -> Result<Used, Obstacle> {
    let usage = clients.organization_usage(query).await;
    let usage = usage.map_err(|error| Obstacle::from(&error))?;
    let rows = usage.rows.into_iter().filter(|row| row.requests > 0);
    Ok(Used {
        clients: rows.filter_map(|row| row.client_id).collect(),
        is_complete: !usage.has_more,
    })
}

/// Fetches each role of the clients once. Without the permission only the first is asked for.
async fn fetch_roles(
    api: &PlatformClient,
    clients: &[OAuthClient],
) -> Result<BTreeMap<String, Result<AuditedRole, Obstacle>>, Obstacle> {
    let ids: BTreeSet<&str> = clients.iter().flat_map(role_ids).collect();
    let mut roles = BTreeMap::new();
    for id in ids {
        let role = match api.get(ROLES).segment(id).fetch::<Role>().await {
            Ok(role) => role.audited(id),
            Err(error) if matches!(error.kind(), ErrorKind::AccessDenied(_)) => {
                return Err(Obstacle::from(&error));
            }
            Err(error) => Err(Obstacle::from(&error)),
        };
        roles.insert(id.to_owned(), role);
    }
    Ok(roles)
}

/// The ids of a client's roles, those without a division as well.
pub(super) fn role_ids(client: &OAuthClient) -> impl Iterator<Item = &str> {
    let with_divisions = client.roles.iter().map(|role| role.role_id.as_str());
    with_divisions.chain(client.role_ids.iter().map(String::as_str))
}

impl From<&Error> for Obstacle {
    fn from(error: &Error) -> Self {
        let mut obstacle = Self::new(error.to_string(), "remove the cause and audit again");
        if let ErrorKind::AccessDenied(denied) = error.kind()
            && !denied.permissions.is_empty()
        {
            let any = if denied.is_any_of() { "one of " } else { "" };
            let permissions = denied.permissions.join(", ");
            obstacle.reason = format!("the auditing client lacks {any}{permissions}");
            let cure = "give the client that audits a role with this permission, and audit again";
            cure.clone_into(&mut obstacle.cure);
            obstacle.missing_permissions.clone_from(&denied.permissions);
        }
        obstacle
    }
}

/// The schema `DomainOrganizationRole`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    name: Option<String>,
    permissions: Option<Vec<String>>,
    permission_policies: Option<Vec<Policy>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    domain: Option<String>,
    entity_name: Option<String>,
    action_set: Option<Vec<String>>,
}

impl Role {
    /// Keeps the permissions to administer.
    fn audited(self, id: &str) -> Result<AuditedRole, Obstacle> {
        if self.permissions.is_none() && self.permission_policies.is_none() {
            return Err(Obstacle::new(
                format!(
                    "the role {} came without its permissions",
                    sanitize(id, &[])
                ),
                "look at the role in Admin → People & Permissions → Roles / Permissions",
            ));
        }
        let mut permissions = BTreeSet::new();
        for permission in self.permissions.into_iter().flatten() {
            let mut parts = permission.splitn(3, ':');
            let mut part = || parts.next().unwrap_or("*").to_owned();
            // A permission of the older kind has one part, which is its name.
            if permission == "*" || permission.contains(':') {
                permissions.extend(administrative(&part(), &part(), &part()));
            }
        }
        for policy in self.permission_policies.into_iter().flatten() {
            let domain = policy.domain.unwrap_or_default();
            let entity = policy.entity_name.unwrap_or_default();
            for action in policy.action_set.into_iter().flatten() {
                permissions.extend(administrative(&domain, &entity, &action));
            }
        }
        Ok(AuditedRole {
            id: sanitize(id, &[]),
            name: self.name.map(|name| sanitize(&name, &[])),
            permissions: permissions.into_iter().collect(),
        })
    }
}

/// Returns the permission if it allows changes to OAuth clients, roles or the organisation.
fn administrative(domain: &str, entity: &str, action: &str) -> Option<String> {
    let is = |text: &str, name: &str| text == "*" || text.eq_ignore_ascii_case(name);
    let changes_access = is(domain, "oauth") || is(domain, "authorization");
    let changes_access = changes_access && !action.eq_ignore_ascii_case("view");
    let is_admin = is(domain, "directory") && is(entity, "organization") && is(action, "admin");
    let permission = format!("{domain}:{entity}:{action}");
    (changes_access || is_admin).then(|| sanitize(&permission, &[]))
}

const ROLES: &str = "/api/v2/authorization/roles";
const IDLE_TIMEOUT: &str = "/api/v2/tokens/timeout";
