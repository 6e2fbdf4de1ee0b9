//! Executes and tests data actions.

use http::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{DataActions, drafts::check_is_not_custom_auth, testing::TestResult};
use crate::{
    client::Request,
    error::{Error, ResponseProblem},
    outside_text::without_byte_order_mark,
};

impl DataActions {
    /// Executes a published data action with an input and returns its result. The input becomes a JSON
    /// object as the contract's input schema wants it.
    ///
    /// The request is sent once, because what the action does elsewhere is not known; only where nothing
    /// of it was sent, or the API rejected the token, it is sent again.
    ///
    /// Needs the permission `integrations:action:execute` or `bridge:actions:execute`.
    ///
    /// # Errors
    /// - [`ErrorKind::Api`](crate::ErrorKind::Api) with a
    ///   [`data_action`](crate::error::ApiError::data_action): the action failed. Its class says where,
    ///   and [`Error::troubleshooting`] what to do about an integration that still has an old secret.
    /// - Where the response is lost, [`Error::is_outcome_unknown`] is `true`: the action may have run.
    /// - Those of [`Request::fetch`](crate::client::Request::fetch); and
    ///   [`ErrorKind::Configuration`](crate::ErrorKind::Configuration), before anything is sent, for an
    ///   action that [authenticates others](crate::admin::DataAction::is_custom_auth).
    pub async fn execute<I, O>(&self, id: &str, input: &I) -> Result<O, Error>
    where
        I: Serialize + ?Sized,
        O: DeserializeOwned,
    {
        check_is_not_custom_auth(id, "executed")?;
        let request = self.action(id, Method::POST).segment("execute");
        let request = request.json(input).timeout(self.execution_timeout);
        let advice = || {
            "it is not known whether the data action ran: find out what it did before you execute it \
             again"
                .to_owned()
        };
        let (body, response) = request.bytes_once(advice).await?;
        let body = without_byte_order_mark(&body);
        if is_failure(body) {
            return Err(response.error_of_body(body));
        }
        let json = if body.is_empty() { b"null" } else { body };
        serde_json::from_slice(json)
            .map_err(|error| response.unexpected(ResponseProblem::not_json(&error)))
    }

    /// Tests a published data action: runs it, and returns what each step did.
    ///
    /// Needs the permission `integrations:action:execute` or `bridge:actions:execute`.
    ///
    /// # Errors
    /// Those of [`Request::fetch`](crate::client::Request::fetch). An action that fails is no error.
    pub async fn test<I>(&self, id: &str, input: &I) -> Result<TestResult, Error>
    where
        I: Serialize + ?Sized,
    {
        check_is_not_custom_auth(id, "tested")?;
        let request = self.action(id, Method::POST).segment("test");
        self.run_test(request, input).await
    }

    /// Tests a draft: runs it, and returns what each step did.
    ///
    /// Needs the permission `integrations:action:execute`.
    ///
    /// # Errors
    /// Those of [`test`](Self::test).
    pub async fn test_draft<I>(&self, id: &str, input: &I) -> Result<TestResult, Error>
    where
        I: Serialize + ?Sized,
    {
        check_is_not_custom_auth(id, "tested")?;
        let request = self.draft(id, Method::POST).segment("test");
        self.run_test(request, input).await
    }

    async fn run_test<I>(&self, request: Request, input: &I) -> Result<TestResult, Error>
    where
        I: Serialize + ?Sized,
    {
        let request = request.json(input).timeout(self.execution_timeout);
        request.fetch().await
    }
}

/// Whether a body with the status 200 says that the action failed. A result may have some of these
/// fields, too.
fn is_failure(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Failure {
        status: u64,
        error_code: Option<Value>,
        code: Option<Value>,
    }
    let Ok(failure) = serde_json::from_slice::<Failure>(body) else {
        return false;
    };
    let mut codes = [failure.error_code, failure.code].into_iter().flatten();
    (400..600).contains(&failure.status) && codes.any(|code| code.is_string())
}
