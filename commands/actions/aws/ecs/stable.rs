//! Whether the tasks of a service are as they are to be.

use serde_json::{Value as Json, json};

use super::super::Name;
use crate::actions::Verified;
use crate::actions::looks::Looks;
use crate::context::Context;
use crate::fault::Fault;
use crate::ports::aws::{Service, ServiceName};
use crate::text::excerpt;
use crate::units;

/// How far a service is.
pub(super) struct Standing {
    /// Whether as many tasks run as there are to be, all from one task definition.
    pub stable: bool,
    /// Why it goes no further, where ECS says so.
    pub stuck: Option<String>,
    /// In words.
    pub words: String,
}

impl Standing {
    pub(super) fn of(service: &Service) -> Self {
        let newest = service.deployments.first();
        // Older deployments that have no task left, and are to have none, are only not cleared away yet.
        let old = service.deployments.iter().skip(1).filter(|one| one.running > 0 || one.desired > 0).count();
        let failed = newest.filter(|one| one.rollout == "FAILED");
        let rolling = newest.is_some_and(|one| one.rollout == "IN_PROGRESS");
        let (running, desired) = (service.running, service.desired);
        let of = &service.task_definition;
        let stuck = failed.map(|one| excerpt(&one.reason, 200));
        let stable = stuck.is_none() && !rolling && old == 0 && running == desired && service.pending == 0;
        let mut words = format!("{running} of {desired} tasks of {of} run");
        if old > 0 {
            words.push_str(", and some of an older task definition");
        } else if rolling && running == desired {
            words.push_str(", and ECS has not called the deployment complete yet");
        }
        if let Some(failed) = newest.filter(|one| one.failed > 0 && !stable) {
            words = format!("{words}; {} could not be started", failed.failed);
        }
        Self { stable, stuck, words }
    }
}

pub(super) fn json(service: &Service) -> Json {
    let standing = Standing::of(service);
    json!({
        "desired": service.desired,
        "running": service.running,
        "pending": service.pending,
        "task_definition": service.task_definition,
        "deployment": super::deployment(service),
        "stable": standing.stable,
        "stuck": standing.stuck,
        "event": excerpt(&service.event, 200),
    })
}

/// How a service was when it was looked at last.
pub(super) struct Seen {
    /// The service; none where it could not be read once.
    pub service: Option<Service>,
    /// Whether it was stable and as `wanted` says.
    pub well: bool,
    /// What was read, in words.
    pub proof: String,
}

/// Looks once a second until a service is stable and as `wanted`, ECS says that it goes no further, or the time is over.
pub(super) async fn watch(
    context: &Context,
    account: Option<&Name>,
    name: &ServiceName,
    seconds: u64,
    wanted: impl Fn(&Service) -> bool + Send,
) -> Result<Seen, Fault> {
    let aws = context.aws()?;
    let mut looks = Looks::new(context, seconds);
    let mut last = None;
    loop {
        match aws.service(super::super::account(account), name).await {
            Err(fault) if looks.bears(&fault) => {}
            Err(fault) => return Err(fault),
            Ok(service) => {
                let standing = Standing::of(&service);
                context.progress().stage(&format!("{name}: {}", standing.words));
                if standing.stable && wanted(&service) {
                    let proof = format!("{name}: {}", standing.words);
                    return Ok(Seen { service: Some(service), well: true, proof });
                }
                if let Some(why) = &standing.stuck {
                    let proof = format!("{name}: {}; the deployment failed ({why})", standing.words);
                    return Ok(Seen { service: Some(service), well: false, proof });
                }
                last = Some((service, standing.words));
            }
        }
        if !looks.again().await {
            let words = last.as_ref().map_or("nothing could be read", |(_, words)| words.as_str());
            let proof = format!("{name} after {}: {words}", units::duration(seconds));
            return Ok(Seen { service: last.map(|(service, _)| service), well: false, proof });
        }
    }
}

/// The same as a proof of a write.
pub(super) async fn verify(
    context: &Context,
    account: Option<&Name>,
    name: &ServiceName,
    seconds: u64,
    wanted: impl Fn(&Service) -> bool + Send,
) -> Result<Verified, Fault> {
    let seen = watch(context, account, name, seconds, wanted).await?;
    Ok(Verified { worked: seen.well, proof: seen.proof })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::aws::Deployment;

    fn service(desired: i64, running: i64, rollout: &str, old: i64) -> Service {
        let one = |running, rollout: &str| Deployment { running, rollout: rollout.to_owned(), ..Deployment::default() };
        let deployments = vec![one(running, rollout), one(old, "COMPLETED")];
        Service { desired, running: running + old, deployments, ..Service::default() }
    }

    #[test]
    fn a_service_is_stable_only_when_all_its_tasks_run_and_no_old_one_is_left() {
        let stable = |service: &Service| Standing::of(service).stable;
        assert!(stable(&service(2, 2, "COMPLETED", 0)));
        assert!(stable(&service(0, 0, "COMPLETED", 0)), "none are meant");
        assert!(stable(&service(2, 2, "", 0)), "ECS does not always say");
        for (desired, running, rollout, old) in
            [(2, 1, "COMPLETED", 0), (2, 2, "IN_PROGRESS", 0), (3, 2, "COMPLETED", 1), (2, 2, "FAILED", 0)]
        {
            assert!(!stable(&service(desired, running, rollout, old)), "{desired} {running} {rollout} {old}");
        }
        let failed = service(2, 0, "FAILED", 0);
        assert!(Standing::of(&failed).stuck.is_some());
        let pending = Service { pending: 1, ..service(2, 2, "COMPLETED", 0) };
        assert!(!stable(&pending));
    }
}
