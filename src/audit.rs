//! Checks an organisation's OAuth clients, and the credentials that integrations made from them, against
//! good practice.
//!
//! [`PlatformClient::audit`] reads and changes nothing. A check that could not be made is
//! [`NotChecked`] with the reason and never counts as passed.
//!
//! ```no_run
//! use genesys_cloud_auth::audit::Check;
//!
//! # async fn example(api: genesys_cloud_auth::PlatformClient) -> Result<(), Box<dyn std::error::Error>> {
//! let report = api.audit().unused_after(60).run().await?;
//! for finding in &report.findings {
//!     println!("{}: {finding}. {}", finding.subject, finding.cure());
//! }
//! assert!(!report.findings.iter().any(|one| one.check() == Check::ImplicitGrant));
//! std::fs::write("review.md", report.markdown())?;
//! # Ok(())
//! # }
//! ```
//!
//! The example `audit` does this for a sandbox on your machine, or for your organisation if the
//! variables `GENESYSCLOUD_*` are set. `--markdown` and `--json` print the same for a review and for
//! a program:
//!
//! ```text
//! $ cargo run --example audit
//! The clients of a sandbox on this machine, 100 days after most were created.
//! For your own organisation set GENESYSCLOUD_OAUTHCLIENT_ID,
//! GENESYSCLOUD_OAUTHCLIENT_SECRET and GENESYSCLOUD_REGION.
//!
//! OAuth clients: 4. Findings: 15. Not checked: 2.
//!
//! implicit grant
//!   subject           client Old wallboard (75de7bb7-06ca-42be-93e0-2af31937c653)
//!   finding           it has the implicit grant, whose published end is May 2027
//!                     (53 days left), or March 2027 (8 days ago) by Genesys staff;
//!                     the dates for new clients are May 2026 (312 days ago) and
//!                     March 2026 (373 days ago)
//!   cure              move its app to the authorization code with PKCE, and change
//!                     the grant type
//!
//! administrative roles
//!   subject           client Sandbox client (a0a2546b-71f3-442d-9086-f688ee0a8766)
//!   finding           its roles may administer: Sandbox (*:*:*)
//!   cure              give it a role with only the permissions for the calls that
//!                     it makes
//!
//! token duration
//!   subject           client Sandbox client (a0a2546b-71f3-442d-9086-f688ee0a8766)
//!   finding           its tokens are valid for 86400 s, and 64800 s are allowed
//!   cure              set a token duration of at most 64800 s
//!
//! use
//!   subject           client Nightly export (df03f3ee-45e0-4f09-ac56-f595220131e5)
//!   finding           it has made no call in 90 days
//!   cure              ask its owner; disable it, and delete it if nothing fails
//!
//! state
//!   subject           client Nightly export (df03f3ee-45e0-4f09-ac56-f595220131e5)
//!   finding           it is disabled and still exists
//!   cure              delete it, or enable it if it is still needed
//!
//! …
//!
//! credentials
//!   subject           credential Old CRM (8e318644-3a98-4ce9-aaca-ca1891b40d4c)
//!   finding           no integration uses it
//!   cure              ask its owner, and delete it with the secret that it holds
//!
//! …
//!
//! age of the secret, not checked
//!   subject           client CRM sync (9ba09573-2223-48da-988b-a6869da050d8)
//!   reason            its secret is 0 to 100 days old, and 90 are allowed; the API
//!                     does not tell
//!   cure              give the audit the date of the secret, or rotate the secret
//!
//! Passed
//!   implicit grant        3
//!   administrative roles  3
//!   all divisions         2
//!   redirect URIs         4
//!   token duration        2
//!   age of the secret     1
//!   use                   2
//!   state                 3
//!   description           1
//!   credentials           0
//!   idle timeout          0
//! ```

mod check;
mod checks;
mod credentials;
mod facts;
mod markdown;
mod policy;
mod problem;
mod report;
mod subject;

use std::time::{Duration, SystemTime};

pub use self::{
    check::Check,
    problem::{AuditedRole, Problem},
    report::{AuditReport, Finding, NotChecked},
    subject::Subject,
};
use self::{checks::Rules, facts::Facts, policy::Policy};
use crate::{admin::UsageQuery, client::PlatformClient, error::Error};

impl PlatformClient {
    /// Returns an audit of the organisation's OAuth clients and of the credentials of its integrations.
    /// [`Audit::run`] starts it.
    pub fn audit(&self) -> Audit {
        Audit {
            api: self.clone(),
            now: None,
            wait: None,
            policy: Policy::default(),
        }
    }
}

