//! Emulators of AWS on loopback, or why there are none here.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ira::config::env::{Env as _, SystemEnv};
use serde_json::{Value, json};

use crate::support::bed::free_port;
use crate::support::run::wait_until;
use crate::support::{in_repository, skipped};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emulator {
    /// Whose services run, and whose functions do.
    Ministack,
    /// Whose refusals are AWS's own.
    Moto,
    /// A DynamoDB with the real one's limits.
    Dynalite,
}

/// One of them; ended when it is dropped.
pub struct Cloud {
    /// Where it listens.
    pub port: u16,
    child: Child,
}

/// Where they are installed, once.
fn installed() -> Option<PathBuf> {
    let cache =
        SystemEnv.get("IRA_BED_CACHE").expect("readable").map_or_else(|| in_repository("target/beds"), PathBuf::from);
    let folder = cache.join("aws");
    let mut build = Command::new(in_repository("tests/beds/aws/build.sh"));
    if build.arg(&folder).stdin(Stdio::null()).status().is_ok_and(|status| status.success()) {
        return Some(folder);
    }
    assert!(SystemEnv.get("CI").expect("readable").is_none(), "CI has emulators of AWS");
    skipped("no emulator of AWS can be installed here");
    None
}

impl Cloud {
    /// `None` where it cannot be had: no Python, no npm, no registry. CI has them.
    pub fn start(which: Emulator) -> Option<Self> {
        let folder = installed()?;
        let port = free_port();
        let mut command = match which {
            Emulator::Ministack => {
                let mut command = Command::new(folder.join("python/bin/ministack"));
                command
                    .env("BIND_HOST", "127.0.0.1")
                    .env("GATEWAY_PORT", port.to_string())
                    .env("SERVICES", "ecs,dynamodb,lambda,cloudwatch,sns,ssm,s3,iam,sts")
                    .env("IOT_MTLS_ENABLED", "0")
                    .env("SFTP_ENABLED", "0")
                    // Nothing is started in the containers of this machine.
                    .env("DOCKER_HOST", "tcp://127.0.0.1:1");
                command
            }
            Emulator::Moto => {
                let mut command = Command::new(folder.join("python/bin/moto_server"));
                command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
                command
            }
            Emulator::Dynalite => {
                let mut command = Command::new("node");
                command.arg(folder.join("node_modules/dynalite/cli.js"));
                command.args(["--port", &port.to_string(), "--createTableMs", "0"]);
                command
            }
        };
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn().expect("it starts");
        wait_until("the emulator listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Self { port, child })
    }

    /// One call as whoever may do everything; `what` is `Ecs.CreateCluster`, `DynamoDB.PutItem`.
    pub fn call(&self, what: &str, body: &Value) -> Value {
        call(self.port, what, body)
    }

    /// A cluster `shop` with the service `web`, of which two tasks run from `web:2`.
    pub fn service(&self) {
        self.call("Ecs.CreateCluster", &json!({ "clusterName": "shop" }));
        for revision in 1..=2 {
            let container = json!({
                "name": "web", "image": format!("web:{revision}"), "cpu": 64, "memory": 128, "essential": true,
                "environment": [{ "name": "MODE", "value": "fast" }],
                "portMappings": [{ "containerPort": 80, "protocol": "tcp" }],
            });
            self.call("Ecs.RegisterTaskDefinition", &json!({ "family": "web", "containerDefinitions": [container] }));
        }
        self.call(
            "Ecs.CreateService",
            &json!({ "cluster": "shop", "serviceName": "web", "taskDefinition": "web:2", "desiredCount": 2 }),
        );
    }

    /// The service `web` as it stands.
    pub fn web(&self) -> Value {
        described(self.port)
    }

    /// A table `locks` with so many items of the partition `checkout`, and one of another.
    pub fn items(&self, many: usize) {
        let part = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        let kind = |name: &str, kind: &str| json!({ "AttributeName": name, "AttributeType": kind });
        self.call(
            "DynamoDB.CreateTable",
            &json!({
                "TableName": "locks", "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [part("owner", "HASH"), part("nr", "RANGE")],
                "AttributeDefinitions": [kind("owner", "S"), kind("nr", "N")],
            }),
        );
        wait_until("the table is there", || {
            self.call("DynamoDB.DescribeTable", &json!({ "TableName": "locks" }))["Table"]["TableStatus"] == "ACTIVE"
        });
        for number in 0..many {
            self.item("checkout", number);
        }
        self.item("other", 0);
    }

    /// One item more.
    pub fn item(&self, owner: &str, number: usize) {
        let item = json!({
            "owner": { "S": owner }, "nr": { "N": number.to_string() },
            "more": { "M": { "held": { "BOOL": true }, "by": { "SS": ["a", "b"] } } },
        });
        self.call("DynamoDB.PutItem", &json!({ "TableName": "locks", "Item": item }));
    }

    /// How many items there are of a partition.
    pub fn count(&self, owner: &str) -> usize {
        let query = json!({
            "TableName": "locks", "KeyConditionExpression": "#o = :o", "ConsistentRead": true,
            "ExpressionAttributeNames": { "#o": "owner" }, "ExpressionAttributeValues": { ":o": { "S": owner } },
        });
        self.call("DynamoDB.Query", &query)["Count"].as_u64().and_then(|many| many.try_into().ok()).expect("a count")
    }

    /// A function `clean` of this Python.
    pub fn function(&self, code: &str) {
        let make = "import boto3, io, sys, zipfile\n\
            file = io.BytesIO()\n\
            with zipfile.ZipFile(file, 'w') as zip: zip.writestr('clean.py', sys.argv[2])\n\
            client = boto3.client('lambda', endpoint_url=sys.argv[1], region_name='us-east-1', aws_access_key_id='test', \
            aws_secret_access_key='test')\n\
            client.create_function(FunctionName='clean', Runtime='python3.11', \
            Role='arn:aws:iam::000000000000:role/x', Handler='clean.handler', Code={'ZipFile': file.getvalue()})\n\
            client.get_waiter('function_active_v2').wait(FunctionName='clean', WaiterConfig={'Delay': 1})\n";
        let folder = installed().expect("it was a moment ago");
        let url = format!("http://127.0.0.1:{}", self.port);
        let made = Command::new(folder.join("python/bin/python")).args(["-c", make, &url, code]).output();
        let made = made.expect("python runs");
        assert!(made.status.success(), "{made:?}");
    }
}

/// Where everything is.
pub const REGION: &str = "us-east-1";

impl Drop for Cloud {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The service `web` of the cloud at a port, as it stands.
pub fn described(port: u16) -> Value {
    let all = call(port, "Ecs.DescribeServices", &json!({ "cluster": "shop", "services": ["web"] }));
    all["services"][0].clone()
}

/// One call as whoever may do everything.
pub fn call(port: u16, what: &str, body: &Value) -> Value {
    let (service, op) = what.split_once('.').expect("a service and a call");
    let (scope, target) = match service {
        "Ecs" => ("ecs", "AmazonEC2ContainerServiceV20141113"),
        "DynamoDB" => ("dynamodb", "DynamoDB_20120810"),
        "CloudWatch" => ("monitoring", "GraniteServiceVersion20100801"),
        other => panic!("{other} is not known"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{scope}/aws4_request, SignedHeaders=host, Signature=0"
    );
    runtime.block_on(async {
        // The second call in a process finds it there.
        let _there = rustls::crypto::ring::default_provider().install_default();
        let request = reqwest::Client::new()
            .post(format!("http://127.0.0.1:{port}/"))
            .timeout(Duration::from_secs(20))
            .header("x-amz-target", format!("{target}.{op}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", scope)
            .body(body.to_string());
        let answer = request.send().await.expect("it answers");
        let status = answer.status();
        let text = answer.text().await.expect("a text");
        assert!(status.is_success(), "{what} {body}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    })
}
