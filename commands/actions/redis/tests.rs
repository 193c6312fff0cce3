//! What is counted, and what may be removed.

use serde_json::json;

use super::hit_ratio::between;
use super::{DeleteStale, size};
use crate::actions::Act as _;
use crate::context::{Context, Reads};
use crate::effect::TakenBack;
use crate::fakes::{FixedDirectory, Silent, StoppedClock};
use crate::fault::Kind;
use crate::ports::data::RedisInfo;
use crate::words::Span;

#[test]
fn a_ratio_is_of_one_run_and_of_lookups_that_there_were() {
    let info = |run: &str, hits, misses| RedisInfo { run: run.to_owned(), hits, misses, ..RedisInfo::default() };
    let window = Span { seconds: 10 };
    assert_eq!(between(&info("a", 10, 5), &info("a", 17, 8), window), Ok((7, 3)));
    let kind = |first, second| between(&first, &second, window).expect_err("no ratio").kind;
    assert_eq!(kind(info("a", 10, 5), info("a", 10, 5)), Kind::Missing, "nothing is not zero");
    assert_eq!(kind(info("a", 10, 5), info("b", 20, 9)), Kind::BadAnswer, "restarted");
    assert_eq!(kind(info("a", 10, 5), info("a", 2, 1)), Kind::BadAnswer, "its counters were reset");
}

#[tokio::test]
async fn what_is_stale_has_to_be_said_and_a_whole_cache_never_is() {
    let bare = Reads::new(
        std::sync::Arc::new(FixedDirectory(None)),
        std::sync::Arc::new(StoppedClock(7)),
        std::sync::Arc::new(Silent),
    );
    let dry = Context::dry(bare);
    for with in [
        json!({ "server": "a", "pattern": "*", "idle": "1h" }),
        json!({ "server": "a", "pattern": "**", "idle": "1h" }),
        json!({ "server": "a", "pattern": "", "idle": "1h" }),
        json!({ "server": "a", "pattern": "session:*" }),
        json!({ "server": "a", "pattern": "session:*", "idle": "0s" }),
    ] {
        let stale: DeleteStale = serde_json::from_value(with.clone()).expect("arguments");
        assert_eq!(stale.taken_back(), TakenBack::Irreversible);
        assert_eq!(stale.filter().expect_err("refused").kind, Kind::Usage, "{with}");
        assert!(stale.plan(&dry).await.is_err());
    }
}

#[test]
fn bytes_are_read_by_people() {
    assert_eq!((size(999).as_str(), size(2048).as_str(), size(3 << 30).as_str()), ("999 B", "2.0 KiB", "3.0 GiB"));
}