/// An audit of the organisation's OAuth clients and credentials; made by
/// [`PlatformClient::audit`](crate::PlatformClient::audit). See the [module](self).
///
/// Source: Genesys Cloud Resource Center, "Create an OAuth client".
#[derive(Clone, Debug)]
#[must_use = "`run` starts the audit"]
pub struct Audit {
    api: PlatformClient,
    now: Option<SystemTime>,
    wait: Option<Duration>,
    policy: Policy,
}

impl Audit {
    /// Sets the time from which ages and days count. By default it is the time of the provider's
    /// [clock](crate::Clock).
    pub fn at(mut self, now: SystemTime) -> Self {
        self.now = Some(now);
        self
    }

    /// Sets the longest token duration. The default is
    /// [`RECOMMENDED_TOKEN_DURATION`](crate::limits::RECOMMENDED_TOKEN_DURATION).
    pub fn max_token_duration(mut self, max: Duration) -> Self {
        self.policy.max_token_duration = max;
        self
    }

    /// Says that a client serves a SCIM integration, so that it may have tokens of up to
    /// [`MAX_SCIM_TOKEN_DURATION`](crate::limits::MAX_SCIM_TOKEN_DURATION). The API does not tell.
    pub fn scim_client(mut self, id: impl Into<String>) -> Self {
        self.policy.scim_clients.insert(id.into());
        self
    }

    /// Sets the greatest age of a secret. The default is 365 days, which is this library's choice.
    ///
    /// The API does not tell when a secret was generated. It is as old as the client at most, and as
    /// old as the client's last change at least, if a new secret counts as a change. Where these two
    /// do not decide, the check is [`NotChecked`], unless [`secret_date`](Self::secret_date) says when.
    pub fn max_secret_age(mut self, max: Duration) -> Self {
        self.policy.max_secret_age = max;
        self
    }

    /// Sets when the secret of a client was generated, as a vault or the
    /// [report](crate::rotation::RotationReport::secret_date) of its rotation has it.
    pub fn secret_date(mut self, client_id: impl Into<String>, date: SystemTime) -> Self {
        self.policy.secret_dates.insert(client_id.into(), date);
        self
    }

    /// Sets after how many days without a call a client counts as unused. The default is 90. A client
    /// that is younger than that never does.
    pub fn unused_after(mut self, days: u32) -> Self {
        self.policy.unused_after = days;
        self
    }

    /// Sets the longest idle timeout of the organisation, such as
    /// [`HIPAA_IDLE_TIMEOUT`](crate::limits::HIPAA_IDLE_TIMEOUT). By default any is accepted, but one
    /// that is off is a finding.
    pub fn max_idle_timeout(mut self, max: Duration) -> Self {
        self.policy.max_idle_timeout = Some(max);
        self
    }

    /// Sets how long the audit asks for the results of its one usage query. The default is that of
    /// [`OAuthClients::usage`](crate::admin::OAuthClients::usage).
    pub fn wait(mut self, limit: Duration) -> Self {
        self.wait = Some(limit);
        self
    }

    /// Checks all OAuth clients, the credentials of integrations, and the organisation. It sends one
    /// request for the clients, one usage query, one request for the idle timeout, and one for each role
    /// that a client has. For credentials it sends one request for 200 of them, one for 100 integrations,
    /// and one for each integration until every credential is found to be used.
    ///
    /// Needs the permission `oauth:client:view`, `authorization:role:view` to check roles, and
    /// `integrations:integration:view` to check credentials. Without the second or the third,
    /// [`Check::AdministrativeRoles`] or [`Check::Credentials`] is [`NotChecked`].
    ///
    /// # Errors
    /// Those of [`OAuthClients::list`](crate::admin::OAuthClients::list). Where another request fails,
    /// its check is [`NotChecked`]. [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if a
    /// client counts as unused after 0 days.
    pub async fn run(&self) -> Result<AuditReport, Error> {
        let api = &self.api;
        let now = self.now.unwrap_or_else(|| api.tokens().clock().wall());
        let interval = Duration::from_secs(u64::from(self.policy.unused_after) * 86_400);
        let start = now.checked_sub(interval);
        let query = UsageQuery::between(start.unwrap_or(SystemTime::UNIX_EPOCH), now)?;
        let clients = api.oauth_clients().list().await?;
        let facts = Facts::fetch(api, &clients, &query, self.wait).await;
        let rules = Rules {
            policy: &self.policy,
            facts: &facts,
            now,
        };
        Ok(rules.report(&clients))
    }
}
