//! How an object is changed: only as it was read, and so that it can be told afterwards whether it was.

use serde_json::{Value as Json, json};

use super::object::{generation, text, uid, version};
use crate::actions::{Attempt, Broken, Change, Deed, Plan, Probed};
use crate::context::{Context, Open};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::cluster::{ObjectName, Part};

/// The annotation that says which attempt changed an object last.
const MARK: &str = "ira/attempt";

/// A plan for one object: what is acted on, as the API said it a moment ago.
pub(super) async fn planned(
    context: &Context,
    action: &'static str,
    object: &ObjectName,
    what: String,
    changes: Vec<Change>,
    taken_back: TakenBack,
) -> Result<Plan, Fault> {
    let place = context.cluster()?.place().await?;
    let nothing = changes.iter().all(|change| change.before == change.after);
    Ok(Plan {
        action,
        what,
        target: format!("k8s {place} {object}"),
        place,
        changes,
        spend: None,
        nothing,
        effect: Effect::Once,
        reach: Reach::Target,
        taken_back,
        notes: Vec::new(),
    })
}

/// Merges `patch` into an object as long as it is as it was read a moment ago. `part` says which part of it; one that is
/// patched as a whole bears the attempt's name afterwards.
pub(super) async fn patched(
    attempt: &Attempt<'_>,
    object: &ObjectName,
    read: &Json,
    part: Part,
    mut patch: Json,
    more: &Json,
    told: impl FnOnce(&Json) -> Deed + Send,
) -> Result<Deed, Fault> {
    let context = attempt.context;
    let mark = context.cluster()?.name();
    let mut begun = json!({
        "uid": uid(read),
        "generation": generation(read),
        "mark": mark,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        begun[key] = value.clone();
    }
    let step = attempt.begin(&begun)?;
    patch["metadata"]["resourceVersion"] = json!(version(read));
    if part == Part::Object {
        // Another object of the same name is another version as well; the uid says so in words.
        patch["metadata"]["uid"] = json!(uid(read));
        patch["metadata"]["annotations"][MARK] = json!(mark);
    }
    context.progress().stage(&attempt.plan.what);
    let result = match step.cluster() {
        Ok(cluster) => cluster.patch(object, part, &patch).await.map(|now| told(&now)),
        Err(fault) => Err(Broken::before(fault)),
    };
    attempt.end(step, result)
}

/// What became of a patch of the whole object: its mark says it.
pub(super) async fn probe_mark(context: &Context, object: &ObjectName, open: &Open) -> Result<Probed, Fault> {
    let begun = &open.begun["more"];
    let now = match context.cluster()?.get(object).await {
        Err(fault) if fault.kind == Kind::Missing => {
            return Ok(Probed::Unknown(format!("there is no {object} any more")));
        }
        other => other?,
    };
    if uid(&now) != text(begun, "/uid") {
        return Ok(Probed::Unknown(format!("the {object} of now is another one than was to be changed")));
    }
    let mark = now["metadata"]["annotations"][MARK].as_str().unwrap_or_default();
    Ok(if mark == text(begun, "/mark") {
        Probed::Done(format!("{object} bears this attempt's mark"))
    } else if Some(generation(&now)) == begun["generation"].as_i64() {
        Probed::NotDone(format!("{object} is as it was: nobody changed it since (generation {})", generation(&now)))
    } else {
        Probed::Unknown(format!("{object} was changed since, and not with this attempt's mark"))
    })
}

/// What became of a change whose outcome is a value: the attempt wrote down what was (`before`) and what was to be
/// (`after`), and `now` is read.
pub(super) fn probe_value(object: &ObjectName, what: &str, now: &Json, open: &Open) -> Probed {
    let (before, after) = (&open.begun["more"]["before"], &open.begun["more"]["after"]);
    if now == after {
        Probed::Done(format!("{what} of {object} is {now}"))
    } else if now == before {
        Probed::NotDone(format!("{what} of {object} is {now}, as before"))
    } else {
        Probed::Unknown(format!("{what} of {object} is {now}, neither as before nor as it was to be"))
    }
}
