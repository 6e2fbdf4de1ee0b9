//! The turn of a record in Redis: a lease, which a task renews.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use ::redis::{Cmd, Value, cmd};
use tokio::{
    sync::oneshot::{self, Receiver, Sender},
    time::timeout,
};

use super::connections::Connections;
use crate::{error::StoreError, store::StoreKey};

/// The turn of one record in a [`RedisStore`](super::RedisStore). Dropping it gives it up a moment
/// later.
pub struct RedisTurn {
    owner: Owner,
    /// The names of the record whose turn this is.
    names: Names,
    /// Ends the task that renews the lease. Without a message the task gives up the turn.
    given_up: Sender<()>,
}

/// A name that no other turn has.
type Owner = [u8; 16];

/// The names of a record and its turn in Redis. The part in braces puts both on one node of a cluster.
#[derive(Clone)]
pub(super) struct Names {
    record: String,
    turn: String,
}

pub(super) enum Attempt {
    Taken(RedisTurn),
    /// Another holder's lease lasts that long if it is not renewed.
    Held(Duration),
}

/// Takes the turn if it is free.
pub(super) async fn try_take(
    connections: Arc<Connections>,
    names: Names,
) -> Result<Attempt, StoreError> {
    let owner = new_owner();
    let taken = connections.query(&names.take(&owner)).await?;
    if !is_done(&taken) {
        return Ok(Attempt::Held(match taken {
            Value::Int(left) => Duration::from_millis(left.unsigned_abs()),
            _ => LEASE,
        }));
    }
    let (given_up, until) = oneshot::channel();
    tokio::spawn(keep(connections, names.clone(), owner, until));
    Ok(Attempt::Taken(RedisTurn {
        owner,
        names,
        given_up,
    }))
}

/// Makes a name. It is no secret: the first random bytes of aws-lc would cost each instance that waits
/// up to 0.1 s of processor time.
#[allow(clippy::disallowed_methods, reason = "the name is no secret")]
fn new_owner() -> Owner {
    let random = RandomState::new();
    let [high, low] = [0_u8, 1].map(|half| u128::from(random.hash_one(half)));
    (high << 64 | low).to_ne_bytes()
}

/// Renews the lease until the turn ends or is lost.
async fn keep(connections: Arc<Connections>, names: Names, owner: Owner, mut until: Receiver<()>) {
    let mut pause = RENEWAL;
    loop {
        match timeout(pause, &mut until).await {
            Ok(Ok(())) => return,
            Ok(Err(_)) => {
                // Where this fails, the lease ends by itself.
                let _ = connections.query(&names.release(&owner)).await;
                return;
            }
            Err(_) => match connections.query(&names.renew(&owner)).await {
                Ok(renewed) if is_done(&renewed) => pause = RENEWAL,
                Ok(_) => return,
                Err(_) => pause = RENEWAL_AFTER_FAILURE,
            },
        }
    }
}

impl RedisTurn {
    /// Changes the record by a script that first checks the turn and ends it.
    pub(super) async fn change(
        self,
        connections: &Connections,
        script: &Cmd,
    ) -> Result<(), StoreError> {
        if is_done(&connections.query(script).await?) {
            let _ = self.given_up.send(());
            return Ok(());
        }
        Err(StoreError::new(LOST))
    }
}

impl fmt::Debug for RedisTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTurn")
            .field("turn", &self.names.turn)
            .finish_non_exhaustive()
    }
}

impl Names {
    pub(super) fn of(key: &StoreKey) -> Self {
        let name = |part| format!("genesys-cloud-auth:{{{}}}:{part}", key.as_str());
        Self {
            record: name("record"),
            turn: name("turn"),
        }
    }

    pub(super) fn turn(&self) -> &str {
        &self.turn
    }

    /// One byte more than a record can have shows that it is too long.
    pub(super) fn load(&self) -> Cmd {
        let mut load = cmd("GETRANGE");
        load.arg(&self.record).arg(0).arg(MAX_RECORD_BYTES);
        load
    }

    pub(super) fn save(&self, turn: &RedisTurn, value: &[u8], life: Option<Duration>) -> Cmd {
        let mut save = self.script(SAVE, &turn.owner);
        save.arg(value);
        if let Some(life) = life {
            save.arg(millis(life));
        }
        save
    }

    pub(super) fn remove(&self, turn: &RedisTurn) -> Cmd {
        self.script(REMOVE, &turn.owner)
    }

    fn take(&self, owner: &Owner) -> Cmd {
        let mut take = self.script(TAKE, owner);
        take.arg(millis(LEASE));
        take
    }

    fn renew(&self, owner: &Owner) -> Cmd {
        let mut renew = self.script(RENEW, owner);
        renew.arg(millis(LEASE));
        renew
    }

    fn release(&self, owner: &Owner) -> Cmd {
        self.script(RELEASE, owner)
    }

    fn script(&self, script: &str, owner: &Owner) -> Cmd {
        let mut eval = cmd("EVAL");
        eval.arg(script).arg(2).arg(&self.turn).arg(&self.record);
        eval.arg(owner);
        eval
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn is_done(response: &Value) -> bool {
    *response == Value::Int(1)
}

/// Shorter than the 15 seconds for which a provider waits: those who wait outlast a killed holder.
const LEASE: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_secs(3);
const RENEWAL_AFTER_FAILURE: Duration = Duration::from_secs(1);

pub(super) const MAX_RECORD_BYTES: usize = 1 << 20;

const LOST: &str = "the turn was lost: its lease ended, or Redis lost it; nothing was changed";

// KEYS are the turn and the record, ARGV[1] is the owner. Each script responds with 1 if it is done.
// Taking twice does no harm, so a lost response costs nothing. A held turn has -1 to -LEASE.
// Where the response to a change is lost, the same script comes again and finds that it is done.
const TAKE: &str = "\
    local owner = redis.call('GET', KEYS[1]) \
    if owner and owner ~= ARGV[1] then return -math.abs(redis.call('PTTL', KEYS[1])) end \
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) \
    return 1";
const RENEW: &str = "\
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end \
    return redis.call('PEXPIRE', KEYS[1], ARGV[2])";
const SAVE: &str = "\
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then \
        return redis.pcall('GET', KEYS[2]) == ARGV[2] and 1 or 0 \
    end \
    if ARGV[3] then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) \
    else redis.call('SET', KEYS[2], ARGV[2]) end \
    redis.call('DEL', KEYS[1]) \
    redis.pcall('PUBLISH', KEYS[1], '') \
    return 1";
const REMOVE: &str = "\
    local owner = redis.call('GET', KEYS[1]) \
    if owner ~= ARGV[1] then \
        return not owner and not redis.pcall('GET', KEYS[2]) and 1 or 0 \
    end \
    redis.call('DEL', KEYS[2]) \
    redis.call('DEL', KEYS[1]) \
    redis.pcall('PUBLISH', KEYS[1], '') \
    return 1";
const RELEASE: &str = "\
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end \
    redis.call('DEL', KEYS[1]) \
    redis.pcall('PUBLISH', KEYS[1], '') \
    return 1";

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use super::*;

    #[test]
    fn no_two_turns_have_one_name() {
        let names = || (0..1_000).map(|_| new_owner()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(names)).collect();
        let names = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        assert_eq!(names.collect::<HashSet<_>>().len(), 8_000);
    }
}
