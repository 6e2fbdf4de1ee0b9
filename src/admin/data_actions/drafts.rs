//! Reads, creates, changes and deletes data actions.

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    ACTIONS, DataActions,
    filter::DataActionFilter,
    model::{DataAction, DataActionConfig, is_custom_auth, is_static},
    new_action::{NewDataAction, check_config},
    testing::DraftValidation,
};
use crate::{
    admin::{
        repeat::{FreshIntegration, VersionConflicts},
        send::fetch_pages,
    },
    client::Request,
    error::{Error, ResponseProblem, sanitize},
};

/// # Published actions
impl DataActions {
    /// Returns all published data actions, without configuration and contract. Those that are
    /// [built in](DataAction::is_static) or [authenticate others](DataAction::is_custom_auth) are among
    /// them.
    ///
    /// Needs the permission `integrations:action:view` or `bridge:actions:view`.
    ///
    /// # Errors
    /// Those of [`Request::pages`](crate::client::Request::pages).
    pub async fn list(&self) -> Result<Vec<DataAction>, Error> {
        self.list_by(&DataActionFilter::default()).await
    }

    /// Returns the published data actions that a filter selects, as [`list`](Self::list) does.
    ///
    /// ```no_run
    /// use genesys_cloud_auth::admin::DataActionFilter;
    ///
    /// # async fn example(api: genesys_cloud_auth::PlatformClient) -> Result<(), genesys_cloud_auth::Error> {
    /// let filter = DataActionFilter::default().category("CRM lookup");
    /// let actions = api.data_actions().list_by(&filter).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Needs the permission `integrations:action:view` or `bridge:actions:view`.
    ///
    /// # Errors
    /// Those of [`list`](Self::list).
    pub async fn list_by(&self, filter: &DataActionFilter) -> Result<Vec<DataAction>, Error> {
        let query = [("pageSize", "100"), ("includeAuthActions", "true")];
        let request = self.api.get(ACTIONS).query(&query).query(filter);
        fetch_pages(request, |action: &DataAction| &action.id).await
    }

    /// Returns a data action with its configuration, its contract and the texts of its templates, which
    /// Genesys Cloud has at addresses of their own.
    ///
    /// Needs the permission `integrations:action:view` or `bridge:actions:view`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch), and a template at an address outside
    /// the Platform API.
    pub async fn get(&self, id: &str) -> Result<DataAction, Error> {
        self.fetch_whole(self.action(id, Method::GET)).await
    }

    /// Creates a data action and publishes it at once. Integrations of the type
    /// `function-data-actions` do not allow that: use [`create_draft`](Self::create_draft).
    ///
    /// Needs the permission `integrations:action:add`.
    ///
    /// # Errors
    /// Those of [`create_draft`](Self::create_draft).
    pub async fn create(&self, new: &NewDataAction) -> Result<DataAction, Error> {
        self.create_at(|| self.api.post(ACTIONS), new).await
    }

    /// Fetches a published data action, changes its name, category or configuration by `change`, and
    /// sends them. If it was changed elsewhere between the two requests, both are sent again, at most
    /// 10 times, so `change` may run several times.
    ///
    /// The contract and `secure` of a published action cannot be changed like this. For the contract
    /// [start a draft](Self::start_draft): the action then keeps its id, and the flows that use it keep
    /// working.
    ///
    /// Needs the permission `integrations:action:edit`, and `integrations:action:view` or
    /// `bridge:actions:view`.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); and [`ErrorKind::Configuration`](crate::ErrorKind::Configuration),
    /// before anything is changed, for an action that is built in, for a change that cannot be made like
    /// this, and for those of [`NewDataAction::check`].
    pub async fn update(
        &self,
        id: &str,
        mut change: impl FnMut(&mut DataAction),
    ) -> Result<DataAction, Error> {
        check_is_not_static(id)?;
        let mut conflicts = VersionConflicts::new(&self.api);
        loop {
            let before = self.get(id).await?;
            let mut after = before.clone();
            change(&mut after);
            if after.contract != before.contract || after.secure != before.secure {
                return Err(Error::configuration(
                    "the contract and `secure` of a published data action cannot be changed; for the \
                     contract use `start_draft`, `update_draft` and `publish`",
                ));
            }
            let body = changed_body(&after, before.version)?;
            let request = self.action(id, Method::PATCH).json(&body);
            match request.fetch().await {
                Err(error) if conflicts.waits_after(&error).await => {}
                result => return result,
            }
        }
    }

