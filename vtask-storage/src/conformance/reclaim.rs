//! A claim that is sent again answers its own rows, and no others.

use super::declare_checks;
use super::sample::{alike, claim_of, job, lease, owner, write_of};
use super::subject::Subject;
use crate::value::{Claim, NewJob};

declare_checks![
    a_claim_sent_again_answers_the_same_rows,
    a_claim_sent_again_after_a_write_gets_nothing,
    a_claim_of_another_owner_with_the_same_token_gets_nothing,
    a_claim_with_the_token_of_a_neighbour_gets_nothing,
];

async fn a_claim_sent_again_answers_the_same_rows(subject: Subject) {
    for size in [1, 3, 300] {
        let jobs: Vec<NewJob> = (0..size).map(|number| job(&format!("{size}/{number}"))).collect();
        let rows = subject.add_all(&jobs).await;
        let (owner, claims) = (owner("host"), rows.iter().map(claim_of).collect::<Vec<_>>());
        let first = subject.claim(&owner, &claims).await;
        assert_eq!(first.len(), size, "every free row is claimed");
        assert_eq!(subject.claim(&owner, &claims).await, first, "a claim sent again answers as it did before");
    }
}

async fn a_claim_sent_again_after_a_write_gets_nothing(subject: Subject) {
    let rows = subject.add_all(&alike(2)).await;
    let (owner, claims) = (owner("host"), [claim_of(&rows[0]), claim_of(&rows[1])]);
    let claimed = subject.claim(&owner, &claims).await;
    subject.must_write(&write_of(&claimed[0].summary)).await;
    let again = subject.claim(&owner, &claims).await;
    assert_eq!(again, claimed[1..], "a row whose token has changed since is left out, its neighbour is not");
}

async fn a_claim_of_another_owner_with_the_same_token_gets_nothing(subject: Subject) {
    let row = subject.add(job("twin")).await;
    let claim = claim_of(&row);
    let claimed = subject.claim(&owner("first"), &[claim]).await.remove(0);
    assert!(subject.claim(&owner("second"), &[claim]).await.is_empty(), "a row belongs to the life that claimed it");
    subject.assert_unchanged(&claimed, "a claim of another owner").await;
}

async fn a_claim_with_the_token_of_a_neighbour_gets_nothing(subject: Subject) {
    let rows = subject.add_all(&alike(2)).await;
    let owner = owner("host");
    let taken = claim_of(&rows[0]);
    subject.claim(&owner, &[taken]).await;
    let crossed = [claim_of(&rows[0]), Claim { seen: lease(), lease: taken.lease, ..claim_of(&rows[1]) }];
    assert!(subject.claim(&owner, &crossed).await.is_empty(), "a token counts for its own row only");
}
