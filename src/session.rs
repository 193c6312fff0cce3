//! One run of `ira`: what it is attached to, how its results are shown, and how they come about.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressDrawTarget;
use ira_commands::ports::Progress;
use ira_commands::{Context, Fault, Invocation, Kind, Report};
use serde_json::{Value as Json, json};

use crate::again::{self, Asked};
use crate::cli::{Around, Color, Format, OutputFlags, Reach};
use crate::clock::SystemClock;
use crate::config::{Config, Output};
use crate::connect::{self, Connection};
use crate::logging;
use crate::progress::{Drawn, Silent};
use crate::render::{self, Style};
use crate::terminal::{Env, Terminal, write_stderr, write_stdout};
use crate::usage::Glimpse;
use crate::watch::{self, Watch};

/// What a run knows about how to show things.
pub struct Session {
    terminal: Terminal,
    color: Color,
    style: Style,
    /// `--config FILE`.
    config: Option<PathBuf>,
    /// What is to be said beside any result.
    warnings: Vec<String>,
}

impl Session {
    /// By the command line alone.
    pub fn new(terminal: Terminal, flags: &OutputFlags) -> Self {
        let mut session = Self {
            terminal,
            color: Color::Auto,
            style: Style::default(),
            config: flags.config.clone(),
            warnings: Vec::new(),
        };
        session.configure(Output {
            format: flags.format().unwrap_or_default(),
            color: flags.color.unwrap_or_default(),
            wide: flags.wide,
            verbose: flags.verbose,
        });
        session
    }

    /// By the configuration, which has the command line's word in it.
    pub fn configure(&mut self, output: Output) {
        self.color = output.color;
        self.style = Style {
            format: output.format,
            wide: output.wide,
            verbose: output.verbose,
            colour: self.colours_stdout(),
            width: self.terminal.width,
            pretty: self.terminal.stdout,
        };
    }

    /// By what could be told of a command line that did not parse.
    pub fn glimpse(&mut self, glimpse: Glimpse) {
        self.color = glimpse.color.unwrap_or_default();
        if glimpse.json {
            self.style.format = Format::Json;
        }
    }

    /// Whether a person is there to be asked.
    pub fn can_ask(&self) -> bool {
        self.terminal.stdin && self.terminal.stderr && !self.terminal.dumb
    }

    /// Keeps what is to be said beside the result.
    pub fn warn(&mut self, warnings: impl IntoIterator<Item = String>) {
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// Shows a report to the person at the terminal, before the result.
    pub fn tell(&self, report: &Report) {
        let style = Style { format: Format::Table, colour: self.colours_stderr(), ..self.style };
        write_stderr(&(render::report(report, 0, &style) + &render::aside(report, style.colour)));
    }

    /// How a daemon is to show its answer.
    pub fn shown(&self) -> crate::remote::wire::Shown {
        let Style { format, wide, verbose, colour, width, pretty } = self.style;
        crate::remote::wire::Shown { format, wide, verbose, colour, colour_aside: self.colours_stderr(), width, pretty }
    }

    /// Whether the result is coloured.
    pub fn colours_stdout(&self) -> bool {
        self.terminal.colour_stdout(self.color)
    }

    /// Whether errors and warnings are coloured.
    pub fn colours_stderr(&self) -> bool {
        self.terminal.colour_stderr(self.color)
    }

    /// Columns of the terminal, where they are known.
    pub fn width(&self) -> Option<u16> {
        self.terminal.width
    }

    /// The form of the result.
    pub fn format(&self) -> Format {
        self.style.format
    }

    /// What comes next, to be asked as this was.
    pub fn next(&self, report: &mut Report, reach: &Reach, watched: bool) {
        let asked = Asked { reach, config: self.config.as_deref(), format: self.style.format, watched };
        report.next = again::lines(&report.next, asked);
    }

    /// Runs a command that may be a step; gives the exit code.
    pub fn step(
        &mut self,
        invocation: &Invocation,
        reach: &Reach,
        around: &Around,
        config: &Arc<Config>,
        env: Env<'_>,
    ) -> Result<u8, Fault> {
        if let Some(seconds) = around.watch {
            return self.watch(invocation, reach, config, Duration::from_secs(seconds));
        }
        let progress = self.progress(env);
        let warnings = &mut self.warnings;
        let report = block_on(async {
            let connection = connect::connect(reach, config, progress.sink())?;
            warnings.extend(connection.warnings.iter().cloned());
            run(invocation, connection).await
        });
        progress.finish();
        let mut report = report?;
        self.next(&mut report, reach, false);
        let code = report.outcome.exit_code();
        Ok(self.show(report, code))
    }

    fn watch(
        &self,
        invocation: &Invocation,
        reach: &Reach,
        config: &Arc<Config>,
        period: Duration,
    ) -> Result<u8, Fault> {
        if !self.terminal.redraws() || self.style.format != Format::Table {
            return Err(watch::not_here());
        }
        let colour = self.colours_stdout();
        // Each round connects anew: what was noticed about an endpoint an hour ago is not said forever. A node is logged in
        // to once, though, and where it refuses not again.
        let nodes = connect::nodes(reach, config)?;
        let again = async || {
            let connection = connect::connect_beside(reach, config, &nodes, Arc::new(Silent))?;
            let warnings = connection.warnings.clone();
            let mut report = run(invocation, connection).await?;
            report.warnings.extend(self.warnings.iter().cloned().chain(warnings));
            self.next(&mut report, reach, true);
            Ok(report)
        };
        let show = |what: &Result<Report, Fault>, width| match what {
            Ok(report) => {
                let style = Style { width, ..self.style };
                let aside = render::fitted(&render::aside(report, colour), width);
                render::report(report, report.outcome.exit_code(), &style) + &aside
            }
            Err(fault) => render::fitted(&render::error(fault, colour), width),
        };
        let watch = Watch { period, size: &|| self.terminal.size_now(), clock: &SystemClock, show: &show };
        block_on(async { Err(watch.run(again, write_stdout).await) })
    }

    /// Replays what ships. The faults it finds are what it is to show, so finding them is a success.
    pub fn demo(&self, env: Env<'_>) -> Result<u8, Fault> {
        let progress = self.progress(env);
        let report = block_on(async {
            let (invocation, connection) = connect::demo(progress.sink())?;
            run(&invocation, connection).await
        });
        progress.finish();
        let mut report = report?;
        // The recorded network is nobody's to ask again: what comes next is a real one.
        report.next = vec!["ira feed-report eth-usd --network ethereum-mainnet --rpc-url env:ETH_RPC_URL".to_owned()];
        Ok(self.show(report, 0))
    }

    /// Shows a report; gives the exit code.
    pub fn show(&self, mut report: Report, code: u8) -> u8 {
        report.warnings.splice(0..0, self.warnings.iter().cloned());
        if self.style.format != Format::Json {
            write_stderr(&render::aside(&report, self.colours_stderr()));
        }
        written(code, &render::report(&report, code, &self.style))
    }

    /// Shows a text that is the whole result; gives the exit code.
    pub fn show_text(&self, topic: &str, text: &str) -> u8 {
        if self.style.format == Format::Json {
            let data = json!({ "topic": topic, "text": text });
            written(0, &render::envelope(&data, &[], &[], 0, self.style.pretty))
        } else {
            written(0, text)
        }
    }

    /// Shows what went wrong: to a person on stderr, and to a program in the envelope too; gives the exit code.
    pub fn fail(&self, fault: &Fault) -> u8 {
        let code = fault.kind.exit_code();
        let colour = self.colours_stderr();
        write_stderr(&(render::warnings(&self.warnings, colour) + &render::error(fault, colour)));
        if self.style.format != Format::Json {
            return code;
        }
        let errors = std::slice::from_ref(fault);
        written(code, &render::envelope(&Json::Null, errors, &self.warnings, code, self.style.pretty))
    }

    /// Progress on a terminal; none where nobody looks, or where logs are written in its place.
    pub fn progress(&self, env: Env<'_>) -> Shown {
        let logs = env(logging::VARIABLE).is_some_and(|level| !level.is_empty());
        Shown((self.terminal.draws() && !logs).then(|| Drawn::start(ProgressDrawTarget::stderr())))
    }
}

/// Progress, drawn or not.
pub struct Shown(Option<Arc<Drawn>>);

impl Shown {
    /// What is drawn, where anything is.
    pub fn drawn(&self) -> Option<Arc<Drawn>> {
        self.0.clone()
    }

