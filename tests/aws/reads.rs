//! Alarms, metrics and functions.

use serde_json::json;

use super::*;

/// A cloud with an alarm in this state.
fn with_alarm(state: &str) -> Option<(Cloud, Way, Person)> {
    let cloud = Cloud::start(Emulator::Ministack)?;
    let alarm = json!({
        "AlarmName": "shop errors", "MetricName": "Errors", "Namespace": "Shop", "Statistic": "Sum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
    });
    cloud.call("CloudWatch.PutMetricAlarm", &alarm);
    let set = json!({ "AlarmName": "shop errors", "StateValue": state, "StateReason": "said so" });
    cloud.call("CloudWatch.SetAlarmState", &set);
    let way = Way::to(cloud.port);
    let person = Person::new(way.port);
    Some((cloud, way, person))
}

#[test]
fn an_alarm_fires_does_not_or_has_too_few_data_and_one_that_is_gone_is_no_all_clear() {
    for (state, code, word) in [("OK", 0, "ok"), ("ALARM", 4, "alarm"), ("INSUFFICIENT_DATA", 69, "insufficient-data")]
    {
        let Some((_cloud, _, person)) = with_alarm(state) else { return };
        let ran = person.act(&["cloudwatch.alarm_state", "--alarm", "shop errors", "--json"]);
        assert_eq!((ran.code, &ran.json()["data"]["state"]), (code, &json!(word)), "{ran:?}");
        let firing =
            person.act(&["alert.still_firing", "--source", "cloudwatch", "--label", "alertname=shop errors", "--json"]);
        let answer = match word {
            "ok" => "no",
            "alarm" => "yes",
            _ => "unknown",
        };
        assert_eq!((firing.code, &firing.json()["data"]["firing"]), (code, &json!(answer)), "{firing:?}");
        let gone = person.act(&["cloudwatch.alarm_state", "--alarm", "nope", "--json"]);
        assert!(gone.code == 69 && gone.out.contains("no such alarm"), "{gone:?}");
    }
}

#[test]
fn the_doctor_says_whose_credential_it_is_and_what_is_wrong_with_one() {
    let Some(cloud) = Cloud::start(Emulator::Moto) else { return };
    let way = Way::to(cloud.port);
    let person = Person::new(way.port);
    let doctor = || {
        let mut command = ira(person.home.path());
        command.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE").env("AWS_SECRET_ACCESS_KEY", CANARY);
        Ran::of(command.args(["doctor", "--json"]))
    };
    let well = doctor();
    assert!(well.out.contains("us-east-1, arn:aws:"), "{well:?}");
    way.on(
        "GetCallerIdentity",
        Then::Refuse(403, "ExpiredToken", "The security token included in the request is expired"),
    );
    let expired = doctor();
    assert!(expired.code != 0 && expired.out.contains("the credential has run out"), "{expired:?}");
    assert!(!expired.out.contains(CANARY) && way.writes().is_empty(), "{:?}", way.asked());
}

#[test]
fn a_metric_is_its_newest_value_and_no_value_is_not_zero() {
    let Some(cloud) = Cloud::start(Emulator::Ministack) else { return };
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    for (age, value) in [(240, 9.0), (130, 3.0)] {
        let datum = json!({
            "MetricName": "Errors", "Value": value, "Timestamp": now - age,
            "Dimensions": [{ "Name": "Service", "Value": "web" }],
        });
        cloud.call("CloudWatch.PutMetricData", &json!({ "Namespace": "Shop", "MetricData": [datum] }));
    }
    let person = Person::new(cloud.port);
    let metric = ["cloudwatch.metric", "--namespace", "Shop", "--metric", "Errors", "--statistic", "Sum"];
    let data = person.data(&[&metric[..], &["--dimension", "Service=web"]].concat());
    assert_eq!(data["value"], 3.0, "{data}");
    let none = person.act(&[&metric[..], &["--dimension", "Service=other"]].concat());
    assert!(none.code == 69 && none.err.contains("no data") && none.err.contains("nothing is not zero"), "{none:?}");
}

#[test]
fn a_function_runs_once_and_one_that_fails_may_have_done_something() {
    let Some(cloud) = Cloud::start(Emulator::Ministack) else { return };
    cloud.function(
        "def handler(event, context):\n  if event.get('fail'): raise Exception('half of it is done')\n  return {'cleared': event['many']}\n",
    );
    let way = Way::to(cloud.port);
    let person = Person::new(way.port);
    let invoke = |payload: &'static str| ["lambda.invoke", "--function", "clean", "--payload", payload];
    let dry = person.act(&[&invoke(r#"{"many":3}"#)[..], &["--dry-run"]].concat());
    assert!(dry.code == 0 && way.count("Invoke") == 0, "{dry:?}");
    let ran = person.agreed(&invoke(r#"{"many":3}"#));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["data"]["actions"][0]["answer"], json!({ "cleared": 3 }));
    let failed = person.agreed(&invoke(r#"{"fail":true}"#));
    assert!(failed.code == 1 && failed.out.contains("half of it is done"), "{failed:?}");
    assert_eq!(person.ended(), ["done", "failed:some"]);
    // No answer: it may have run, and nobody but its own log knows.
    way.on("Invoke", Then::Silence);
    let lost = [&invoke(r#"{"many":4}"#)[..], &["--within", "2"]].concat();
    assert_eq!((person.agreed(&lost).code, way.count("Invoke")), (75, 3));
    way.judge(|_| Then::On);
    let settled = person.act(&[&lost[..], &["--resume", "--json"]].concat());
    assert!(settled.out.contains(r#""status":"unknown""#) && way.count("Invoke") == 3, "{settled:?}");
}
