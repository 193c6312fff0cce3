//! AWS: every thing is there, and something could be done to each.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::Tripwire;
use crate::actions::Broken;
use crate::fakes::ScriptedChain;
use crate::fault::Fault;
use crate::ports::aws::{
    Account, Alarm, AlarmState, AwsPlace, CloudWatchRead, Container, ContainerChange, Deployment, DynamoRead,
    DynamoWrite, EcsRead, EcsWrite, Found, Function, FunctionName, Invoked, KeyKind, KeyQuery, LambdaRead, LambdaWrite,
    MetricAsk, Point, Service, ServiceName, TableKeys, TaskDefinition,
};
use crate::ports::kept::{KeptRead, KeptWrite};

#[async_trait]
impl AwsPlace for Tripwire {
    async fn place(&self, _account: Account<'_>) -> Result<String, Fault> {
        Ok("eu-west-1".to_owned())
    }

    fn attempt(&self) -> String {
        "a1".to_owned()
    }
}

#[async_trait]
impl CloudWatchRead for Tripwire {
    async fn alarm(&self, _account: Account<'_>, name: &str) -> Result<Alarm, Fault> {
        Ok(Alarm {
            name: name.to_owned(),
            state: AlarmState::Alarm,
            reason: "too high".to_owned(),
            since: Some(ScriptedChain::TIME),
            watches: "AWS/ECS CPUUtilization".to_owned(),
            tells: true,
        })
    }

    async fn metric(&self, _account: Account<'_>, _ask: &MetricAsk) -> Result<Vec<Point>, Fault> {
        Ok(vec![Point { at: ScriptedChain::TIME - 60, value: 0.5 }])
    }
}

#[async_trait]
impl EcsRead for Tripwire {
    async fn service(&self, _account: Account<'_>, _name: &ServiceName) -> Result<Service, Fault> {
        let newest = Deployment { id: "d1".to_owned(), running: 2, desired: 2, ..Deployment::default() };
        Ok(Service {
            status: "ACTIVE".to_owned(),
            controller: "ECS".to_owned(),
            replicas: true,
            desired: 2,
            running: 2,
            task_definition: "x:2".to_owned(),
            deployments: vec![newest],
            ..Service::default()
        })
    }

    async fn task_definition(&self, _account: Account<'_>, name: &str) -> Result<TaskDefinition, Fault> {
        let container = Container { name: "x".to_owned(), image: "x:1".to_owned(), ..Container::default() };
        Ok(TaskDefinition {
            name: name.to_owned(),
            status: "ACTIVE".to_owned(),
            containers: vec![container],
            ..TaskDefinition::default()
        })
    }
}

#[async_trait]
impl EcsWrite for Tripwire {
    async fn set_desired(&self, _: Account<'_>, name: &ServiceName, tasks: u32) -> Result<Service, Broken> {
        panic!("a service is scaled: {name} {tasks}")
    }

    async fn register(&self, _: Account<'_>, from: &str, change: &ContainerChange) -> Result<String, Broken> {
        panic!("a revision is made: {from} {change:?}")
    }

    async fn run_on(&self, _: Account<'_>, name: &ServiceName, task_definition: &str) -> Result<Service, Broken> {
        panic!("a service is changed: {name} {task_definition}")
    }
}

#[async_trait]
impl DynamoRead for Tripwire {
    async fn table(&self, _account: Account<'_>, _table: &str) -> Result<TableKeys, Fault> {
        let partition = ("id".to_owned(), KeyKind::Text);
        Ok(TableKeys { status: "ACTIVE".to_owned(), partition, sort: None })
    }

    async fn query(&self, _account: Account<'_>, query: &KeyQuery) -> Result<Found, Fault> {
        Ok(Found { items: vec![json!({ "id": { "S": query.partition } })], more: false })
    }
}

#[async_trait]
impl DynamoWrite for Tripwire {
    async fn delete(&self, _: Account<'_>, table: &str, keys: &[Json]) -> Result<Vec<Json>, Broken> {
        panic!("items are deleted: {table} {keys:?}")
    }

    async fn put_new(&self, _: Account<'_>, table: &str, _key: &[&str], item: &Json) -> Result<bool, Broken> {
        panic!("an item is put: {table} {item}")
    }
}

#[async_trait]
impl LambdaRead for Tripwire {
    async fn function(&self, _account: Account<'_>, _name: &FunctionName) -> Result<Function, Fault> {
        Ok(Function { version: "1".to_owned(), state: "Active".to_owned(), timeout: 3, ..Function::default() })
    }
}

#[async_trait]
impl LambdaWrite for Tripwire {
    async fn invoke(
        &self,
        _account: Account<'_>,
        name: &FunctionName,
        payload: &Json,
        _seconds: u64,
    ) -> Result<Invoked, Broken> {
        panic!("a function is run: {name} {payload}")
    }
}

impl KeptRead for Tripwire {
    fn place(&self) -> Result<String, Fault> {
        Ok("/var/lib/ira/kept".to_owned())
    }

    fn kept(&self, _name: &str) -> Result<Vec<u8>, Fault> {
        Ok(br#"{"place":"eu-west-1","table":"t","key":[["id","S"]],"partition":"a","at":1,"items":[{"id":{"S":"b"}}]}"#
            .to_vec())
    }
}

impl KeptWrite for Tripwire {
    fn keep(&self, name: &str, _bytes: &[u8]) -> Result<String, Fault> {
        panic!("something is kept: {name}")
    }
}
