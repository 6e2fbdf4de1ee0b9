//! What a provider remembers of its store and its credentials, in addition to the token.

use std::{collections::VecDeque, time::SystemTime};

use secrecy::SecretString;

use super::outside_code::is_same_secret;
use crate::{
    assertion::ParsedAssertion,
    clock::Clock,
    error::{Error, LoginError},
    token::{Record, Version},
};

/// What is known of the records in the store.
#[derive(Default)]
pub(super) struct StoreMemory {
    /// The newest record seen of each lineage, the last seen lineage first. Tokens of services have
    /// no lineage.
    seen: VecDeque<Version>,
}

impl StoreMemory {
    /// Whether someone put this record back: a newer one of its lineage was seen, or its end.
    pub(super) fn is_outdated(&self, record: &Record) -> bool {
        let version = record.version();
        let mut seen = self.seen.iter();
        let newest = seen.find(|seen| seen.lineage == version.lineage);
        newest.is_some_and(|newest| version.generation < newest.generation)
    }

    /// Whether this record is of another login than the last record seen. A record without lineage
    /// cannot be told apart.
    pub(super) fn is_other_login(&self, record: &Record) -> bool {
        let lineage = record.version().lineage;
        let last = self.seen.front();
        lineage.is_some() && last.is_some_and(|last| last.lineage != lineage)
    }

    /// A record is in the store, or was until now. A login that it replaces has ended.
    pub(super) fn record_seen(&mut self, record: &Record) {
        let version = record.version();
        if self.seen.front().map(|last| last.lineage) != Some(version.lineage) {
            self.login_ended();
            self.seen.retain(|seen| seen.lineage != version.lineage);
            self.seen.truncate(MAX_LINEAGES - 1);
            self.seen.push_front(version);
        }
        if let Some(last) = self.seen.front_mut() {
            last.generation = last.generation.max(version.generation);
        }
    }

    /// The records seen so far, `removed` among them, no longer count.
    pub(super) fn records_removed(&mut self, removed: Option<&Record>, clock: &Clock) {
        if let Some(removed) = removed {
            self.record_seen(removed);
        }
        self.login_ended();
        // The next token of a service has no lineage either.
        if self.seen.is_empty() {
            self.seen.push_front(Version::default());
        }
        if let Some(last) = self.seen.front_mut()
            && last.lineage.is_none()
        {
            last.generation = Record::generation_after(last.generation, clock);
        }
    }

    /// The last seen login has ended: none of its records counts any more.
    fn login_ended(&mut self) {
        if let Some(last) = self.seen.front_mut()
            && last.lineage.is_some()
        {
            last.generation = u64::MAX;
        }
    }
}

/// A process hardly sees as many logins under one name, one after the other.
const MAX_LINEAGES: usize = 64;

/// What is known of the client's credentials.
#[derive(Default)]
pub(super) struct ClientMemory {
    accepted: Option<SystemTime>,
    /// The secret that was rejected last, and the error.
    rejected: Option<(SecretString, Error)>,
}

impl ClientMemory {
    /// When the token endpoint last accepted the credentials.
    pub(super) fn last_accepted(&self) -> Option<SystemTime> {
        self.accepted
    }

    pub(super) fn credentials_accepted(&mut self, at: SystemTime) {
        self.accepted = Some(at);
        self.rejected = None;
    }

    /// A record shows that the credentials were accepted when its token was issued.
    pub(super) fn record_seen(&mut self, record: &Record) {
        self.accepted = self.accepted.max(Some(record.issued()));
    }

    pub(super) fn secret_rejected(&mut self, secret: SecretString, error: Error) {
        self.rejected = Some((secret, error));
    }

    pub(super) fn is_rejected(&self, secret: &SecretString) -> bool {
        self.rejection_of(secret).is_some()
    }

    pub(super) fn rejection_of(&self, secret: &SecretString) -> Option<&Error> {
        let (rejected, error) = self.rejected.as_ref()?;
        is_same_secret(rejected, secret).then_some(error)
    }

    pub(super) fn last_rejection(&self) -> Option<&Error> {
        Some(&self.rejected.as_ref()?.1)
    }

    pub(super) fn forget_rejection(&mut self) {
        self.rejected = None;
    }
}

/// What is known of a user's login.
#[derive(Default)]
pub(super) struct LoginMemory {
    rejected: Option<RejectedLogin>,
    unsaved: Option<UnsavedLogin>,
    logged_out: bool,
    /// Whether a task runs that stores the unsaved login.
    pub(super) is_being_stored: bool,
}

/// A login that gave no token.
struct RejectedLogin {
    /// Its record; `None` where none was stored.
    record: Option<Version>,
    /// The client secret, where that was rejected.
    secret: Option<SecretString>,
}

