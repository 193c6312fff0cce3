//! Running a script: plan, start, wait, judge.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::{FACTS, Request, Scripted, argv};
use crate::actions::{Act, Attempt, Broken, Change, Deed, Plan, Probed, Verified, digest};
use crate::alert::Alert;
use crate::context::{Context, Open};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::host::{ScriptEnd, ScriptFate, ScriptFile, ScriptOrder, ScriptOutput};
use crate::report::{Cell, Fact};
use crate::text::excerpt;
use crate::words::Span;

/// Seconds beside a script's own time in which its shim ends what it left, and writes down how it ended.
const GRACE: u64 = 30;

/// So many of the last lines that a script wrote are shown.
const LAST: usize = 10;
/// The longest text that they make together, bytes: a step may insert no more than 1,024.
const FITS: usize = 900;

/// A script with its arguments, as a plan has it.
struct Ready<'a> {
    request: Request<'a>,
    file: ScriptFile,
    args: Vec<String>,
}

impl<'a> Ready<'a> {
    async fn of(action: &'a impl Scripted, context: &Context) -> Result<Self, Fault> {
        let request = action.request()?;
        let scripts = context.scripts()?;
        let args = argv::built(request.flags, request.args, scripts.end_of_options())?;
        argv::fits(&args, &request.env)?;
        let file = scripts.find(&request.program).await?;
        Ok(Self { request, file, args })
    }

    fn line(&self) -> String {
        argv::line(&self.file.path, &self.args)
    }

    /// The script as it is, and what it is given: the same script with other arguments is another thing. Of an alert
    /// that it is informed of nothing is in it: the same work for the same alert, sent again, stays the same.
    fn target(&self) -> String {
        let Self { request, file, args } = self;
        let env: Vec<_> = request.env.iter().filter(|(name, _)| !FACTS.contains(&name.as_str())).collect();
        let with = if args.is_empty() && env.is_empty() && request.own_stdin.is_none() {
            String::new()
        } else {
            let whole = digest(json!([args, env, request.own_stdin]).to_string().as_bytes());
            format!(" with:{}", whole.trim_start_matches("sha256:").chars().take(12).collect::<String>())
        };
        format!("script {} sha256:{}{with}", file.path, file.sha256)
    }

    fn plan(&self, action: &'static str, host: String) -> Plan {
        let short = &self.file.sha256[..12.min(self.file.sha256.len())];
        let file = &self.file;
        let changes = vec![Change::new(self.line(), "not run", format!("exit {}", self.request.expect_exit))];
        let mut notes = vec![format!("sha256 {}, at most {} s", file.sha256, self.request.timeout)];
        if !self.request.env.is_empty() {
            let set = self.request.env.iter().map(|(name, value)| format!("{name}={}", argv::shown(value)));
            notes.push(format!("environment: {}", set.collect::<Vec<_>>().join(" ")));
        }
        if let Some(text) = &self.request.stdin {
            notes.push(format!("standard input: {}", argv::shown(text)));
        }
        if !self.request.writable.is_empty() {
            notes.push(format!("may write only below {}", self.request.writable.join(", ")));
        }
        notes.push("its exit code is its own word: look yourself whether it mended what it should".to_owned());
        Plan {
            action,
            what: format!("run {} ({short})", self.line()),
            place: host,
            target: self.target(),
            changes,
            spend: None,
            nothing: false,
            effect: self.request.effect,
            reach: Reach::Target,
            taken_back: TakenBack::Irreversible,
            notes,
        }
    }
}

