//! The API answers 429, with every kind of `Retry-After`.

use std::time::{Duration, SystemTime};

use super::{Cloud, PATH};
use crate::support::{advance_until_done, kind_of, server::Decision};

#[tokio::test]
async fn a_wait_that_the_api_asks_for_is_waited_out() {
    // The clock goes on by itself, too: less than all of the wait is moved.
    for (retry_after, least) in [
        ("42", 30),
        ("180", 150),
        ("Sun, 09 Sep 2001 01:47:10 GMT", 20),
        ("0", 0),
        ("Sun, 09 Sep 2001 01:00:00 GMT", 0),
        ("-1", 0),
        ("1.5", 0),
        ("soon", 0),
    ] {
        let cloud = Cloud::start();
        cloud.clock.set_wall(start());
        cloud
            .api
            .answers([limited(retry_after), Decision::json(200, "{}")]);
        let call = cloud.client.get(PATH).send();
        let (answer, moved) = advance_until_done(&cloud.clock, call).await;
        answer.unwrap();
        assert!(moved >= Duration::from_secs(least), "{retry_after:?}");
        assert_eq!(cloud.seen(), (1, 2), "{retry_after:?}");
    }
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_a_typed_error_at_once() {
    let minute = Duration::from_secs(60);
    for (retry_after, timeout, told) in [
        ("181", super::LONG, 181),
        ("1000000000", super::LONG, 1_000_000_000),
        ("99999999999999999999", super::LONG, u64::MAX),
        ("61", minute, 61),
    ] {
        let cloud = Cloud::start();
        cloud
            .api
            .answers([limited(retry_after), Decision::json(200, "{}")]);
        let call = cloud.client.get(PATH).timeout(timeout);
        let error = call.send().await.unwrap_err();
        assert_eq!(kind_of(&error), "RateLimited");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(told)));
        assert_eq!(cloud.seen(), (1, 1), "{retry_after}");
    }
    let cloud = Cloud::start();
    cloud.clock.set_wall(start());
    cloud
        .api
        .answers([limited("Sun, 09 Sep 2001 02:46:40 GMT")]);
    let error = cloud.client.get(PATH).send().await.unwrap_err();
    let told = error.retry_after().unwrap().as_secs();
    assert!((3_000..=3_600).contains(&told), "{told}");
    assert_eq!(cloud.seen(), (1, 1));
}

/// 2001-09-09 01:46:40 UTC.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

fn limited(retry_after: &str) -> Decision {
    let body = r#"{"code":"too.many.requests.retry.after","message":"Rate limit exceeded."}"#;
    Decision::of(429, &format!("Retry-After: {retry_after}\r\n"), body)
}
