//! One type for every kind of store.

use std::{any::Any, fmt, future::Future, ops::Deref, pin::Pin, sync::Arc, time::Duration};

use super::{Sealed, StoreKey, TokenStore};
use crate::error::StoreError;

/// A store of any kind.
#[derive(Clone)]
pub(crate) struct SharedStore(Arc<dyn ErasedStore>);

/// The turn of such a store.
pub(crate) struct SharedTurn(Box<dyn Any + Send>);

type BoxedResult<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

impl SharedStore {
    pub(crate) fn new(store: impl TokenStore) -> Self {
        Self(Arc::new(store))
    }
}

impl Deref for SharedStore {
    type Target = dyn ErasedStore;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedStore")
    }
}

impl fmt::Debug for SharedTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedTurn")
    }
}

/// [`TokenStore`] for `dyn`.
pub(crate) trait ErasedStore: Send + Sync {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxedResult<'a, Option<Sealed>>;
    fn take_turn<'a>(&'a self, key: &'a StoreKey, wait: Duration) -> BoxedResult<'a, SharedTurn>;
    fn save<'a>(
        &'a self,
        turn: SharedTurn,
        key: &'a StoreKey,
        value: Sealed,
    ) -> BoxedResult<'a, ()>;
    fn remove<'a>(&'a self, turn: SharedTurn, key: &'a StoreKey) -> BoxedResult<'a, ()>;
}

impl<S: TokenStore> ErasedStore for S {
    fn load<'a>(&'a self, key: &'a StoreKey) -> BoxedResult<'a, Option<Sealed>> {
        Box::pin(TokenStore::load(self, key))
    }

    fn take_turn<'a>(&'a self, key: &'a StoreKey, wait: Duration) -> BoxedResult<'a, SharedTurn> {
        Box::pin(async move {
            let turn = TokenStore::take_turn(self, key, wait).await?;
            Ok(SharedTurn(Box::new(turn)))
        })
    }

    fn save<'a>(
        &'a self,
        turn: SharedTurn,
        key: &'a StoreKey,
        value: Sealed,
    ) -> BoxedResult<'a, ()> {
        Box::pin(async move { TokenStore::save(self, downcast_turn::<S>(turn)?, key, value).await })
    }

    fn remove<'a>(&'a self, turn: SharedTurn, key: &'a StoreKey) -> BoxedResult<'a, ()> {
        Box::pin(async move { TokenStore::remove(self, downcast_turn::<S>(turn)?, key).await })
    }
}

fn downcast_turn<S: TokenStore>(turn: SharedTurn) -> Result<S::Turn, StoreError> {
    let turn = turn.0.downcast();
    Ok(*turn.map_err(|_| StoreError::new("the turn belongs to a store of another kind"))?)
}
