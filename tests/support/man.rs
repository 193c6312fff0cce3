//! The manual pages, from the command line interface itself. No date and no version, so that only a change of what
//! they say makes them stale.

use clap::Command;
use clap_mangen::Man;
use roff::{Inline, Roff, bold, roman};

/// Every page by its file name.
pub fn pages() -> Vec<(String, String)> {
    let mut all = ira::cli::command();
    all.build();
    let mut pages = Vec::new();
    collect(&all, "ira", &mut pages);
    pages
}

fn collect(command: &Command, path: &str, pages: &mut Vec<(String, String)>) {
    pages.push((format!("{}.1", path.replace(' ', "-")), page(command, path)));
    for sub in command.get_subcommands() {
        collect(sub, &format!("{path} {}", sub.get_name()), pages);
    }
}

fn page(command: &Command, path: &str) -> String {
    // The topics that end the help of `ira` are a section of their own here.
    let man = Man::new(command.clone()).date("").source("ira").manual("ira manual");
    let mut out = Vec::new();
    let rendered = man
        .render_title(&mut out)
        .and_then(|()| man.render_name_section(&mut out))
        .and_then(|()| man.render_synopsis_section(&mut out))
        .and_then(|()| man.render_description_section(&mut out))
        .and_then(|()| examples(path).to_writer(&mut out))
        .and_then(|()| man.render_options_section(&mut out));
    rendered.expect("a Vec takes any page");
    if command.has_subcommands() {
        man.render_subcommands_section(&mut out).expect("a Vec takes any page");
    }
    if path == "ira" {
        let exit = ira::exit::TABLE.iter().map(|row| (row.code.to_string(), format!("{}: {}.", row.name, row.meaning)));
        let environment = ira::help::environment().map(|(name, what)| (name.to_owned(), format!("{what}.")));
        let files = ira::help::FILES.iter().map(|(name, what)| ((*name).to_owned(), format!("{what}.")));
        let topics = ira::help::TOPICS.iter().map(|(name, what)| (format!("ira help {name}"), format!("{what}.")));
        for section in
            [list("EXIT STATUS", exit), list("ENVIRONMENT", environment), list("FILES", files), list("TOPICS", topics)]
        {
            section.to_writer(&mut out).expect("a Vec takes any page");
        }
    }
    String::from_utf8(out).expect("pages are UTF-8")
}

fn examples(path: &str) -> Roff {
    list("EXAMPLES", ira::help::of(path).map(|example| (example.line.to_owned(), format!("{}.", example.what))))
}

fn list(title: &str, items: impl Iterator<Item = (String, String)>) -> Roff {
    let mut section = Roff::new();
    section.control("SH", [title]);
    for (name, what) in items {
        let (name, what): ([Inline; 1], [Inline; 1]) = ([bold(name)], [roman(what)]);
        section.control("TP", []).text(name).text(what);
    }
    section
}
