//! The permissions of the client's role, and those that calls need.

use http::StatusCode;

use crate::sandbox::http::error_response::ApiErrorResponse;

/// The sandbox's own role, and the divisions in which users and the first client have it.
#[derive(Clone)]
pub(crate) struct Role {
    pub(crate) permissions: Vec<String>,
    pub(crate) divisions: Vec<String>,
}

/// What a caller may do: permissions, and the division in which it has them.
#[derive(Clone, Default)]
pub(crate) struct Permissions(Vec<(Vec<String>, String)>);

impl Permissions {
    /// Adds the permissions of a role in a division.
    pub(crate) fn add(&mut self, permissions: &[String], division: &str) {
        self.0.push((permissions.to_vec(), division.to_owned()));
    }

    /// Fails unless there is one of these permissions, in any division.
    pub(crate) fn require(&self, any_of: &[&str]) -> Result<(), ApiErrorResponse> {
        let is_granted = |name: &&str| {
            let mut granted = self.0.iter();
            granted.any(|(permissions, _)| contains(permissions, name))
        };
        if any_of.iter().any(is_granted) {
            return Ok(());
        }
        let (code, message) = match any_of {
            [_] => (
                "missing.permissions",
                "You are missing the following permission(s)",
            ),
            _ => (
                "missing.any.permissions",
                "You must have at least one of the following permissions assigned",
            ),
        };
        let missing = list(any_of);
        Err(forbidden(code, &format!("{message}: {missing}")).param("permissions", missing))
    }

    /// Fails unless there is one of these permissions in `division`.
    pub(crate) fn require_in(
        &self,
        division: &str,
        any_of: &[&str],
    ) -> Result<(), ApiErrorResponse> {
        self.require(any_of)?;
        let mut here = Self::default();
        for (permissions, granted_in) in &self.0 {
            if contains(std::slice::from_ref(granted_in), division) {
                here.add(permissions, division);
            }
        }
        if here.require(any_of).is_ok() {
            return Ok(());
        }
        let missing = list(any_of);
        // Neither this text nor the names of the parameters are known.
        let message = format!(
            "You are missing the following permission(s) in the division [{division}]: {missing}"
        );
        Err(forbidden("missing.division.permission", &message)
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

fn contains(granted: &[String], name: &str) -> bool {
    granted.iter().any(|one| one == EVERY || one == name)
}

/// Formats permissions as Genesys Cloud does.
fn list(permissions: &[&str]) -> String {
    format!("[{}]", permissions.join(", "))
}

fn forbidden(code: &'static str, message: &str) -> ApiErrorResponse {
    let message = format!("Unable to perform the requested action. {message}");
    ApiErrorResponse::new(StatusCode::FORBIDDEN, code, message)
}

const EVERY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permission_is_granted_by_its_whole_name_or_for_all() {
        for (granted, is_enough) in [
            (["a:b:edit", "a:b:view"], true),
            (["a:b:edit", "*"], true),
            (["a:b:edit", "a:b"], false),
        ] {
            let mut permissions = Permissions::default();
            permissions.add(&granted.map(str::to_owned), EVERY);
            assert_eq!(permissions.require(&["a:b:view"]).is_ok(), is_enough);
        }
    }
}
