//! `lambda.invoke`: a function runs once.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};

use super::{About, Name, account, fact, planned};
use crate::actions::{Act, Attempt, Broken, Change, Deed, Plan, Probed, Verified, digest};
use crate::context::{Context, Open};
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::aws::{FunctionName, Invoked};
use crate::text::excerpt;

/// The name of the action.
const NAME: &str = "lambda.invoke";
/// The most of an answer that is shown, characters.
const SHOWN: usize = 2_000;
/// The most that Lambda takes of a call that is waited for, bytes.
const LONGEST: usize = 6 << 20;

/// What a function is given: a JSON object.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Payload(Map<String, Json>);

impl FromStr for Payload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map(Self).map_err(|error| format!("it takes a JSON object: {error}"))
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Json::Object(self.0.clone()).to_string())
    }
}

/// Which function, with what.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Invoke {
    /// The account of the configuration, [aws.NAME]; the one without a name where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,

    /// The function
    #[arg(long, value_name = "NAME")]
    pub function: Name,

    /// Its version or alias; what was published last where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<Name>,

    /// What it is given: a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    #[serde(default)]
    pub payload: Payload,

    /// Seconds that are waited for its end
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=900))]
    #[serde(default = "minute")]
    pub within: u64,
}

fn minute() -> u64 {
    60
}

impl Invoke {
    fn name(&self) -> FunctionName {
        FunctionName { name: self.function.to_string(), qualifier: self.qualifier.as_ref().map(ToString::to_string) }
    }
}

/// What came of the call. A function that failed may have done a part of what it does.
fn judged(name: &FunctionName, invoked: &Invoked) -> Result<Deed, Broken> {
    let output = excerpt(&invoked.output, SHOWN);
    let more = if invoked.cut { ", and more" } else { "" };
    if let Some(error) = &invoked.error {
        let fault = Fault::new(Kind::Failed, format!("the {name} failed ({})", excerpt(error, 40)))
            .because(format!("{output}{more}"));
        let log = excerpt(&invoked.log, 600);
        let fault = if log.is_empty() { fault } else { fault.because(format!("its log ends: {log}")) };
        return Err(Broken::amid(fault.hint("what it did before it failed only its own log says")));
    }
    Ok(Deed {
        summary: format!("the {name} ran (version {})", excerpt(&invoked.version, 40)),
        facts: vec![fact("answer", format!("{output}{more}"))],
        data: json!({
            "version": invoked.version,
            "output": output,
            "cut": invoked.cut || invoked.output.chars().count() > SHOWN,
            // Typed where it is whole.
            "answer": serde_json::from_str::<Json>(&invoked.output).ok().filter(|_| !invoked.cut),
        }),
    })
}

#[async_trait]
impl Act for Invoke {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Irreversible
    }

    fn within(&mut self, seconds: u64) {
        self.within = self.within.min(seconds);
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let name = self.name();
        context.progress().stage(&format!("looking at the {name}"));
        let payload = self.payload.to_string();
        if payload.len() > LONGEST {
            return Err(Fault::new(Kind::Usage, "Lambda takes no more than 6 MiB").hint("nothing was done"));
        }
        let function = context.aws()?.function(account(self.account.as_ref()), &name).await?;
        if !matches!(function.state.as_str(), "" | "Active" | "Inactive") {
            let why = format!("the {name} is {}, not Active", excerpt(&function.state, 40));
            return Err(Fault::new(Kind::Failed, why).hint("nothing was done"));
        }
        // Other code is another thing to run than was agreed to.
        let before = format!("not called (version {}, code {})", function.version, excerpt(&function.code, 12));
        let after = format!("called once with {} bytes: {}", payload.len(), excerpt(&payload, 120));
        let mut plan = planned(
            context,
            About {
                action: NAME,
                account: self.account.as_ref(),
                target: format!("{name} {}", digest(payload.as_bytes())),
                what: format!("run the {name}"),
                changes: vec![Change::new(name.to_string(), before, after)],
                taken_back: TakenBack::Irreversible,
            },
        )
        .await?;
        if function.timeout > self.within {
            plan.notes.push(format!(
                "it may run for {} s, and is waited for {} s: what runs longer is not known to have ended",
                function.timeout, self.within
            ));
        }
        Ok(plan)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let name = self.name();
        let step = attempt.begin(&json!({}))?;
        attempt.context.progress().stage(&attempt.plan.what);
        let result = match step.aws() {
            Ok(aws) => {
                let payload = Json::Object(self.payload.0.clone());
                aws.invoke(account(self.account.as_ref()), &name, &payload, self.within).await
            }
            Err(fault) => Err(Broken::before(fault)),
        };
        attempt.end(step, result.and_then(|invoked| judged(&name, &invoked)))
    }

    async fn verify(&self, _: &Context, _: &Plan) -> Result<Verified, Fault> {
        // What it did is for another read to tell: only its own answer is known here.
        let proof = format!("the {} answered; whether it worked is for another check", self.name());
        Ok(Verified { worked: true, proof })
    }

    async fn probe(&self, _: &Context, _: &Open) -> Result<Probed, Fault> {
        Ok(Probed::Unknown(format!("only the log of the {} says whether it ran: look there", self.name())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Left;

    #[test]
    fn a_function_that_failed_may_have_done_something_and_its_words_are_cut() {
        let name = FunctionName { name: "fn".to_owned(), qualifier: None };
        let output = format!("{{\"errorMessage\":\"{}\"}}", "x".repeat(9_000));
        let failed = Invoked { error: Some("Unhandled".to_owned()), output, ..Invoked::default() };
        let broken = judged(&name, &failed).expect_err("it failed");
        assert_eq!(broken.left, Left::Something);
        assert!(broken.fault.one_line().chars().count() < 3_000);
        let well = Invoked { output: r#"{"cleared":3}"#.to_owned(), ..Invoked::default() };
        assert_eq!(judged(&name, &well).expect("it ran").data["answer"]["cleared"], 3);
    }
}
