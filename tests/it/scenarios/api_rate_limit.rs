//! The API responds with 429 and every form of `Retry-After`.

use std::time::{Duration, SystemTime};

use super::PATH;
use crate::support::{
    advance_until_done,
    cloud::{Cloud, LONG, Requests},
    kind_of,
    server::Reply,
};

#[tokio::test]
async fn retry_after_of_the_api_is_waited_out() {
    // The clock moves by itself as well, so the test moves it by less than the whole wait.
    for (retry_after, min_moved) in [
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
            .answers([limited(retry_after), Reply::json(200, "{}")]);
        let call = cloud.client.get(PATH).send();
        let (result, moved) = advance_until_done(&cloud.clock, call).await;
        result.unwrap();
        assert!(moved >= Duration::from_secs(min_moved), "{retry_after:?}");
        let twice = Requests { token: 1, api: 2 };
        assert_eq!(cloud.requests(), twice, "{retry_after:?}");
    }
}

#[tokio::test]
async fn retry_after_beyond_the_limit_is_an_error_at_once() {
    let minute = Duration::from_secs(60);
    for (retry_after, timeout, seconds) in [
        ("181", LONG, 181),
        // At most a day is reported.
        ("1000000000", LONG, 86_400),
        ("99999999999999999999", LONG, 86_400),
        ("61", minute, 61),
    ] {
        let cloud = Cloud::answering([limited(retry_after), Reply::json(200, "{}")]);
        let call = cloud.client.get(PATH).timeout(timeout);
        let error = call.send().await.unwrap_err();
        assert_eq!(kind_of(&error), "RateLimited");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
        let once = Requests { token: 1, api: 1 };
        assert_eq!(cloud.requests(), once, "{retry_after}");
    }
    let cloud = Cloud::start();
    cloud.clock.set_wall(start());
    let in_an_hour = limited("Sun, 09 Sep 2001 02:46:40 GMT");
    cloud.api.answers([in_an_hour]);
    let error = cloud.client.get(PATH).send().await.unwrap_err();
    let wait = error.retry_after().unwrap().as_secs();
    assert!((3_000..=3_600).contains(&wait), "{wait}");
    assert_eq!(cloud.requests(), Requests { token: 1, api: 1 });
}

/// 2001-09-09 01:46:40 UTC.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

fn limited(retry_after: &str) -> Reply {
    let body = r#"{"code":"too.many.requests.retry.after","message":"Rate limit exceeded."}"#;
    Reply::of(429, &format!("Retry-After: {retry_after}\r\n"), body)
}