    /// Deletes a data action. Flows that use it fail from then on.
    ///
    /// Needs the permission `integrations:action:delete`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch); and
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration), before anything is sent, for an
    /// action that is built in or authenticates others.
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        check_is_not_static(id)?;
        check_is_not_custom_auth(id, "deleted")?;
        self.action(id, Method::DELETE).delete_object().await?;
        Ok(())
    }
}

/// # Drafts
impl DataActions {
    /// Returns all drafts, without configuration and contract.
    ///
    /// Needs the permission `integrations:action:view`.
    ///
    /// # Errors
    /// Those of [`Request::pages`](crate::client::Request::pages).
    pub async fn list_drafts(&self) -> Result<Vec<DataAction>, Error> {
        let request = self.api.get(ACTIONS).segment("drafts");
        let request = request.query(&[("pageSize", 100)]);
        fetch_pages(request, |draft: &DataAction| &draft.id).await
    }

    /// Creates a data action as a draft, which can be [tested](Self::test_draft) before it is
    /// [published](Self::publish). A 400 is repeated for the [wait](Self::wait).
    ///
    /// Needs the permission `integrations:action:add`.
    ///
    /// # Errors
    /// Those of [`NewDataAction::check`], before anything is sent, and those of
    /// [`Request::fetch`](crate::client::Request::fetch). Where the response is lost,
    /// [`Error::is_outcome_unknown`] is `true`: look for an action with the name.
    pub async fn create_draft(&self, new: &NewDataAction) -> Result<DataAction, Error> {
        self.create_at(|| self.api.post(ACTIONS).segment("drafts"), new)
            .await
    }

    /// Starts a draft of a published data action, to change its contract.
    ///
    /// Needs the permission `integrations:action:edit`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch); and
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration), before anything is sent, for an
    /// action that is built in.
    pub async fn start_draft(&self, id: &str) -> Result<DataAction, Error> {
        check_is_not_static(id)?;
        self.draft(id, Method::POST).fetch().await
    }

    /// Returns the draft of a data action, as [`get`](Self::get) does for the published one.
    ///
    /// Needs the permission `integrations:action:view`.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    pub async fn get_draft(&self, id: &str) -> Result<DataAction, Error> {
        self.fetch_whole(self.draft(id, Method::GET)).await
    }

    /// Fetches a draft, changes it by `change`, its contract as well, and sends it. Conflicts are
    /// handled as by [`update`](Self::update).
    ///
    /// Needs the permissions `integrations:action:view` and `integrations:action:edit`.
    ///
    /// # Errors
    /// Those of [`update`](Self::update).
    pub async fn update_draft(
        &self,
        id: &str,
        mut change: impl FnMut(&mut DataAction),
    ) -> Result<DataAction, Error> {
        check_is_not_static(id)?;
        let mut conflicts = VersionConflicts::new(&self.api);
        loop {
            let mut draft = self.get_draft(id).await?;
            let version = draft.version;
            change(&mut draft);
            let mut body = changed_body(&draft, version)?;
            if let Some(contract) = &draft.contract {
                body.insert("contract".to_owned(), json!(contract));
            }
            body.insert("secure".to_owned(), draft.secure.into());
            let request = self.draft(id, Method::PATCH).json(&body);
            match request.fetch().await {
                Err(error) if conflicts.waits_after(&error).await => {}
                result => return result,
            }
        }
    }

    /// Asks whether a draft could be published.
    ///
    /// Needs the permission `integrations:action:edit`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch). A draft that is not valid is no
    /// error.
    pub async fn validate_draft(&self, id: &str) -> Result<DraftValidation, Error> {
        let request = self.draft(id, Method::GET).segment("validation");
        request.fetch().await
    }

    /// Publishes a draft. Its version is read just before. A conflict is repeated as by
    /// [`update`](Self::update), and another 400 for the [wait](Self::wait).
    ///
    /// Needs the permissions `integrations:action:view` and `integrations:action:edit`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn publish(&self, id: &str) -> Result<DataAction, Error> {
        check_is_not_static(id)?;
        let mut conflicts = VersionConflicts::new(&self.api);
        let mut fresh = FreshIntegration::new(&self.api, self.wait);
        loop {
            let draft: DataAction = self.draft(id, Method::GET).fetch().await?;
            let request = self.draft(id, Method::POST).segment("publish");
            let request = request.json(&json!({ "version": draft.version }));
            match request.fetch().await {
                Err(error)
                    if conflicts.waits_after(&error).await || fresh.waits_after(&error).await => {}
                result => return result,
            }
        }
    }

    /// Deletes a draft. The published action stays as it is.
    ///
    /// Needs the permission `integrations:action:edit`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch).
    pub async fn delete_draft(&self, id: &str) -> Result<(), Error> {
        check_is_not_static(id)?;
        self.draft(id, Method::DELETE).delete_object().await?;
        Ok(())
    }
}

