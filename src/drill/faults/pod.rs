//! A pod is deleted; its controller makes another.

use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::ports::cluster::{ClusterRead, Listing, ObjectKind, ObjectName};
use ira_commands::text::clean;
use ira_commands::{Fault, Kind};
use serde_json::Value as Json;

use super::{Breaks, unmarked};
use crate::config::Config;
use crate::connect;
use crate::engine::told_journal;
use crate::progress::Silent;

/// The label or annotation of a pod that may be drilled, and what it says.
const MARK: &str = "ira.dev/drill";
const SAFE: &str = "safe";
/// So many pods are looked at.
const MOST: u32 = 100;

pub(super) struct Pod {
    pub config: Arc<Config>,
    pub namespace: String,
    pub selector: String,
}

impl Pod {
    fn reads(&self) -> Result<Arc<dyn ClusterRead>, Fault> {
        connect::bare(&self.config, Arc::new(Silent)).cluster.ok_or_else(nowhere)
    }

    /// The name and uid of the pod that is deleted: of those with the mark the first.
    async fn chosen(&self) -> Result<(String, String), Fault> {
        let listing = Listing {
            kind: ObjectKind::Pod,
            namespace: Some(self.namespace.clone()),
            labels: self.selector.clone(),
            fields: String::new(),
            most: MOST,
        };
        let pods = self.reads()?.list(&listing).await?.items;
        let text = |pod: &Json, name: &str| pod["metadata"][name].as_str().unwrap_or_default().to_owned();
        let marked = |pod: &&Json| {
            ["labels", "annotations"].iter().any(|table| pod["metadata"][table][MARK].as_str() == Some(SAFE))
                && pod["metadata"]["deletionTimestamp"].is_null()
                && pod["metadata"]["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty())
        };
        let mut all: Vec<&Json> = pods.iter().filter(marked).collect();
        all.sort_by_key(|pod| text(pod, "name"));
        let pod = all.first().ok_or_else(|| {
            let what =
                format!("no pod `{}` in {} that a controller keeps", clean(&self.selector), clean(&self.namespace));
            unmarked(&what, &format!("{MARK}: \"{SAFE}\" in the labels or annotations of the pod's template"))
        })?;
        Ok((text(pod, "name"), text(pod, "uid")))
    }
}

fn nowhere() -> Fault {
    Fault::new(Kind::Config, "no cluster can be asked").hint("[kubernetes] names one: ira help config")
}

#[async_trait]
impl Breaks for Pod {
    async fn look(&self) -> Result<String, Fault> {
        let (name, _) = self.chosen().await?;
        Ok(format!("the pod {}/{} is deleted; its controller makes another", clean(&self.namespace), clean(&name)))
    }

    async fn begin(&mut self) -> Result<String, Fault> {
        let (name, uid) = self.chosen().await?;
        let writes = connect::bare_writes(&self.config, told_journal()).cluster.ok_or_else(nowhere)?;
        let pod = ObjectName::new(ObjectKind::Pod, &self.namespace, &name);
        writes.delete(&pod, &uid).await.map_err(|broken| broken.fault)?;
        Ok(format!("{pod} is deleted"))
    }

    async fn end(&mut self) -> Result<String, Fault> {
        Ok(String::new())
    }
}
