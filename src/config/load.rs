//! Laying the layers over each other, weakest first, and collecting all that is wrong on the way.

use std::path::Path;
use std::sync::Arc;

use clap::ValueEnum;
use ira_commands::text::without_urls;
use ira_commands::{Fault, Kind};

use super::env::{Env, IRA_COLOR, IRA_DIRECTORY, IRA_FORMAT, IRA_NETWORK, IRA_RPC_URL, NO_COLOR};
use super::network::DirectorySource;
use super::origin::{ConfigFile, Origin};
use super::problem::Problem;
use super::reader::parse_choice;
use super::secret::SecretRef;
use super::sources::{Flags, Sources};
use super::{ColorChoice, Config, file};

/// What became of one file.
pub(super) struct FileState {
    pub file: ConfigFile,
    /// Whether there is one.
    pub found: bool,
}

/// The configuration as far as it could be read, and what is wrong with the rest.
pub(super) struct Gathered {
    pub config: Config,
    pub files: Vec<FileState>,
    /// In files.
    pub problems: Vec<Problem>,
    /// In the flags and in the environment.
    pub faults: Vec<Fault>,
}

/// Reads all layers. Fails only where it cannot be known which files to read.
pub(super) fn gather(sources: &Sources) -> Result<Gathered, Fault> {
    let mut config = Config::built_in(Arc::clone(&sources.env));
    config.user_file.clone_from(&sources.places.user);
    let mut gathered = Gathered { config, files: Vec::new(), problems: Vec::new(), faults: Vec::new() };
    for (file, required) in sources.files()? {
        let found = match file::read(&file) {
            Err(problem) => {
                gathered.problems.push(*problem);
                true
            }
            Ok(None) if required => {
                return Err(Fault::new(
                    Kind::Config,
                    format!("there is no file {}", without_urls(&file.path.display().to_string())),
                )
                .hint("--config and IRA_CONFIG name a file that must exist"));
            }
            Ok(None) => false,
            Ok(Some(text)) => {
                gathered.problems.extend(file::apply(&mut gathered.config, &file, &text));
                gathered.config.files.push(file.clone());
                true
            }
        };
        gathered.files.push(FileState { file, found });
    }
    environment(&mut gathered, sources.env.as_ref(), &sources.cwd);
    flags(&mut gathered, &sources.flags, &sources.cwd);
    Ok(gathered)
}

fn environment(gathered: &mut Gathered, env: &dyn Env, cwd: &Path) {
    let mut get = |name: &'static str| match env.get(name) {
        Ok(value) => value,
        Err(fault) => {
            gathered.faults.push(fault);
            None
        }
    };
    let network = get(IRA_NETWORK);
    let endpoints = get(IRA_RPC_URL);
    let directory = get(IRA_DIRECTORY);
    let format = get(IRA_FORMAT);
    let no_color = get(NO_COLOR);
    let color = get(IRA_COLOR);
    let config = &mut gathered.config;
    if let Some(network) = network {
        config.network = Some(network);
        config.origins.insert("network".to_owned(), Origin::Environment(IRA_NETWORK));
    }
    let mut wrong = |name: &str, (why, hint): (String, Option<String>)| {
        let mut fault = Fault::new(Kind::Config, format!("the environment variable {name} {why}"));
        fault.hint = hint;
        gathered.faults.push(fault);
    };
    if no_color.is_some() {
        config.output.color = ColorChoice::Never;
        config.origins.insert("output.color".to_owned(), Origin::Environment(NO_COLOR));
    }
    chosen(&mut config.output.color, IRA_COLOR, color.as_deref(), &mut wrong)
        .map(|origin| config.origins.insert("output.color".to_owned(), origin));
    chosen(&mut config.output.format, IRA_FORMAT, format.as_deref(), &mut wrong)
        .map(|origin| config.origins.insert("output.format".to_owned(), origin));
    if let Some(text) = directory {
        match DirectorySource::parse(&text, cwd) {
            Ok(source) => config.directory = Some((source, Origin::Environment(IRA_DIRECTORY))),
            Err(why) => wrong(IRA_DIRECTORY, (format!("is no feed directory: {why}"), None)),
        }
    }
    if let Some(list) = endpoints {
        match list.split(',').map(|one| SecretRef::parse(one, cwd)).collect::<Result<Vec<_>, _>>() {
            Ok(references) => config.rpc = Some((references, Origin::Environment(IRA_RPC_URL))),
            Err(why) => wrong(IRA_RPC_URL, (format!("is no list of RPC endpoints: {why}"), None)),
        }
    }
}

/// Sets one of a closed set of words from a variable, and says where it now comes from.
fn chosen<T: ValueEnum>(
    value: &mut T,
    name: &'static str,
    text: Option<&str>,
    wrong: &mut impl FnMut(&str, (String, Option<String>)),
) -> Option<Origin> {
    match parse_choice(text?) {
        Ok(choice) => {
            *value = choice;
            Some(Origin::Environment(name))
        }
        Err(why) => {
            wrong(name, why);
            None
        }
    }
}

fn flags(gathered: &mut Gathered, flags: &Flags, cwd: &Path) {
    let config = &mut gathered.config;
    let mut by = |key: &str, flag| config.origins.insert(key.to_owned(), Origin::Flag(flag));
    if let Some(network) = &flags.network {
        config.network = Some(network.clone());
        by("network", "--network");
    }
    if let Some(format) = flags.format {
        config.output.format = format;
        by("output.format", "--format");
    }
    if let Some(color) = flags.color {
        config.output.color = color;
        by("output.color", "--color");
    }
    if flags.wide {
        config.output.wide = true;
        by("output.wide", "--wide");
    }
    if flags.verbose {
        config.output.verbose = true;
        by("output.verbose", "--verbose");
    }
    if let Some(text) = &flags.directory {
        match DirectorySource::parse(text, cwd) {
            Ok(source) => config.directory = Some((source, Origin::Flag("--directory"))),
            Err(why) => gathered.faults.push(Fault::new(Kind::Usage, format!("--directory takes FILE|URL: {why}"))),
        }
    }
    if !flags.rpc_url.is_empty() {
        match flags.rpc_url.iter().map(|one| SecretRef::parse(one, cwd)).collect::<Result<Vec<_>, _>>() {
            Ok(references) => config.rpc = Some((references, Origin::Flag("--rpc-url"))),
            Err(why) => gathered.faults.push(Fault::new(Kind::Usage, format!("--rpc-url: {why}"))),
        }
    }
}