/// What a run that ended means.
fn judged(end: &ScriptEnd, program: &str, request: &Request<'_>) -> Result<Deed, Broken> {
    let Request { expect_exit, effect, timeout, .. } = request;
    let said = last_words(end);
    let with = |fault: Fault| said.iter().fold(fault, |fault, line| fault.because(line.clone()));
    let failed = |message: String| with(Fault::new(Kind::Failed, message));
    if let Some(why) = &end.refused {
        return Err(Broken::before(Fault::new(Kind::Failed, format!("{program} was not run")).because(why.clone())));
    }
    if end.left > 0 {
        let fault = failed(format!("{} processes of {program} could not be ended", end.left));
        return Err(Broken::unknown(fault));
    }
    if end.timed_out {
        let fault = failed(format!("{program} was not done within {timeout} s, and was ended with all its processes"))
            .hint("look at what it did so far; --timeout gives it longer");
        // It may have done half of it.
        return Err(if *effect == Effect::Idempotent { Broken::amid(fault) } else { Broken::unknown(fault) });
    }
    match (end.exit, end.signal) {
        (Some(code), _) if code == *expect_exit => Ok(deed(end, code)),
        (Some(code), _) => {
            let fault = failed(format!("{program} ended with exit {code}, not {expect_exit}"));
            Err(Broken::amid(fault.hint(format!("its output is in {} and {}", end.stdout.file, end.stderr.file))))
        }
        (None, Some(signal)) => Err(Broken::amid(failed(format!("{program} was ended by signal {signal}")))),
        (None, None) => Err(Broken::unknown(failed(format!("{program} ended, and nobody saw how")))),
    }
}

/// The last lines that it wrote, from the errors where there are any.
fn last_words(end: &ScriptEnd) -> Vec<String> {
    let lines = [&end.stderr, &end.stdout].into_iter().map(last_lines);
    lines.into_iter().find(|lines| !lines.is_empty()).unwrap_or_default()
}

/// The last lines of an output, oldest first.
fn last_lines(output: &ScriptOutput) -> Vec<String> {
    let mut lines: Vec<String> = tail(output).lines().map(|line| excerpt(line, 200)).collect();
    lines.retain(|line| !line.is_empty());
    lines.drain(..lines.len().saturating_sub(LAST));
    lines
}

/// The same in one line that fits into a text: a short output has no tail.
fn last_said(output: &ScriptOutput) -> String {
    let mut lines = last_lines(output);
    while lines.len() > 1 && lines.iter().map(|line| line.len() + 3).sum::<usize>() > FITS {
        lines.remove(0);
    }
    lines.join(" | ")
}

fn tail(output: &ScriptOutput) -> &str {
    if output.tail.is_empty() { &output.head } else { &output.tail }
}

fn deed(end: &ScriptEnd, code: i32) -> Deed {
    let took = format!("{}.{:03} s", end.millis / 1000, end.millis % 1000);
    let mut facts = vec![Fact { label: "exit", value: Cell::from(code.to_string()), note: format!("after {took}") }];
    for (label, output) in [("stdout", &end.stdout), ("stderr", &end.stderr)] {
        if output.bytes > 0 {
            let mut lines = last_lines(output);
            if lines.is_empty() {
                lines.push(String::new());
            }
            let last = lines.len() - 1;
            facts.extend(lines.into_iter().enumerate().map(|(at, line)| Fact {
                label: if at == 0 { label } else { "" },
                value: Cell::from(line),
                note: if at == last { format!("{} bytes, in {}", output.bytes, output.file) } else { String::new() },
            }));
        }
    }
    if end.ended > 0 {
        let value = Cell::from(format!("{} processes", end.ended));
        facts.push(Fact { label: "ended", value, note: "they outlived the script".to_owned() });
    }
    if let Some(level) = &end.confined {
        facts.push(Fact { label: "confined", value: Cell::from(level.as_str()), note: "by landlock".to_owned() });
    }
    Deed { summary: format!("exit {code} after {took}"), facts, data: data(end) }
}

/// The same for a program: digests and places, not the output itself.
fn data(end: &ScriptEnd) -> Json {
    let output = |output: &ScriptOutput| {
        json!({
            "bytes": output.bytes,
            "sha256": output.sha256,
            "head": excerpt(&output.head, 1000),
            "tail": excerpt(&output.tail, 1000),
            "last": last_said(output),
            "file": output.file,
        })
    };
    json!({
        "exit": end.exit,
        "milliseconds": end.millis,
        "ended_processes": end.ended,
        "confined": end.confined,
        "stdout": output(&end.stdout),
        "stderr": output(&end.stderr),
    })
}

