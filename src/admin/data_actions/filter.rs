//! Which data actions a listing contains.

use serde::Serialize;

/// Selects data actions for [`DataActions::list_by`](super::DataActions::list_by). Without settings it
/// selects all. Genesys Cloud applies it.
///
/// Source: Genesys Cloud Platform API, `GET /api/v2/integrations/actions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataActionFilter {
    category: Option<String>,
    name: Option<String>,
    secure: Option<bool>,
}

impl DataActionFilter {
    /// Selects the actions of one category.
    #[must_use]
    pub fn category(mut self, category: impl Into<String>) -> Self {
        self.category = Some(category.into());
        self
    }

    /// Selects the actions whose name contains this text.
    #[must_use]
    pub fn name(mut self, part: impl Into<String>) -> Self {
        self.name = Some(part.into());
        self
    }

    /// Selects those that only secure flows can use, or the others.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = Some(secure);
        self
    }
}
