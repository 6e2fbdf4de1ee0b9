//! HTTP 403.

use std::fmt;

use super::ApiError;

/// HTTP 403: the token is good, but a permission is missing.
#[derive(Debug)]
pub struct AccessDenied {
    answer: ApiError,
    permissions: Vec<String>,
    division: Option<String>,
}

impl AccessDenied {
    pub(super) fn new(
        answer: ApiError,
        permissions: Vec<String>,
        division: Option<String>,
    ) -> Self {
        Self {
            answer,
            permissions,
            division,
        }
    }

    /// The permissions that are missing, such as `oauth:client:view`; empty where the server names
    /// none.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// Whether one of the [permissions](Self::permissions) is enough; otherwise all are needed.
    #[must_use]
    pub fn any_of(&self) -> bool {
        self.answer.code() == Some("missing.any.permissions")
    }

    /// Whether the permission is held, but not in the division of what was called for.
    #[must_use]
    pub fn division_missing(&self) -> bool {
        self.answer.code() == Some("missing.division.permission")
    }

    /// The division that the permission is needed in, where the server names it.
    #[must_use]
    pub fn division(&self) -> Option<&str> {
        self.division.as_deref()
    }

    /// The answer itself.
    #[must_use]
    pub fn answer(&self) -> &ApiError {
        &self.answer
    }
}

impl fmt::Display for AccessDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answer.fmt(f)?;
        if !self.permissions.is_empty() {
            let needed = match self.permissions.len() {
                1 => "",
                _ if self.any_of() => "one of ",
                _ => "all of ",
            };
            let permissions = self.permissions.join(", ");
            write!(
                f,
                "; a role of the OAuth client needs {needed}{permissions}"
            )?;
        }
        if self.division_missing() {
            let division = self
                .division()
                .unwrap_or("of the object that was called for");
            write!(f, "; the role needs the division {division}")?;
        }
        f.write_str(
            "; assign a role with what is missing under Admin → Integrations → OAuth → the client → \
             Roles",
        )
    }
}
