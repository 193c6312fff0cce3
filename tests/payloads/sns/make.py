#!/usr/bin/env python3
"""Writes the messages of this folder, signed as Amazon SNS signs, with a key that is thrown away afterwards.

    ./make.py        needs openssl; the tests need neither
"""
import base64, json, pathlib, subprocess, tempfile

here = pathlib.Path(__file__).parent
TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"
URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-test.pem"
SUBSCRIBE = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc123"

def sign(key, message):
    kind = message["Type"]
    names = ["Message", "MessageId"]
    names += ["Subject"] if kind == "Notification" and "Subject" in message else []
    names += ["SubscribeURL"] if kind != "Notification" else []
    names += ["Timestamp"]
    names += ["Token"] if kind != "Notification" else []
    names += ["TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names)
    digest = {"1": "-sha1", "2": "-sha256"}[message["SignatureVersion"]]
    out = subprocess.run(["openssl", "dgst", digest, "-sign", key], input=text.encode(), capture_output=True, check=True)
    return base64.b64encode(out.stdout).decode()

def message(name, kind="Notification", body="", version="2", **more):
    return name, {"Type": kind, "MessageId": f"0a1b2c3d-{name}", "TopicArn": TOPIC, "Message": body,
                  "Timestamp": "2026-11-22T10:00:00.000Z", "SignatureVersion": version, **more}

def carried(name):
    return (here.parent / name).read_text()

ALL = [
    message("cloudwatch-v1", body=carried("cloudwatch/alarm.json"), version="1", Subject='ALARM: "queue-depth"'),
    message("cloudwatch-v2", body=carried("cloudwatch/alarm.json"), Subject='ALARM: "queue-depth"'),
    message("cloudwatch-ok", body=carried("cloudwatch/ok.json")),
    message("eventbridge-alarm", body=carried("cloudwatch/event-alarm.json")),
    message("eventbridge-other", body=carried("cloudwatch/event-other.json")),
    message("alertmanager", body=carried("alertmanager/three-01-firing-n3.json")),
    message("unknown", body="disk full on web-01"),
    message("confirm", kind="SubscriptionConfirmation", body="You have chosen to subscribe …", SubscribeURL=SUBSCRIBE, Token="abc123"),
    message("confirm-v1", kind="SubscriptionConfirmation", body="You have chosen to subscribe …", version="1", SubscribeURL=SUBSCRIBE, Token="abc123"),
    message("ended", kind="UnsubscribeConfirmation", body="You have chosen to deactivate …", SubscribeURL=SUBSCRIBE, Token="abc123"),
]

with tempfile.TemporaryDirectory() as folder:

    for name, days in [("certificate", "7300"), ("other", "7300")]:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/{name}.key", "-days", days,
                        "-subj", "/CN=sns.amazonaws.com", "-out", here / f"{name}.pem"], check=True, capture_output=True)
    for name, one in ALL:
        one["Signature"] = sign(f"{folder}/certificate.key", one)
        one["SigningCertURL"] = URL
        (here / f"{name}.json").write_text(json.dumps(one, ensure_ascii=False, indent=2) + "\n")
