//! A cluster: every object is there, and something could be done to each.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::Tripwire;
use crate::actions::Broken;
use crate::fault::Fault;
use crate::ports::cluster::{
    ClusterRead, ClusterWrite, Evicted, Executed, Listed, Listing, LogAsk, ObjectKind, ObjectName, Part,
};

fn object(kind: ObjectKind, name: &str) -> Json {
    let container = json!({ "name": "x", "image": "x:1", "env": [{ "name": "x", "value": "0" }] });
    json!({
        "metadata": {
            "name": name, "namespace": "x", "uid": "u1", "resourceVersion": "7", "generation": 3,
            "annotations": { "deployment.kubernetes.io/revision": if kind == ObjectKind::ReplicaSet { name } else { "2" } },
            "ownerReferences": [{ "kind": "Deployment", "name": "x", "uid": "u1", "controller": true }],
        },
        "spec": {
            "replicas": 2, "minReplicas": 1, "maxReplicas": 3, "nodeName": "x", "containers": [container.clone()],
            "selector": { "matchLabels": { "app": "x" } },
            "template": { "metadata": { "labels": { "app": "x" } }, "spec": { "containers": [container] } },
        },
        "status": { "phase": "Running" },
    })
}

#[async_trait]
impl ClusterRead for Tripwire {
    async fn place(&self) -> Result<String, Fault> {
        Ok("here".to_owned())
    }

    async fn namespace(&self) -> Result<String, Fault> {
        Ok("x".to_owned())
    }

    fn name(&self) -> String {
        "a1".to_owned()
    }

    async fn get(&self, name: &ObjectName) -> Result<Json, Fault> {
        Ok(object(name.kind, &name.name))
    }

    async fn list(&self, listing: &Listing) -> Result<Listed, Fault> {
        let items = match listing.kind {
            ObjectKind::Autoscaler => Vec::new(),
            kind => vec![object(kind, "1"), object(kind, "2")],
        };
        Ok(Listed { items, more: false })
    }

    async fn logs(&self, _ask: &LogAsk) -> Result<String, Fault> {
        Ok("started\n".to_owned())
    }

    async fn usage(&self, _kind: ObjectKind, _namespace: Option<&str>, _labels: &str) -> Result<Vec<Json>, Fault> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl ClusterWrite for Tripwire {
    async fn patch(&self, object: &ObjectName, _part: Part, patch: &Json) -> Result<Json, Broken> {
        panic!("an object is patched: {object} {patch}")
    }

    async fn delete(&self, object: &ObjectName, uid: &str) -> Result<(), Broken> {
        panic!("an object is deleted: {object} {uid}")
    }

    async fn evict(&self, pod: &ObjectName, uid: &str) -> Result<Evicted, Broken> {
        panic!("a pod is evicted: {pod} {uid}")
    }

    async fn exec(
        &self,
        pod: &ObjectName,
        container: &str,
        argv: &[String],
        _seconds: u64,
    ) -> Result<Executed, Broken> {
        panic!("a command is run: {pod} {container} {argv:?}")
    }
}
