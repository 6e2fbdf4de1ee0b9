//! How a process that waits for a turn learns that it is free.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use ::redis::{Client, aio::PubSub};
use futures_core::Stream;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use crate::retry::Jitter;

/// Where messages about turns come from, if there are any.
#[derive(Clone)]
pub(super) struct Wakeups(Option<Arc<Source>>);

struct Source {
    client: Client,
    /// Bounds the connections: each subscription needs one.
    left: Arc<Semaphore>,
}

/// One wait for a turn. Without a subscription it only asks now and then.
pub(super) struct Waiting {
    subscription: Option<Subscription>,
    /// The next pause without a subscription.
    pause: Duration,
    /// The time over which those that one message wakes are spread.
    spread: Duration,
}

struct Subscription {
    messages: PubSub,
    _permit: OwnedSemaphorePermit,
}

impl Wakeups {
    pub(super) fn of(client: Client) -> Self {
        let left = Arc::new(Semaphore::new(MAX_SUBSCRIPTIONS));
        Self(Some(Arc::new(Source { client, left })))
    }

    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) async fn subscribe(&self, channel: &str) -> Waiting {
        let subscription = match &self.0 {
            Some(source) => {
                let subscribing = timeout(SUBSCRIBE_LIMIT, source.subscribe(channel)).await;
                subscribing.ok().flatten()
            }
            None => None,
        };
        Waiting {
            subscription,
            pause: FIRST_PAUSE,
            spread: FIRST_SPREAD,
        }
    }
}

impl Source {
    /// Returns `None` if Redis does not allow it, or if there are already many.
    async fn subscribe(&self, channel: &str) -> Option<Subscription> {
        let permit = Arc::clone(&self.left).try_acquire_owned().ok()?;
        let mut messages = self.client.get_async_pubsub().await.ok()?;
        messages.subscribe(channel).await.ok()?;
        Some(Subscription {
            messages,
            _permit: permit,
        })
    }
}

impl Waiting {
    /// Waits until it is worth asking for the turn, at most until the lease of its holder ends. A
    /// random part keeps many from asking at once.
    pub(super) async fn wait(&mut self, lease: Duration) {
        let Some(subscription) = &mut self.subscription else {
            sleep(random_part(self.pause)).await;
            self.pause = (self.pause * 2).min(MAX_PAUSE);
            return;
        };
        // A message can be lost, and none is sent when a lease ends.
        let pause = random_part(PAUSE_WITH_WAKEUPS).min(lease);
        if timeout(pause, subscription.next()).await == Ok(false) {
            self.subscription = None;
            return;
        }
        // The more often another one was faster, the more are waiting.
        sleep(random_part(self.spread)).await;
        self.spread = (self.spread * 2).min(MAX_SPREAD);
        subscription.drop_ready();
    }
}

impl Subscription {
    /// Waits for a message. Returns whether there was one.
    async fn next(&mut self) -> bool {
        let mut messages = pin!(self.messages.on_message());
        poll_fn(|cx| messages.as_mut().poll_next(cx))
            .await
            .is_some()
    }

    /// Drops the messages that have arrived: the turn is asked for now.
    fn drop_ready(&mut self) {
        let mut messages = pin!(self.messages.on_message());
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Some(_)) = messages.as_mut().poll_next(&mut context) {}
    }
}

/// Returns a random time between a half of `time` and `time`.
fn random_part(time: Duration) -> Duration {
    Jitter::draw().between(time / 2, time)
}

const MAX_SUBSCRIPTIONS: usize = 8;
const SUBSCRIBE_LIMIT: Duration = Duration::from_secs(1);

/// The pauses between two attempts without a subscription.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_millis(400);

/// The pause with a subscription.
const PAUSE_WITH_WAKEUPS: Duration = Duration::from_secs(2);

const FIRST_SPREAD: Duration = Duration::from_millis(10);
const MAX_SPREAD: Duration = Duration::from_millis(160);
