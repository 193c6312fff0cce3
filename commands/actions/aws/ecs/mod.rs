//! `ecs.…`: how many tasks a service has, and what they are made from.

mod count;
mod stable;
mod update;
mod wait;

use super::Name;
use super::name::Revision;
use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::ports::aws::{Service, ServiceName};

pub use count::{StartService, StopService};
pub use update::UpdateTaskDefinition;
pub use wait::WaitStable;

fn default_cluster() -> Name {
    // The cluster that ECS itself takes where none is named.
    Name::try_from("default".to_owned()).unwrap_or_else(|_| unreachable!("it is a name"))
}

fn five_minutes() -> u64 {
    300
}

fn named(cluster: &Name, service: &Name) -> ServiceName {
    ServiceName { cluster: cluster.to_string(), service: service.to_string() }
}

/// A service that can be changed. A fault where it is about to go, or somebody else exchanges its tasks.
async fn changeable(context: &Context, account: Option<&Name>, name: &ServiceName) -> Result<Service, Fault> {
    let service = context.aws()?.service(super::account(account), name).await?;
    let refused = |why: String, hint: &str| Err(Fault::new(Kind::Failed, why).hint(hint));
    if service.status != "ACTIVE" {
        return refused(format!("{name} is {}, not ACTIVE", service.status), "nothing was done");
    }
    if service.controller != "ECS" {
        let hint = "nothing was done; what deploys it has to do this";
        return refused(format!("the tasks of {name} are exchanged by {}, not by ECS", service.controller), hint);
    }
    Ok(service)
}

/// The service as its newest deployment stands: what another deployment in between changes.
fn deployment(service: &Service) -> &str {
    service.deployments.first().map(|newest| newest.id.as_str()).unwrap_or_default()
}
