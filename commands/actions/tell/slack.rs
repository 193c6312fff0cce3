//! `notify.slack`: a message in a channel.

use async_trait::async_trait;
use serde_json::json;

use super::said;
use crate::actions::{Act, Attempt, Broken, Change, Deed, Plan, Verified, digest};
use crate::context::Context;
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::text::excerpt;

/// The name of the action.
const NAME: &str = "notify.slack";
/// The longest message that Slack shows whole, characters.
const LONGEST: usize = 40_000;

/// What is said.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SlackArgs {
    /// The message; links and mentions in it do nothing
    #[arg(long, value_name = "TEXT")]
    pub text: String,
}

impl SlackArgs {
    /// The message: cut, and without a mention that would call a whole channel.
    fn message(&self) -> Result<String, Fault> {
        let text = said("--text", &self.text)?;
        let clean = |c: &char| *c == '\n' || *c == '\t' || !c.is_control();
        let mut out: String = text.chars().filter(clean).take(LONGEST - 1).collect();
        if text.chars().count() >= LONGEST {
            out.push('…');
        }
        // Slack's own escapes: `<!channel>` and `<https://…|words>` are written with these.
        Ok(out.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
    }
}

#[async_trait]
impl Act for SlackArgs {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn reach(&self) -> Reach {
        Reach::Tell
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Transient
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let message = self.message()?;
        let place = context.channels()?.chat().ok_or_else(|| {
            Fault::new(Kind::Config, "no channel is configured")
                .hint("set `slack.webhook = \"env:NAME\"` in the user's configuration (`ira help people`)")
        })?;
        Ok(Plan {
            action: NAME,
            what: format!("post: {}", excerpt(&self.text, 160)),
            target: format!("{NAME} {}", digest(message.as_bytes())),
            changes: vec![Change::new(
                "the channel",
                "as it is",
                format!("one message more, {} characters", message.chars().count()),
            )],
            place,
            spend: None,
            nothing: false,
            effect: Effect::Once,
            reach: Reach::Tell,
            taken_back: TakenBack::Transient,
            notes: Vec::new(),
        })
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let message = self.message()?;
        let step = attempt.begin(&json!({}))?;
        let result = match step.chat() {
            Ok(chat) => chat.post(&message).await,
            Err(fault) => Err(Broken::before(fault)),
        };
        let deed = |()| Deed { summary: "Slack took it".to_owned(), facts: Vec::new(), data: json!({}) };
        attempt.end(step, result.map(deed))
    }

    async fn verify(&self, _context: &Context, _agreed: &Plan) -> Result<Verified, Fault> {
        // A webhook cannot be read.
        Ok(Verified { worked: true, proof: "Slack took the message".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_calls_nobody_and_hides_no_link() {
        let message = |text: &str| SlackArgs { text: text.to_owned() }.message();
        assert_eq!(message("<!channel> a & b\u{1b}[0m\nc").expect("text"), "&lt;!channel&gt; a &amp; b[0m\nc");
        assert_eq!(message(&"x".repeat(50_000)).expect("text").chars().count(), LONGEST);
        assert_eq!(message(" \n").expect_err("nothing").kind, Kind::Usage);
    }
}
