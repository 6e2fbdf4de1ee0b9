//! What the client's role holds, and what calls need of it.

use http::StatusCode;

use super::{ApiRefusal, Sandbox, SandboxBuilder};

/// What the client's role holds, and where. By default that is everything everywhere. Users who log
/// in have the same role.
///
/// A call that lacks a permission is answered 403: `missing.permissions`,
/// `missing.any.permissions` where one of several would do, and `missing.division.permission` where
/// it is held but not in the division of what was asked for. These calls need one:
///
/// | call | permission |
/// |---|---|
/// | `GET /api/v2/authorization/roles` | `authorization:role:view` |
/// | `GET /api/v2/oauth/clients`, `GET /api/v2/oauth/clients/{id}` | `oauth:client:view` |
/// | `POST /api/v2/oauth/clients` | `oauth:client:add` |
/// | `DELETE /api/v2/tokens/{userId}` | `oauth:token:delete` in the user's division |
/// | `GET /api/v2/integrations/credentials/listing` | `integrations:integration:view` |
/// | `POST /api/v2/integrations/actions/{id}/execute`, `…/test` | `integrations:action:execute` or `bridge:actions:execute` |
impl Sandbox {
    /// Sets all that the client's role holds, such as `oauth:client:view`; `*` is everything. It
    /// counts from the next call on, with tokens that are already issued, too.
    pub fn set_permissions<P: Into<String>>(&self, permissions: impl IntoIterator<Item = P>) {
        let permissions = permissions.into_iter().map(P::into).collect();
        self.org.change_role(|role| role.permissions = permissions);
    }

    /// Sets the divisions, by id, in which the client has its role; `*` is every one, and without
    /// any the role gives nothing.
    pub fn set_divisions<D: Into<String>>(&self, divisions: impl IntoIterator<Item = D>) {
        let divisions = divisions.into_iter().map(D::into).collect();
        self.org.change_role(|role| role.divisions = divisions);
    }

    /// The id of the division that the organisation's users are in.
    #[must_use]
    pub fn division_id(&self) -> &str {
        &self.org.division_id
    }
}

/// What the client's role holds.
impl SandboxBuilder {
    /// All that the client's role holds, as [`Sandbox::set_permissions`] sets it.
    pub fn permissions<P: Into<String>>(
        mut self,
        permissions: impl IntoIterator<Item = P>,
    ) -> Self {
        self.0.role.permissions = permissions.into_iter().map(P::into).collect();
        self
    }

    /// The divisions in which the client has its role, as [`Sandbox::set_divisions`] sets them.
    pub fn divisions<D: Into<String>>(mut self, divisions: impl IntoIterator<Item = D>) -> Self {
        self.0.role.divisions = divisions.into_iter().map(D::into).collect();
        self
    }
}

/// The permissions that a call needs.
#[derive(Clone, Copy)]
pub(super) enum Needs {
    All(&'static [&'static str]),
    Any(&'static [&'static str]),
}

/// The client's one role.
#[derive(Clone)]
pub(super) struct Role {
    permissions: Vec<String>,
    pub(super) divisions: Vec<String>,
}

impl Role {
    /// The refusal of a call for which the role lacks something in every division.
    pub(super) fn permit(&self, needs: Needs) -> Result<(), ApiRefusal> {
        let held =
            |permission: &&str| !self.divisions.is_empty() && covers(&self.permissions, permission);
        let (code, words, missing) = match needs {
            Needs::All(needed) => {
                let missing: Vec<_> = needed.iter().copied().filter(|one| !held(one)).collect();
                let words = "You are missing the following permission(s)";
                ("missing.permissions", words, missing)
            }
            Needs::Any(needed) if needed.iter().any(held) => return Ok(()),
            Needs::Any(needed) => {
                let words = "You must have at least one of the following permissions assigned";
                ("missing.any.permissions", words, needed.to_vec())
            }
        };
        if missing.is_empty() {
            return Ok(());
        }
        let missing = listed(&missing);
        Err(denied(code, &format!("{words}: {missing}")).param("permissions", missing))
    }

    /// As [`permit`](Self::permit), for something in `division`.
    pub(super) fn permit_in(&self, division: &str, needs: Needs) -> Result<(), ApiRefusal> {
        self.permit(needs)?;
        if covers(&self.divisions, division) {
            return Ok(());
        }
        let (Needs::All(needed) | Needs::Any(needed)) = needs;
        let missing = listed(needed);
        // Neither these words nor the names of the parameters are known.
        let words = format!(
            "You are missing the following permission(s) in the division [{division}]: {missing}"
        );
        Err(denied("missing.division.permission", &words)
            .param("permissions", missing)
            .param("divisionId", division))
    }
}

impl Default for Role {
    fn default() -> Self {
        Self {
            permissions: vec![EVERY.to_owned()],
            divisions: vec![EVERY.to_owned()],
        }
    }
}

fn covers(held: &[String], one: &str) -> bool {
    held.iter().any(|held| held == EVERY || held == one)
}

/// As Genesys Cloud lists permissions.
fn listed(permissions: &[&str]) -> String {
    format!("[{}]", permissions.join(", "))
}

fn denied(code: &'static str, words: &str) -> ApiRefusal {
    let message = format!("Unable to perform the requested action. {words}");
    ApiRefusal::new(StatusCode::FORBIDDEN, code, message)
}

const EVERY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_that_are_needed_those_that_lack_are_named() {
        let role = |permissions: &[&str]| Role {
            permissions: permissions.iter().map(|&one| one.to_owned()).collect(),
            ..Role::default()
        };
        let needs = Needs::All(&["a:b:view", "a:b:edit", "a:b:add"]);
        assert!(
            role(&["a:b:add", "a:b:view", "a:b:edit"])
                .permit(needs)
                .is_ok()
        );
        assert!(role(&["*"]).permit(needs).is_ok());
        let refusal = role(&["a:b:edit", "a:b"]).permit(needs).unwrap_err();
        let shown = format!("{refusal:?}");
        assert!(shown.contains("\"missing.permissions\""), "{shown}");
        assert!(
            shown.contains("permission(s): [a:b:view, a:b:add]\""),
            "{shown}"
        );
    }
}
