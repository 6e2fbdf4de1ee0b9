//! A closure of the user's that returns a future, called each time its value is needed.

use std::{error::Error, future::Future, pin::Pin, sync::Arc};

/// A closure that returns a `T`, or an error of its own.
pub(crate) struct AsyncSource<T>(Arc<dyn Fn() -> SourceFuture<T> + Send + Sync>);

pub(crate) type SourceResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

type SourceFuture<T> = Pin<Box<dyn Future<Output = SourceResult<T>> + Send>>;

impl<T> AsyncSource<T> {
    pub(crate) fn new<F, Fut>(source: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = SourceResult<T>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(source())))
    }

    /// Calls the closure and waits for its future. Both may block, hang or panic.
    pub(crate) async fn get(self) -> SourceResult<T> {
        self.0().await
    }
}

impl<T> Clone for AsyncSource<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_send<V: Send>(value: V) -> V {
        value
    }

    #[tokio::test]
    async fn each_clone_calls_the_same_closure() {
        let calls = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let source = AsyncSource::new(move || {
            let calls = Arc::clone(&calls);
            async move { Ok(calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) }
        });
        assert_eq!(assert_send(source.clone().get()).await.unwrap(), 0);
        assert_eq!(assert_send(source).get().await.unwrap(), 1);
    }

    #[tokio::test]
    async fn the_error_of_a_closure_is_returned_unchanged() {
        let source = AsyncSource::<u32>::new(|| async { Err("no token today".into()) });
        let error = source.get().await.unwrap_err();
        assert_eq!(error.to_string(), "no token today");
    }
}
