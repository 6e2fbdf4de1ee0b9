//! The browser's connection, until the login knows how it ended.

use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::{ANSWER_TIME, Page, answer};

/// Shows the browser how the login ended; dropped, that it failed.
#[derive(Debug)]
pub(crate) struct Responder(Option<TcpStream>);

impl Responder {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self(Some(stream))
    }

    /// The user is logged in.
    pub(crate) async fn success(self) {
        self.show(Page::Success).await;
    }

    /// The user, or the server for them, said no.
    pub(crate) async fn denied(self) {
        self.show(Page::Denied).await;
    }

    /// Something else went wrong; the program says what.
    pub(crate) async fn failed(self) {
        self.show(Page::Failed).await;
    }

    /// Ends within two seconds, and well or not: only the browser has to know.
    async fn show(mut self, page: Page) {
        if let Some(mut stream) = self.0.take() {
            let _ = timeout(ANSWER_TIME, stream.write_all(answer(page).as_bytes())).await;
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if let Some(stream) = &self.0 {
            // The page is smaller than any socket's buffer.
            let _ = stream.try_write(answer(Page::Failed).as_bytes());
        }
    }
}
