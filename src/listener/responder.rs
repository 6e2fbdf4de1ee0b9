//! The browser's connection, open until the outcome of the login is known.

use std::time::Duration;

use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::page::{Page, page_response};

/// Shows the outcome of the login in the browser. Dropping it shows that the login failed.
#[derive(Debug)]
pub(crate) struct Responder(Option<TcpStream>);

impl Responder {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(Some(stream))
    }

    /// The user is logged in.
    pub(crate) async fn show_success(self) {
        self.show(Page::Success).await;
    }

    /// The user or the organisation denied access.
    pub(crate) async fn show_denied(self) {
        self.show(Page::Denied).await;
    }

    /// The login failed for another reason, which the program reports.
    pub(crate) async fn show_failed(self) {
        self.show(Page::Failed).await;
    }

    /// Ignores errors: the login does not depend on the page.
    async fn show(mut self, page: Page) {
        if let Some(mut stream) = self.0.take() {
            let response = page_response(page);
            let _ = timeout(RESPONSE_TIMEOUT, stream.write_all(response.as_bytes())).await;
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if let Some(stream) = &self.0 {
            // The page is smaller than any socket's buffer.
            let _ = stream.try_write(page_response(Page::Failed).as_bytes());
        }
    }
}

/// The time for sending a response.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
