//! Amazon SNS: messages signed by a key of the tests.

use super::*;

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alarms";

fn sns() -> Arc<Sns> {
    Arc::new(Sns { certificate: Some("sns/certificate.pem"), ..Sns::default() })
}

fn listening(sns: &Arc<Sns>) -> Source {
    source_of(&config(Sender::Sns(vec![TOPIC.to_owned()]), ProofConfig::Inside), sns)
}

fn message(name: &str) -> String {
    String::from_utf8(payload(&format!("sns/{name}.json"))).unwrap()
}

fn taken(name: &str) -> Batch {
    take(&listening(&sns()), message(name).as_bytes()).unwrap()
}

#[test]
fn an_alarm_comes_through_a_topic_in_both_versions_of_the_signature() {
    for name in ["cloudwatch-v1", "cloudwatch-v2"] {
        let batch = taken(name);
        let [one] = &batch.deliveries[..] else { panic!("{batch:?}") };
        assert_eq!((one.incoming.source.as_str(), one.id.as_str()), ("cloudwatch", &*format!("0a1b2c3d-{name}")));
        let labels = &one.incoming.alert.labels;
        for (label, value) in [
            ("alertname", "queue-depth"),
            ("state", "ALARM"),
            ("account", "123456789012"),
            ("region", "eu-west-1"),
            ("namespace", "AWS/SQS"),
            ("metric", "ApproximateNumberOfMessagesVisible"),
            ("QueueName", "orders"),
        ] {
            assert_eq!(labels.get(label).map(String::as_str), Some(value), "{label}");
        }
        assert_eq!(one.incoming.starts_at, Some(1_795_255_198));
        assert_eq!(one.incoming.alert.annotations["summary"], "The queue of orders is long");
    }
}

#[test]
fn an_alarm_is_the_same_by_its_action_and_by_its_event() {
    let (action, event, over) = (taken("cloudwatch-v2"), taken("eventbridge-alarm"), taken("cloudwatch-ok"));
    let (action, event, over) = (&action.deliveries[0], &event.deliveries[0], &over.deliveries[0]);
    assert_eq!(action.fingerprint, event.fingerprint);
    assert_eq!(action.incoming.alert.labels, event.incoming.alert.labels);
    assert_eq!(action.fingerprint, over.fingerprint);
    assert!(over.incoming.alert.resolved && !action.incoming.alert.resolved);
}

#[test]
fn other_events_and_other_senders_bodies_are_read_too() {
    let event = taken("eventbridge-other");
    let labels = &event.deliveries[0].incoming.alert.labels;
    assert_eq!(event.deliveries[0].incoming.source, "eventbridge");
    assert_eq!((labels["alertname"].as_str(), labels["source"].as_str()), ("ECS Task State Change", "aws.ecs"));
    assert_eq!((labels["stopCode"].as_str(), labels["version"].as_str()), ("EssentialContainerExited", "5"));

    let through = taken("alertmanager");
    let direct = take(&trusted(Sender::Alertmanager), &payload("alertmanager/three-01-firing-n3.json")).unwrap();
    assert_eq!(through, direct, "the same alerts, whichever way they come");

    let refusal = take(&listening(&sns()), message("unknown").as_bytes()).unwrap_err();
    assert_eq!((refusal.status, refusal.authenticated), (400, true), "somebody must hear of it");
}