#[async_trait]
impl<T: Scripted> Act for T {
    fn effect(&self) -> Effect {
        self.request().map_or(Effect::Once, |request| request.effect)
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Irreversible
    }

    fn inform(&mut self, alert: &Alert) -> bool {
        *self.alert() = Some(alert.clone());
        true
    }

    fn within(&mut self, seconds: u64) {
        let time = self.time();
        let own = time.map_or(seconds, |span| span.seconds.min(seconds));
        *time = Some(Span { seconds: own });
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let ready = Ready::of(self, context).await?;
        Ok(ready.plan(T::NAME, context.scripts()?.host()))
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let ready = Ready::of(self, context).await?;
        if !ready.plan(T::NAME, attempt.plan.place.clone()).is_as(attempt.plan) {
            return Err(Fault::new(Kind::Busy, "the script was changed a moment ago: nothing was done")
                .hint("run it again to see the new plan"));
        }
        let Ready { request, file, args } = ready;
        let program = file.path.clone();
        let name = context.scripts()?.name();
        let step = attempt.begin(&json!({ "attempt": name }))?;
        let order = ScriptOrder {
            attempt: name.clone(),
            file,
            args,
            env: request.env.clone(),
            stdin: request.stdin.clone(),
            timeout: request.timeout,
            writable: request.writable.to_vec(),
        };
        let (looking, running) = (context.scripts()?, step.scripts()?);
        context.progress().stage(&format!("running {program}"));
        let result = match running.start(&order).await {
            Err(fault) => Err(Broken::before(fault)),
            Ok(()) => match looking.wait(&name, request.timeout + GRACE, context.progress()).await {
                Err(fault) => Err(Broken::unknown(fault)),
                Ok(ScriptFate::Ended(end)) => judged(&end, &program, &request),
                Ok(ScriptFate::Vanished) => Err(Broken::unknown(vanished(&program))),
                // What should have ended it is dead itself.
                Ok(ScriptFate::Alive) => {
                    let left = running.stop(&name).await;
                    let fault = Fault::new(Kind::Failed, format!("{program} ran on after its time, and was ended"));
                    Err(Broken::unknown(match left {
                        Ok(0) => fault,
                        Ok(left) => fault.because(format!("{left} processes of it could not be")),
                        Err(why) => fault.because(why.one_line()),
                    }))
                }
            },
        };
        attempt.end(step, result)
    }

    async fn verify(&self, _context: &Context, agreed: &Plan) -> Result<Verified, Fault> {
        let exit = agreed.changes.first().map_or("", |change| change.after.as_str());
        Ok(Verified { worked: true, proof: format!("it ended with {exit}, as it should") })
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let request = self.request()?;
        let program = open.key.strip_prefix("script ").and_then(|rest| rest.split(" sha256:").next());
        let program = program.unwrap_or(&request.program).to_owned();
        let name = open.begun["more"]["attempt"].as_str().unwrap_or_default();
        let fate = context.scripts()?.wait(name, request.timeout + GRACE, context.progress()).await?;
        Ok(match fate {
            ScriptFate::Alive => Probed::Unknown(format!("{program} still runs, long after its time")),
            ScriptFate::Vanished => Probed::Unknown(vanished(&program).one_line()),
            ScriptFate::Ended(end) => match judged(&end, &program, &request) {
                Ok(deed) => Probed::Done(deed.summary),
                Err(Broken { fault, left }) => match left {
                    crate::actions::Left::Nothing => Probed::NotDone(fault.one_line()),
                    crate::actions::Left::Something => Probed::Failed(fault.one_line()),
                    crate::actions::Left::Unknown => Probed::Unknown(fault.one_line()),
                },
            },
        })
    }
}

fn vanished(program: &str) -> Fault {
    Fault::new(Kind::Failed, format!("nothing of {program} runs any more, and nothing says how it ended"))
}
