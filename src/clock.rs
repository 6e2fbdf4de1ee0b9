//! The one place that reads clocks.

use std::{
    fmt,
    future::{Future, poll_fn},
    ops::{Add, Sub},
    pin::Pin,
    task::Poll,
    time::{Duration, SystemTime},
};

#[cfg(feature = "test-util")]
use manual::Manual;

/// Where the crate takes the time from.
///
/// A token's life is counted on a clock that goes on while the machine sleeps and that nobody can
/// set. Users meet this type only in their tests, as `Clock::manual()` (feature `test-util`).
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    #[cfg(feature = "test-util")]
    Manual(std::sync::Arc<Manual>),
}

impl Clock {
    /// The machine's clocks.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock for tests: it follows tokio's clock, paused or not, and moves ahead by
    /// [`advance`](Self::advance).
    ///
    /// ```
    /// use std::time::Duration;
    /// use genesys_cloud_auth::Clock;
    ///
    /// let clock = Clock::manual();
    /// clock.advance(Duration::from_secs(3600));
    /// ```
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn manual() -> Self {
        Self(Source::Manual(std::sync::Arc::new(Manual::new())))
    }

    /// Moves a [manual](Self::manual) clock ahead and wakes what sleeps on it. Does nothing to the
    /// system's clock.
    #[cfg(feature = "test-util")]
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.advance(by);
        }
    }

    /// Moves a [manual](Self::manual) clock ahead as a machine's sleep does: the processor's own
    /// timer stands still meanwhile.
    #[cfg(feature = "test-util")]
    pub fn suspend(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.suspend(by);
        }
    }

    /// Sets the wall clock of a [manual](Self::manual) clock, as an administrator or NTP would.
    #[cfg(feature = "test-util")]
    pub fn set_wall(&self, to: SystemTime) {
        if let Source::Manual(manual) = &self.0 {
            manual.set_wall(to);
        }
    }

    /// Now, on the clock that counts a token's life.
    pub(crate) fn now(&self) -> Moment {
        match &self.0 {
            Source::System => system::now(),
            #[cfg(feature = "test-util")]
            Source::Manual(manual) => manual.now(),
        }
    }

    /// A cheap look, to be compared with other looks only.
    pub(crate) fn coarse(&self) -> CoarseTime {
        match &self.0 {
            Source::System => system::coarse(),
            #[cfg(feature = "test-util")]
            Source::Manual(manual) => manual.coarse(),
        }
    }

    /// The wall clock, for what people and files read.
    pub(crate) fn wall(&self) -> SystemTime {
        match &self.0 {
            Source::System => system::wall(),
            #[cfg(feature = "test-util")]
            Source::Manual(manual) => manual.wall(),
        }
    }

    /// Sleeps until `moment`; inside a tokio runtime only.
    pub(crate) fn sleep_until(&self, moment: Moment) -> impl Future<Output = ()> + Send + use<> {
        let clock = self.clone();
        async move {
            #[cfg(feature = "test-util")]
            if let Source::Manual(manual) = &clock.0 {
                // In a box, so that callers' futures stay small.
                return Box::pin(manual.sleep_until(moment)).await;
            }
            loop {
                let left = moment - clock.now();
                if left.is_zero() {
                    return;
                }
                // Tokio's timer stands still while the machine sleeps.
                tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
            }
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock(system)",
            #[cfg(feature = "test-util")]
            Source::Manual(_) => "Clock(manual)",
        })
    }
}

/// The output of `wanted`, or nothing once `limit` ended first.
pub(crate) async fn either<T>(
    mut wanted: Pin<&mut impl Future<Output = T>>,
    mut limit: Pin<&mut impl Future<Output = ()>>,
) -> Option<T> {
    poll_fn(|context| match wanted.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// A point in time on the clock that counts a token's life, in nanoseconds since some start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moment(u64);

impl Moment {
    /// Later than every other.
    pub(crate) const NEVER: Self = Self(u64::MAX);
    /// Earlier than every other.
    pub(crate) const ALWAYS: Self = Self(0);

    #[cfg(test)]
    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by)))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(by)))
    }
}

/// The time from `earlier` to `self`; zero where it is not earlier.
impl Sub for Moment {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Two coarse clocks at once: one nobody can set, and one that goes on while the machine sleeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoarseTime {
    steady: u64,
    wall: u64,
}

impl CoarseTime {
    /// The look that says `by` has passed since `self`, a coarse clock's step early.
    pub(crate) fn after(self, by: Duration) -> Self {
        let by = nanos(by).saturating_sub(COARSE_STEP);
        Self {
            steady: self.steady.saturating_add(by),
            wall: self.wall.saturating_add(by),
        }
    }

    /// Whether both clocks say so.
    #[inline]
    pub(crate) fn is_before(self, other: Self) -> bool {
        self.steady < other.steady && self.wall < other.wall
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How late a sleeper may wake after the machine slept.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The longest a coarse clock lags behind (`CONFIG_HZ=100`).
const COARSE_STEP: u64 = 10_000_000;

/// The machine's clocks.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads clocks"
)]
mod system {
    use std::time::SystemTime;

    use super::{CoarseTime, Moment};

    #[cfg(unix)]
    pub(super) fn now() -> Moment {
        use rustix::time::ClockId;
        // Darwin's monotonic clock goes on in sleep, Linux's does not.
        #[cfg(target_os = "linux")]
        const COUNTS_SLEEP: ClockId = ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        const COUNTS_SLEEP: ClockId = ClockId::Monotonic;
        Moment(read(COUNTS_SLEEP))
    }

