//! Kubernetes, over its API: what is read, what is changed, and only as it was read a moment ago.

mod change;
mod container;
mod delete_pod;
mod drain;
mod events;
mod exec;
mod name;
mod node;
mod object;
mod pod;
mod quantity;
mod rbac;
mod restart;
mod revision;
mod rollout;
mod scale;
mod set;
mod status;
mod template;
mod top;

pub use delete_pod::DeletePod;
pub use drain::Drain;
pub use events::{Events, Logs};
pub use exec::PodExec;
pub use name::{Name, Workload};
pub use node::{Cordon, NodeStatus, Uncordon};
pub use quantity::Quantity;
pub use rbac::role;
pub use restart::{RolloutRestart, RolloutUndo};
pub use scale::{Scale, UpdateHpa};
pub use set::{SetEnv, SetResources};
pub use status::{PodStatus, RolloutHistory, RolloutStatus};
pub use top::Top;