/// A new or renewed login that is not stored yet. Its refresh token is the only valid one.
#[derive(Clone)]
pub(super) struct UnsavedLogin {
    /// The record that it replaces, if there was one.
    pub(super) former: Option<Version>,
    pub(super) record: Record,
}

impl LoginMemory {
    /// There is another login: what was known before does not matter any more.
    pub(super) fn logged_in(&mut self) {
        self.rejected = None;
        self.unsaved = None;
        self.logged_out = false;
    }

    /// The user logged out through this provider. Returns the login that was still to be stored.
    pub(super) fn logged_out(&mut self) -> Option<UnsavedLogin> {
        self.logged_out = true;
        self.unsaved.take()
    }

    /// Why there is no login.
    pub(super) fn required(&self) -> LoginError {
        if self.logged_out {
            LoginError::logged_out()
        } else {
            LoginError::required()
        }
    }

    /// The login in `record`, or the absence of one, led to no token.
    pub(super) fn login_rejected(&mut self, record: Option<&Record>, secret: Option<SecretString>) {
        let record = record.map(Record::version);
        self.rejected = Some(RejectedLogin { record, secret });
    }

    /// Whether this login was rejected before, and the client secret with it, if one was.
    pub(super) fn is_rejected(
        &self,
        record: Option<&Record>,
        secret: Option<&SecretString>,
    ) -> bool {
        self.rejected.as_ref().is_some_and(|rejected| {
            let same_secret = rejected.secret.as_ref().is_none_or(|rejected| {
                secret.is_some_and(|secret| is_same_secret(rejected, secret))
            });
            rejected.record == record.map(Record::version) && same_secret
        })
    }

    /// A token was issued for a login. Whatever comes, a refresh stores it.
    pub(super) fn login_issued(&mut self, unsaved: UnsavedLogin) {
        self.rejected = None;
        self.unsaved = Some(unsaved);
    }

    pub(super) fn login_stored(&mut self) {
        self.unsaved = None;
    }

    /// Whether a login is still to be stored.
    pub(super) fn is_unsaved(&self) -> bool {
        self.unsaved.is_some()
    }

    /// Returns whether the task that stores the unsaved login goes on. Where there is none, it ends, and the
    /// next login that is not stored starts another task.
    pub(super) fn continue_storing(&mut self) -> bool {
        self.is_being_stored = self.is_unsaved();
        self.is_being_stored
    }

    /// Returns the unsaved login that replaces `record`.
    pub(super) fn unsaved_after(&self, record: Option<&Record>) -> Option<UnsavedLogin> {
        let unsaved = self.unsaved.as_ref();
        let replaces = |unsaved: &&UnsavedLogin| unsaved.former == record.map(Record::version);
        unsaved.filter(replaces).cloned()
    }

    /// Another login or a logout came between: there is nothing to store.
    pub(super) fn drop_unsaved(&mut self) {
        self.unsaved = None;
    }
}

/// What is known of the SAML assertions.
#[derive(Default)]
pub(super) struct AssertionMemory {
    /// The assertion that no response came to yet.
    unexchanged: Option<ParsedAssertion>,
    /// Fingerprints of assertions that were exchanged or rejected, newest first: each is valid once.
    used: VecDeque<[u8; 32]>,
    rejected_in_a_row: u32,
}

impl AssertionMemory {
    /// An assertion to send again, since no response came to it. It must still be valid.
    pub(super) fn unexchanged(&self, wall: SystemTime) -> Option<ParsedAssertion> {
        let unexchanged = self.unexchanged.as_ref();
        unexchanged
            .filter(|looked| looked.check_times(wall).is_ok())
            .cloned()
    }

    /// Whether the assertion was exchanged or rejected before.
    pub(super) fn is_used(&self, assertion: &ParsedAssertion) -> bool {
        self.used.contains(&assertion.fingerprint())
    }

    /// An assertion is about to be sent. Its source may return it only once, so it is kept until a
    /// response comes.
    pub(super) fn assertion_obtained(&mut self, assertion: &ParsedAssertion) {
        self.unexchanged = Some(assertion.clone());
    }

    /// A response came to the assertion.
    pub(super) fn assertion_used(&mut self, assertion: &ParsedAssertion, rejected: bool) {
        self.unexchanged = None;
        self.used.truncate(MAX_USED_ASSERTIONS - 1);
        self.used.push_front(assertion.fingerprint());
        self.rejected_in_a_row = if rejected {
            self.rejected_in_a_row + 1
        } else {
            0
        };
    }

    /// Whether the last two assertions were rejected.
    pub(super) fn rejected_repeatedly(&self) -> bool {
        self.rejected_in_a_row > 1
    }
}

/// An assertion is valid for minutes and a token for hours, so a source hardly returns an assertion
/// again after so many others.
const MAX_USED_ASSERTIONS: usize = 64;
