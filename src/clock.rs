//! The clocks. No other module reads one.

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

/// The clock of a provider.
///
/// The life of a token is measured on a clock that counts the time during suspend and that nobody
/// can set. Programs need this type only in their tests, for `Clock::manual()` (feature
/// `test-util`).
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
    /// The system's clocks.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock for tests. It follows tokio's clock, paused or not, and
    /// [`advance`](Self::advance) moves it forward.
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

    /// Moves a [manual](Self::manual) clock forward and wakes everything that sleeps on it. Has no
    /// effect on the system clock.
    #[cfg(feature = "test-util")]
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.0 {
            manual.advance(by);
        }
    }

    /// Moves a [manual](Self::manual) clock forward as a suspended machine does: clocks that do
    /// not count suspend stand still.
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

    /// Now, on the clock that measures the life of a token.
    pub(crate) fn now(&self) -> Moment {
        match &self.0 {
            Source::System => system::now(),
            #[cfg(feature = "test-util")]
            Source::Manual(manual) => manual.now(),
        }
    }

    /// A time that is cheap to read. It can be compared only with other coarse times.
    #[inline]
    pub(crate) fn coarse(&self) -> CoarseTime {
        match &self.0 {
            Source::System => system::coarse(),
            #[cfg(feature = "test-util")]
            Source::Manual(manual) => manual.coarse(),
        }
    }

    /// The wall clock, for stored records and for people.
    pub(crate) fn wall(&self) -> SystemTime {
        match &self.0 {
            Source::System => system::wall(),
            #[cfg(feature = "test-util")]
            Source::Manual(manual) => manual.wall(),
        }
    }

    /// Sleeps until `moment`. Panics outside a tokio runtime.
    pub(crate) fn sleep_until(&self, moment: Moment) -> impl Future<Output = ()> + Send + use<> {
        let clock = self.clone();
        async move {
            #[cfg(feature = "test-util")]
            if let Source::Manual(manual) = &clock.0 {
                // Boxed, so that the callers' futures stay small.
                return Box::pin(manual.sleep_until(moment)).await;
            }
            loop {
                let left = moment - clock.now();
                if left.is_zero() {
                    return;
                }
                // Tokio's timer does not count suspend.
                tokio::time::sleep(left.min(MAX_SLEEP)).await;
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

/// The output of `future`, or `None` if `limit` ends first.
pub(crate) async fn either<T>(
    mut future: Pin<&mut impl Future<Output = T>>,
    mut limit: Pin<&mut impl Future<Output = ()>>,
) -> Option<T> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// A point in time on the clock that measures the life of a token, in nanoseconds since an
/// arbitrary start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moment(u64);

impl Moment {
    /// Later than every other moment.
    pub(crate) const NEVER: Self = Self(u64::MAX);

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

/// The time from `earlier` to `self`, or zero if `earlier` is later.
impl Sub for Moment {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The times of two coarse clocks: one that nobody can set, and one that counts suspend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoarseTime {
    steady: u64,
    wall: u64,
}

impl CoarseTime {
    /// The time `by` later, or up to one step of a coarse clock earlier than that.
    pub(crate) fn after(self, by: Duration) -> Self {
        let by = nanos(by).saturating_sub(COARSE_STEP_NANOS);
        Self {
            steady: self.steady.saturating_add(by),
            wall: self.wall.saturating_add(by),
        }
    }

    /// Whether both clocks show the time of `other`, to within one step.
    pub(crate) fn is_close_to(self, other: Self) -> bool {
        self.steady.abs_diff(other.steady) <= COARSE_STEP_NANOS
            && self.wall.abs_diff(other.wall) <= COARSE_STEP_NANOS
    }

    /// Whether both clocks show an earlier time than `other`.
    #[inline]
    pub(crate) fn is_before(self, other: Self) -> bool {
        self.steady < other.steady && self.wall < other.wall
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The moment at which a clock starts: with the machine, the process or the test. It leaves room for
/// the age of a stored token, which may be older.
const START: Duration = Duration::from_secs(1_000_000_000);

/// The maximum time by which a sleeper wakes too late after suspend.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// The maximum lag of a coarse clock in nanoseconds (`CONFIG_HZ=100`).
const COARSE_STEP_NANOS: u64 = 10_000_000;

/// The system's clocks.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads clocks"
)]
mod system {
    use std::time::SystemTime;

    use super::{CoarseTime, Moment, START};

    #[cfg(unix)]
    pub(super) fn now() -> Moment {
        use rustix::time::ClockId;
        // Darwin's monotonic clock counts suspend, that of Linux and Android does not.
        #[cfg(any(target_os = "android", target_os = "linux"))]
        const COUNTS_SUSPEND: ClockId = ClockId::Boottime;
        #[cfg(not(any(target_os = "android", target_os = "linux")))]
        const COUNTS_SUSPEND: ClockId = ClockId::Monotonic;
        Moment(read(COUNTS_SUSPEND)) + START
    }

    #[cfg(not(unix))]
    pub(super) fn now() -> Moment {
        use std::{sync::LazyLock, time::Instant};
        static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
        Moment(super::nanos(FIRST.elapsed())) + START
    }

    #[cfg(target_os = "linux")]
    #[inline]
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

    /// Returns nanoseconds. They wrap after 584 years, and before 1970.
    #[cfg(unix)]
    #[inline]
    fn read(clock: rustix::time::ClockId) -> u64 {
        let time = rustix::time::clock_gettime(clock);
        let seconds = time.tv_sec.cast_unsigned().wrapping_mul(1_000_000_000);
        #[allow(
            clippy::useless_conversion,
            reason = "the type differs between systems"
        )]
        seconds.wrapping_add(i64::from(time.tv_nsec).cast_unsigned())
    }
}

#[cfg(feature = "test-util")]
mod manual {
    use std::time::{Duration, SystemTime};

    use parking_lot::Mutex;
    use tokio::{sync::watch, time::Instant};

    use super::{CoarseTime, Moment, START, nanos, system};

    /// A clock that follows tokio's and can be moved forward.
    pub(super) struct Manual {
        started: Instant,
        moved: Mutex<Moved>,
        /// The number of moves. A change wakes the sleepers.
        moves: watch::Sender<u64>,
    }

    struct Moved {
        by: Duration,
        suspended: Duration,
        /// The wall clock at the start of the manual clock.
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
                    by: START,
                    suspended: Duration::ZERO,
                    wall: system::wall() - START,
                }),
                moves: watch::Sender::new(0),
            }
        }

        pub(super) fn advance(&self, by: Duration) {
            self.moved.lock().by += by;
            self.moves.send_modify(|moves| *moves += 1);
        }

        pub(super) fn suspend(&self, by: Duration) {
            self.moved.lock().suspended += by;
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
                steady: nanos(since_start.saturating_sub(moved.suspended)),
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
                // The sender lives as long as `self`.
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
    fn system_clock_runs_forward() {
        let clock = Clock::system();
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second);
        let coarse = clock.coarse();
        assert!(coarse.is_before(coarse.after(Duration::from_secs(60))));
        assert!(!coarse.is_before(coarse.after(Duration::ZERO)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn system_clock_counts_suspend() {
        use rustix::time::{ClockId, clock_gettime};
        let boottime = || {
            let time = clock_gettime(ClockId::Boottime);
            u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap()
        };
        let before = boottime();
        let Moment(now) = Clock::system().now() - START;
        assert!((before..=boottime()).contains(&now));
    }

    #[tokio::test(start_paused = true)]
    async fn manual_clock_follows_tokio_and_can_be_advanced() {
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
    async fn coarse_time_notices_suspend_and_a_set_wall_clock() {
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