impl DataActions {
    pub(super) fn action(&self, id: &str, method: Method) -> Request {
        self.api.request(method, ACTIONS).segment(id)
    }

    pub(super) fn draft(&self, id: &str, method: Method) -> Request {
        self.action(id, method).segment("draft")
    }

    async fn create_at(
        &self,
        request: impl Fn() -> Request,
        new: &NewDataAction,
    ) -> Result<DataAction, Error> {
        new.check()?;
        let mut fresh = FreshIntegration::new(&self.api, self.wait);
        loop {
            let advice = || {
                format!(
                    "it is not known whether the data action was created: look for the name “{}” with \
                     `data_actions().list()` and `list_drafts()` before you try again",
                    sanitize(new.name(), &[])
                )
            };
            match request().json(new).fetch_once(advice).await {
                Err(error) if fresh.waits_after(&error).await => {}
                result => return result.map(|(action, _)| action),
            }
        }
    }

    /// Fetches an action with the texts of its templates: an update without them would remove them.
    async fn fetch_whole(&self, request: Request) -> Result<DataAction, Error> {
        let query = [("expand", "contract"), ("includeConfig", "true")];
        let mut action: DataAction = request.query(&query).fetch().await?;
        if let Some(DataActionConfig {
            request, response, ..
        }) = &mut action.config
        {
            for (text, uri) in [
                (&mut request.body_template, &request.body_template_uri),
                (
                    &mut response.success_template,
                    &response.success_template_uri,
                ),
            ] {
                if let (None, Some(uri)) = (&text, uri) {
                    *text = Some(self.template(uri).await?);
                }
            }
        }
        Ok(action)
    }

    async fn template(&self, uri: &str) -> Result<String, Error> {
        let response = self.api.get_link(uri).send().await?;
        if response.status().is_redirection() {
            return Err(response.unexpected(ResponseProblem::Redirect));
        }
        response.text().await
    }
}

/// Returns what an update of an action sends: the whole configuration, because a field that is missing
/// is removed.
fn changed_body(action: &DataAction, version: Option<i64>) -> Result<Map<String, Value>, Error> {
    let mut body = Map::new();
    body.insert("name".to_owned(), action.name.as_str().into());
    body.insert("category".to_owned(), action.category.as_str().into());
    body.insert("version".to_owned(), json!(version));
    if let Some(config) = &action.config {
        check_config(config)?;
        body.insert("config".to_owned(), json!(config));
    }
    Ok(body)
}

fn check_is_not_static(id: &str) -> Result<(), Error> {
    if is_static(id) {
        return Err(Error::configuration(
            "the data action is built into Genesys Cloud and cannot be changed or deleted; create one \
             of your own",
        ));
    }
    Ok(())
}

/// `what` cannot be done to it.
pub(super) fn check_is_not_custom_auth(id: &str, what: &str) -> Result<(), Error> {
    if is_custom_auth(id) {
        return Err(Error::configuration(format!(
            "the data action authenticates the others of its integration and cannot be {what}; Genesys \
             Cloud runs it when that is needed, and removes it with the integration"
        )));
    }
    Ok(())
}