    #[cfg(not(unix))]
    pub(super) fn now() -> Moment {
        use std::{sync::LazyLock, time::Instant};
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        Moment(super::nanos(START.elapsed()))
    }

    #[cfg(target_os = "linux")]
    pub(super) fn coarse() -> CoarseTime {
        use rustix::time::ClockId;
        CoarseTime {
            steady: read(ClockId::MonotonicCoarse),
            wall: read(ClockId::RealtimeCoarse),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn coarse() -> CoarseTime {
        let Moment(now) = now();
        CoarseTime {
            steady: now,
            wall: now,
        }
    }

    pub(super) fn wall() -> SystemTime {
        SystemTime::now()
    }

    #[cfg(unix)]
    fn read(clock: rustix::time::ClockId) -> u64 {
        let time = rustix::time::clock_gettime(clock);
        u64::try_from(time.tv_sec)
            .unwrap_or(0)
            .saturating_mul(1_000_000_000)
            .saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
    }
}

#[cfg(feature = "test-util")]
mod manual {
    use std::time::{Duration, SystemTime};

    use parking_lot::Mutex;
    use tokio::{sync::watch, time::Instant};

    use super::{CoarseTime, Moment, nanos, system};

    /// A clock that follows tokio's and can be moved.
    pub(super) struct Manual {
        started: Instant,
        moved: Mutex<Moved>,
        /// Counts the moves, so that sleepers look again.
        moves: watch::Sender<u64>,
    }

    struct Moved {
        by: Duration,
        asleep: Duration,
        wall: SystemTime,
    }

    impl Manual {
        #[allow(
            clippy::disallowed_methods,
            reason = "a manual clock starts from tokio's"
        )]
        pub(super) fn new() -> Self {
            Self {
                started: Instant::now(),
                moved: Mutex::new(Moved {
                    // Far enough from zero for every subtraction.
                    by: Duration::from_secs(1_000_000_000),
                    asleep: Duration::ZERO,
                    wall: system::wall() - Duration::from_secs(1_000_000_000),
                }),
                moves: watch::Sender::new(0),
            }
        }

        pub(super) fn advance(&self, by: Duration) {
            self.moved.lock().by += by;
            self.moves.send_modify(|moves| *moves += 1);
        }

        pub(super) fn suspend(&self, by: Duration) {
            self.moved.lock().asleep += by;
            self.advance(by);
        }

        pub(super) fn set_wall(&self, to: SystemTime) {
            let since_start = self.since_start();
            self.moved.lock().wall = to - since_start;
        }

        pub(super) fn now(&self) -> Moment {
            Moment(nanos(self.since_start()))
        }

        pub(super) fn coarse(&self) -> CoarseTime {
            let since_start = self.since_start();
            let moved = self.moved.lock();
            let wall = (moved.wall + since_start)
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            CoarseTime {
                steady: nanos(since_start.saturating_sub(moved.asleep)),
                wall: nanos(wall),
            }
        }

        pub(super) fn wall(&self) -> SystemTime {
            let since_start = self.since_start();
            self.moved.lock().wall + since_start
        }

        pub(super) async fn sleep_until(&self, moment: Moment) {
            let mut moves = self.moves.subscribe();
            loop {
                let left = moment - self.now();
                if left.is_zero() {
                    return;
                }
                // Whichever comes first; the sender lives as long as `self`.
                let _ = tokio::time::timeout(left, moves.changed()).await;
            }
        }

        fn since_start(&self) -> Duration {
            self.started.elapsed() + self.moved.lock().by
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_do_not_overflow() {
        assert_eq!(Moment::NEVER + Duration::MAX, Moment::NEVER);
        assert_eq!(Moment(5) - Duration::MAX, Moment(0));
        assert_eq!(Moment(5) - Moment(7), Duration::ZERO);
    }

    #[test]
    fn the_system_clock_runs_forward() {
        let clock = Clock::system();
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second);
        let coarse = clock.coarse();
        assert!(coarse.is_before(coarse.after(Duration::from_secs(60))));
        assert!(!coarse.is_before(coarse.after(Duration::ZERO)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_clock_that_counts_the_machines_sleep_is_read() {
        use rustix::time::{ClockId, clock_gettime};
        let boottime = || {
            let time = clock_gettime(ClockId::Boottime);
            u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap()
        };
        let before = boottime();
        let Moment(now) = Clock::system().now();
        assert!((before..=boottime()).contains(&now));
    }

    #[tokio::test(start_paused = true)]
    async fn a_manual_clock_follows_tokio_and_moves() {
        let clock = Clock::manual();
        let start = clock.now();
        tokio::time::advance(Duration::from_secs(5)).await;
        clock.advance(Duration::from_secs(7));
        assert_eq!(clock.now() - start, Duration::from_secs(12));

        let sleeper = tokio::spawn(clock.sleep_until(clock.now() + Duration::from_secs(100)));
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(100));
        sleeper.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_and_a_set_wall_clock_are_seen_at_a_glance() {
        let clock = Clock::manual();
        let until = clock.coarse().after(Duration::from_secs(60));
        assert!(clock.coarse().is_before(until));
        let start = clock.now();
        clock.suspend(Duration::from_secs(61));
        assert!(!clock.coarse().is_before(until));
        assert_eq!(clock.now() - start, Duration::from_secs(61));

        let until = clock.coarse().after(Duration::from_secs(60));
        clock.set_wall(clock.wall() + Duration::from_secs(3600));
        assert!(!clock.coarse().is_before(until));
    }
}
