//! What is changed by changing the template of a workload's pods: each pod is made anew, one after the other.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::change::{patched, planned, probe_mark};
use super::name::{Name, Workload};
use super::object;
use super::restart::{RolloutRestart, RolloutUndo};
use super::rollout::{self, Rollout};
use super::set::{SetEnv, SetResources};
use crate::actions::{Act, Attempt, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::cluster::{ObjectName, Part};
use crate::report::{Cell, Fact};

/// What a change of the template is: its plan and its patch, from the workload as it is.
pub(super) struct Revised {
    /// What it does, as an imperative, before the name of the workload.
    pub what: String,
    /// What changes.
    pub changes: Vec<Change>,
    /// The patch, without its metadata.
    pub patch: Json,
    /// For a program: what was before, and what is to be.
    pub data: Json,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// An action on a template.
#[async_trait]
pub(super) trait Template: Send + Sync {
    /// The action's name.
    const NAME: &'static str;
    /// How it is taken back.
    const TAKEN_BACK: TakenBack;

    /// Whose template.
    fn workload(&self) -> (Option<&Name>, &Workload);

    /// What it is to become.
    async fn revised(&self, context: &Context, object: &ObjectName, json: &Json) -> Result<Revised, Fault>;
}

async fn read<T: Template>(args: &T, context: &Context) -> Result<(ObjectName, Json), Fault> {
    let (space, workload) = args.workload();
    context.progress().stage(&format!("looking at {workload}"));
    let (object, json) = object::workload(context, space, workload).await?;
    if json.pointer("/spec/paused") == Some(&json!(true)) {
        return Err(Fault::new(Kind::Failed, format!("{object} is paused: a change of it would not be rolled out"))
            .hint("nothing was done; `kubectl rollout resume` lets it go on"));
    }
    Ok((object, json))
}

async fn named<T: Template>(args: &T, context: &Context) -> Result<ObjectName, Fault> {
    let (space, workload) = args.workload();
    let space = object::namespace(context, space).await?;
    Ok(ObjectName::new(workload.kind, &space, workload.name.as_str()))
}

pub(super) async fn plan<T: Template>(args: &T, context: &Context) -> Result<Plan, Fault> {
    let (object, json) = read(args, context).await?;
    let revised = args.revised(context, &object, &json).await?;
    let what = format!("{} {object}", revised.what);
    let mut plan = planned(context, T::NAME, &object, what, revised.changes, T::TAKEN_BACK).await?;
    plan.notes.push(Rollout::of(object.kind, &json).words);
    plan.notes.extend(revised.notes);
    if json.pointer("/spec/updateStrategy/type") == Some(&json!("OnDelete")) {
        plan.notes.push("its pods are made anew only when somebody deletes them (OnDelete)".to_owned());
    }
    Ok(plan)
}

pub(super) async fn carry_out<T: Template>(args: &T, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
    let (object, json) = read(args, attempt.context).await?;
    let revised = args.revised(attempt.context, &object, &json).await?;
    let told = |_: &Json| Deed {
        summary: attempt.plan.what.clone(),
        facts: vec![Fact { label: "workload", value: Cell::from(object.to_string()), note: String::new() }],
        data: revised.data.clone(),
    };
    patched(attempt, &object, &json, Part::Object, revised.patch.clone(), &json!({}), told).await
}

pub(super) async fn probe<T: Template>(args: &T, context: &Context, open: &Open) -> Result<Probed, Fault> {
    probe_mark(context, &named(args, context).await?, open).await
}

// Two blanket implementations of one trait cannot stand side by side, so each is written out.
macro_rules! templates {
    ($($args:ty),*) => {$(
        #[async_trait]
        impl Act for $args {
            fn effect(&self) -> Effect {
                Effect::Once
            }

            fn taken_back(&self) -> TakenBack {
                Self::TAKEN_BACK
            }

            fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
                // Whatever changes what pods are made from is a revision of its own.
                &[
                    ("k8s.rollout_history", "current"),
                    ("k8s.rollout_history", "previous"),
                    ("k8s.rollout_history", "age"),
                    ("k8s.rollout_history", "revisions"),
                ]
            }

            fn within(&mut self, seconds: u64) {
                self.within = self.within.min(seconds);
            }

            async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
                plan(self, context).await
            }

            async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
                carry_out(self, attempt).await
            }

            async fn verify(&self, context: &Context, _: &Plan) -> Result<Verified, Fault> {
                rollout::verify(context, &named(self, context).await?, self.within).await
            }

            async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
                probe(self, context, open).await
            }
        }
    )*};
}

templates!(RolloutRestart, RolloutUndo, SetEnv, SetResources);
