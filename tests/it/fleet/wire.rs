//! Wires that are slow, cut what they carry in pieces, or fail in every way: guards that this costs time, and neither a job
//! nor an attempt.

use std::time::Duration;

use tokio::time::sleep;

use super::proxy::{Mishap, Proxy, Quality};
use super::work::{SOON, Work};
use crate::database::{TestDatabase, on_each_server};

/// How long a server may be silent before its connections are given up, and some.
const SILENCE: Duration = Duration::from_secs(45);

/// Has something happen to all connections of a center at work, and waits until it goes on.
async fn is_survived(database: &TestDatabase, mishap: Mishap, longest: Duration) {
    let proxy = Proxy::before(database).await;
    let work = Work::begun(database, proxy.url()).await;
    proxy.strike(mishap);
    // What was on its way there may still be recorded.
    sleep(Duration::from_millis(100)).await;
    let took = work.resumed(work.recorded().await).await;
    println!("the first step was recorded {took:?} after {mishap:?}");
    assert!(took < longest, "{took:?}");
    work.check().await;
}

/// Has a center do all its work over such a wire.
async fn is_borne(database: &TestDatabase, quality: Quality) {
    let proxy = Proxy::before(database).await;
    let work = Work::begun(database, proxy.url()).await;
    proxy.carry_so(quality);
    work.check().await;
}

on_each_server! {
    async fn connections_that_are_reset_are_replaced(database) {
        is_survived(&database, Mishap::Reset, SOON).await;
    }

    async fn connections_that_are_half_closed_are_replaced(database) {
        is_survived(&database, Mishap::HalfClosed, SOON).await;
    }

    async fn connections_that_fall_silent_are_given_up(database) {
        is_survived(&database, Mishap::Silent, SILENCE).await;
    }

    async fn wire_of_long_delays_is_borne(database) {
        is_borne(&database, Quality { latency: Duration::from_millis(100), ..Quality::default() }).await;
    }

    async fn wire_that_slices_what_it_carries_is_borne(database) {
        is_borne(&database, Quality { slices: Some(7), ..Quality::default() }).await;
    }

    async fn narrow_wire_is_borne(database) {
        is_borne(&database, Quality { speed: Some(20_000), ..Quality::default() }).await;
    }
}
