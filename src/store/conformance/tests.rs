//! The check fails on stores with one fault each.

mod toy;

use std::sync::Arc;

use super::*;
use crate::store::MemoryStore;
use toy::{Fault, Fault::*, Toy};

async fn check(fault: Fault) -> Result<(), String> {
    let shared = Arc::default();
    store_conformance_with_lost_turns(
        async || Toy::new(fault, &shared),
        async |key| {
            shared.lock().holders.remove(key.as_str());
        },
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn store_with_one_fault_fails_that_rule() {
    let cases = [
        (LoadsAbsentRecords, "an absent record is loaded as none"),
        (LoadsText, "a record is loaded as it was saved"),
        (LoadsTheBeginning, "a record is loaded as it was saved"),
        (LoadsStaleRecords, "save replaces the record"),
        (KeepsTheFirst, "save replaces the record"),
        (AppendsToTheFirst, "save replaces the record"),
        (RemovesNothing, "remove removes the record"),
        (FailsToRemoveAbsent, "remove removes the record"),
        (RemovesAll, "keys are independent"),
        (HasOneTurnForAllKeys, "keys are independent"),
        (LoadsNothingDuringATurn, "load needs no turn"),
        (GrantsTurnsToAll, "a turn has one holder"),
        (GrantsATurnToEachHandle, "a turn has one holder"),
        (WaitsForever, "take_turn waits no longer than asked"),
        (WaitsNever, "take_turn waits for a held turn"),
        (WaitsAlways, "a free turn needs no wait"),
        (KeepsDroppedTurns, "a dropped turn is given up"),
        (KeepsAfterSave, "save gives up the turn"),
        (KeepsAfterRemove, "remove gives up the turn"),
        (TakesForACancelledWait, CANCELLED),
        (SavesLate, "a lost turn saves nothing"),
        (RemovesLate, "a lost turn removes nothing"),
        (FreesTheTurnOfAnother, LOST_DROP),
        (FreesTheTurnOfAnotherLater, LOST_DROP),
        (RenewsNoLease, "a turn that is kept outlives its lease"),
        (
            FreesTheTurnOfAnotherAtARenewal,
            "a lost turn that is kept leaves the next holder its turn",
        ),
    ];
    for (fault, clause) in cases {
        let report = check(fault).await.expect_err(&format!("{fault:?} passes"));
        let names_clause = report.starts_with(&format!("{clause}: "));
        assert!(names_clause, "{fault:?}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn store_without_fault_passes() {
    for legal in [Nothing, DropsLater, DropsWithTheLease] {
        check(legal).await.unwrap();
    }
    let memory = MemoryStore::new();
    store_conformance(async || memory.clone()).await.unwrap();
}

const CANCELLED: &str = "a cancelled take_turn takes nothing";
const LOST_DROP: &str = "a lost turn that is dropped leaves the next holder its turn";
