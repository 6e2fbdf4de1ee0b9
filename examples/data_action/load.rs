//! Executions that run all the time, as those of customers do.

use std::{fmt, sync::Arc};

use genesys_cloud_auth::Error;
use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::chain::{Chain, Contact, LoadSetting};

/// Runs executions until it is dropped.
pub(crate) struct Load {
    progress: Arc<watch::Sender<Progress>>,
    setting: LoadSetting,
    _workers: JoinSet<()>,
}

#[derive(Clone, Default)]
struct Progress {
    /// The executions that each worker has ended.
    ended: [usize; WORKERS],
    failed: usize,
    last_error: Option<Error>,
}

/// How many executions succeeded, and how many failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Executions {
    pub(crate) succeeded: usize,
    pub(crate) failed: usize,
}

impl Load {
    pub(crate) fn start(chain: &Chain) -> Self {
        let progress = Arc::new(watch::Sender::new(Progress::default()));
        let mut workers = JoinSet::new();
        for worker in 0..WORKERS {
            let progress = Arc::clone(&progress);
            let actions = chain.api.data_actions();
            let (id, input) = (chain.action_id.clone(), chain.input.clone());
            let pause = chain.load.pause;
            workers.spawn(async move {
                loop {
                    let result = actions.execute::<_, Contact>(&id, &input).await;
                    progress.send_modify(|progress| progress.add(worker, result.err()));
                    sleep(pause).await;
                }
            });
        }
        Self {
            progress,
            setting: chain.load,
            _workers: workers,
        }
    }

    /// Waits until each worker has begun and ended more executions.
    pub(crate) async fn wait_for_each_worker(&self) {
        let before = self.progress.borrow().ended;
        // The next one to end may have begun already.
        let more = 1 + self.setting.executions;
        let has_run = |now: &Progress| {
            let mut both = now.ended.iter().zip(before);
            both.all(|(now, before)| *now >= before + more)
        };
        // It ends, because the sender is here.
        let _ = self.progress.subscribe().wait_for(has_run).await;
    }

    pub(crate) fn executions(&self) -> Executions {
        let progress = self.progress.borrow();
        let ended: usize = progress.ended.iter().sum();
        Executions {
            succeeded: ended - progress.failed,
            failed: progress.failed,
        }
    }

    pub(crate) fn last_error(&self) -> Option<Error> {
        self.progress.borrow().last_error.clone()
    }
}

impl Progress {
    fn add(&mut self, worker: usize, error: Option<Error>) {
        if let Some(ended) = self.ended.get_mut(worker) {
            *ended += 1;
        }
        if error.is_some() {
            self.failed += 1;
            self.last_error = error;
        }
    }
}

impl fmt::Display for Executions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} succeeded, {} failed", self.succeeded, self.failed)
    }
}

const WORKERS: usize = 2;
