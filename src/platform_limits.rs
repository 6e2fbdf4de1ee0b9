//! The documented limits and dates of Genesys Cloud.
//!
//! Source: Genesys Cloud Resource Center, "Create an OAuth client".

use std::{fmt, ops::RangeInclusive, time::Duration};

/// The month since which a client's secret is shown only when it is generated.
pub const SECRET_SHOWN_ONCE_SINCE: Month = Month::new(2025, 11);

/// The month from which no client can be created with the implicit grant.
pub const IMPLICIT_GRANT_CLOSED_SINCE: Month = Month::new(2026, 5);

/// The month from which clients with the implicit grant get no more tokens.
pub const IMPLICIT_GRANT_ENDS: Month = Month::new(2027, 5);

/// The month that Genesys staff have named in the community for [`IMPLICIT_GRANT_CLOSED_SINCE`].
pub const IMPLICIT_GRANT_EARLIEST_CLOSING: Month = Month::new(2026, 3);

/// The month that Genesys staff have named in the community for [`IMPLICIT_GRANT_ENDS`]. Be done by
/// then.
pub const IMPLICIT_GRANT_EARLIEST_END: Month = Month::new(2027, 3);

/// The token durations that an OAuth client can have.
pub const TOKEN_DURATION: RangeInclusive<Duration> =
    Duration::from_secs(300)..=Duration::from_secs(172_800);

/// The token duration that Genesys recommends: an agent's workday.
pub const RECOMMENDED_TOKEN_DURATION: Duration = Duration::from_secs(64_800);

/// The longest token duration, 450 days, which only SCIM integrations can have.
pub const MAX_SCIM_TOKEN_DURATION: Duration = Duration::from_secs(38_880_000);

/// The maximum number of redirect URIs of an OAuth client.
pub const MAX_REDIRECT_URIS: usize = 125;

/// The age up to which an OAuth client is deleted at once. An older one stays inactive for
/// [`RESTORATION_PERIOD`], in which it can be restored.
///
/// Source: Genesys Cloud Resource Center, "Manage OAuth clients".
pub const IMMEDIATE_DELETION_AGE: Duration = Duration::from_secs(30 * 86_400);

/// How long an OAuth client that was deleted later than [`IMMEDIATE_DELETION_AGE`] can be restored.
pub const RESTORATION_PERIOD: Duration = Duration::from_secs(7 * 86_400);

/// The token duration of an OAuth client that is created without one.
pub const DEFAULT_TOKEN_DURATION: Duration = Duration::from_secs(86_400);

/// The idle timeout of tokens in an organisation under HIPAA.
pub const HIPAA_IDLE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// A month of a year; shown as `May 2026`.
///
/// ```
/// use genesys_cloud_auth::limits::{IMPLICIT_GRANT_ENDS, SECRET_SHOWN_ONCE_SINCE};
///
/// assert!(SECRET_SHOWN_ONCE_SINCE < IMPLICIT_GRANT_ENDS);
/// assert_eq!(IMPLICIT_GRANT_ENDS.to_string(), "May 2027");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: u16,
    number: u8,
}

impl Month {
    const fn new(year: u16, number: u8) -> Self {
        Self { year, number }
    }

    /// Returns the year, such as 2027.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }

    /// Returns the number of the month in the year, 1 to 12.
    #[must_use]
    pub fn number(self) -> u8 {
        self.number
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.get(usize::from(self.number).wrapping_sub(1));
        write!(f, "{} {}", name.unwrap_or(&"?"), self.year)
    }
}

const NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_match_the_published_pages() {
        let dates = [
            SECRET_SHOWN_ONCE_SINCE,
            IMPLICIT_GRANT_CLOSED_SINCE,
            IMPLICIT_GRANT_ENDS,
            IMPLICIT_GRANT_EARLIEST_CLOSING,
            IMPLICIT_GRANT_EARLIEST_END,
        ];
        let shown = dates.map(|date| (date.to_string(), date.year(), date.number()));
        let expected = [
            ("November 2025", 2025, 11),
            ("May 2026", 2026, 5),
            ("May 2027", 2027, 5),
            ("March 2026", 2026, 3),
            ("March 2027", 2027, 3),
        ];
        assert_eq!(
            shown,
            expected.map(|(text, year, number)| (text.to_owned(), year, number))
        );
        assert_eq!(TOKEN_DURATION.start().as_secs(), 5 * 60);
        assert_eq!(TOKEN_DURATION.end().as_secs(), 48 * 3_600);
        assert_eq!(RECOMMENDED_TOKEN_DURATION.as_secs(), 18 * 3_600);
        assert_eq!(MAX_SCIM_TOKEN_DURATION.as_secs(), 450 * 86_400);
        assert_eq!(MAX_REDIRECT_URIS, 125);
        assert_eq!(IMMEDIATE_DELETION_AGE.as_secs(), 30 * 86_400);
        assert_eq!(RESTORATION_PERIOD.as_secs(), 7 * 86_400);
        assert_eq!(DEFAULT_TOKEN_DURATION.as_secs(), 24 * 3_600);
        assert_eq!(HIPAA_IDLE_TIMEOUT.as_secs(), 15 * 60);
    }
}