    /// Where progress is said.
    pub fn sink(&self) -> Arc<dyn Progress> {
        match &self.0 {
            Some(drawn) => Arc::<Drawn>::clone(drawn),
            None => Arc::new(Silent),
        }
    }

    /// Erases it.
    pub fn finish(&self) {
        if let Some(drawn) = &self.0 {
            drawn.finish();
        }
    }
}

/// Runs a command to its end; what was recorded is written whether it went well or not.
async fn run(invocation: &Invocation, connection: Connection) -> Result<Report, Fault> {
    let report = invocation.run(&Context::dry(connection.reads.clone())).await;
    connection.finish(invocation, report)
}

/// Writes the result; gives `code`, or 1 where it cannot be written.
pub fn written(code: u8, text: &str) -> u8 {
    match write_stdout(text) {
        Ok(()) => code,
        Err(error) => {
            let fault = Fault::new(Kind::Failed, "cannot write the result").because(error.to_string());
            write_stderr(&render::error(&fault, false));
            fault.kind.exit_code()
        }
    }
}

/// Runs `work` to its end; it looks to Ctrl-C itself.
pub fn patiently<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new(Kind::Failed, "cannot start").because(error.to_string()))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

/// Runs `work` to its end, or until Ctrl-C.
pub fn block_on<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new(Kind::Failed, "cannot start").because(error.to_string()))?;
    let result = runtime.block_on(async {
        tokio::select! {
            biased;
            // Asked first, so that the signal is already ours while the work takes its first steps.
            () = interrupted() => Err(Fault::new(Kind::Interrupted, "interrupted")),
            result = work => result,
        }
    });
    // A name lookup that hangs must not keep the process from ending.
    runtime.shutdown_background();
    result
}

/// Until Ctrl-C, or until this process is told to end: either way what it holds is put back.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                Ok(()) = tokio::signal::ctrl_c() => return,
                _ = terminated.recv() => return,
            }
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn ctrl_c_ends_what_would_wait_forever() {
        let ended: Result<(), Fault> = block_on(async {
            let me = std::process::id().to_string();
            let sent = std::process::Command::new("kill").args(["-INT", &me]).status().expect("kill runs");
            assert!(sent.success());
            std::future::pending().await
        });
        assert_eq!(ended.expect_err("interrupted").kind.exit_code(), 130);
    }

    #[test]
    fn nothing_is_drawn_where_nobody_looks_or_logs_are_written() {
        let seen = Session::new(Terminal { stderr: true, ..Terminal::default() }, &OutputFlags::default());
        let unseen = Session::new(Terminal::default(), &OutputFlags::default());
        assert!(seen.progress(&|_| None).0.is_some());
        assert!(seen.progress(&|_| Some("debug".to_owned())).0.is_none());
        assert!(unseen.progress(&|_| None).0.is_none());
    }
}