#[test]
fn what_is_changed_is_a_strangers() {
    let good = message("cloudwatch-v2");
    for (from, to) in [
        ("queue-depth", "queue-dept"),
        ("0a1b2c3d", "0a1b2c3e"),
        ("10:00:00.000Z", "10:00:01.000Z"),
        ("\"SignatureVersion\": \"2\"", "\"SignatureVersion\": \"1\""),
        ("\"SignatureVersion\": \"2\"", "\"SignatureVersion\": \"3\""),
        (":alarms\"", ":other\""),
        ("\"Signature\": \"", "\"Signature\": \"AAAA"),
        ("\"Signature\": \"", "\"Signature\": \"*"),
        ("\"Type\": \"Notification\"", "\"Type\": \"SubscriptionConfirmation\""),
        ("\"Subject\": \"", "\"Subject\": \"!"),
        ("eu-west-1.amazonaws.com", "eu-west-1.amazonaws.com.evil.example"),
    ] {
        assert!(good.contains(from), "{from}");
        let refusal = take(&listening(&sns()), good.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!((refusal.status, refusal.authenticated), (401, false), "{to}: {}", refusal.why);
    }
    let other = Arc::new(Sns { certificate: Some("sns/other.pem"), ..Sns::default() });
    assert_eq!(take(&listening(&other), good.as_bytes()).unwrap_err().status, 401);
    let no_pem = Arc::new(Sns { certificate: Some("sns/unknown.json"), ..Sns::default() });
    assert_eq!(take(&listening(&no_pem), good.as_bytes()).unwrap_err().status, 401);
}

#[test]
fn a_strangers_message_fetches_nothing() {
    let sns = sns();
    let source = listening(&sns);
    for (from, to) in [(":alarms\"", ":other\""), ("sns.eu-west-1.amazonaws.com", "169.254.169.254")] {
        let _refused = take(&source, message("cloudwatch-v2").replace(from, to).as_bytes());
    }
    assert_eq!(sns.asked.load(Ordering::SeqCst), 0);
    for _ in 0..3 {
        take(&source, message("cloudwatch-v2").as_bytes()).unwrap();
    }
    assert_eq!(sns.asked.load(Ordering::SeqCst), 1, "a certificate that has proved a message is remembered");
}

#[test]
fn a_certificate_that_cannot_be_had_is_asked_for_again() {
    let away = Arc::new(Sns::default());
    let refusal = take(&listening(&away), message("cloudwatch-v2").as_bytes()).unwrap_err();
    assert_eq!((refusal.status, refusal.authenticated), (503, false));
}

#[test]
fn a_message_of_another_time_is_refused() {
    let body = message("cloudwatch-v2");
    // After its certificate has ended, and after everybody's patience.
    for now in [NOW + 50 * 3_600, NOW + 40 * 365 * 86_400, 0] {
        let refusal = hand(&listening(&sns()), &[], body.as_bytes(), now).unwrap_err();
        assert_eq!((refusal.status, refusal.authenticated), (401, false), "{now}: {}", refusal.why);
    }
}

#[test]
fn a_subscription_to_the_topic_confirms_itself() {
    for name in ["confirm", "confirm-v1"] {
        let sns = sns();
        let batch = take(&listening(&sns), message(name).as_bytes()).unwrap();
        assert!(batch.deliveries.is_empty() && batch.note.is_some());
        assert_eq!(*sns.confirmed.lock().unwrap(), [(TOPIC.to_owned(), "abc123".to_owned())]);
    }
    let sns = Arc::new(Sns { refuses: true, certificate: Some("sns/certificate.pem"), ..Sns::default() });
    let refusal = take(&listening(&sns), message("confirm").as_bytes()).unwrap_err();
    assert_eq!((refusal.status, refusal.authenticated), (503, true));
    // A topic that is not ours is not subscribed to, whoever signs.
    let strange = message("confirm").replace(":alarms", ":other");
    assert_eq!(take(&listening(&sns), strange.as_bytes()).unwrap_err().status, 401);
    let ended = take(&listening(&sns), message("ended").as_bytes()).unwrap_err();
    assert!(ended.authenticated && ended.why.contains("ended the subscription"), "somebody must hear of it");
}

#[test]
fn the_name_that_lambda_spells_differently_is_read() {
    let body = message("cloudwatch-v2").replace("SigningCertURL", "SigningCertUrl");
    assert!(take(&listening(&sns()), body.as_bytes()).is_ok());
}
