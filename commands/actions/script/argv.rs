//! Text that becomes an argument or a variable of a script: exactly one element, or refused.

use crate::fault::{Fault, Kind};
use crate::shell;

/// The longest element that the kernel takes (`MAX_ARG_STRLEN`), less the byte that ends it.
const LONGEST: usize = 131_071;
/// The most of all elements together; far less than any kernel's limit, and it is written to the journal.
const MOST: usize = 512 * 1024;
/// What is shown of one element, characters.
const SHOWN: usize = 120;

/// Variables that make a program load or run something: never from a caller, who may have them from an alert.
const LOADERS: &[&str] = &[
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "SHELL",
    "USER",
    "LOGNAME",
    "PWD",
    "OLDPWD",
    "IFS",
    "ENV",
    "PS4",
    "CDPATH",
    "SHELLOPTS",
    "BASHOPTS",
    "PROMPT_COMMAND",
    "NODE_OPTIONS",
    "NODE_PATH",
    "GCONV_PATH",
    "LOCPATH",
    "EDITOR",
    "PAGER",
    "JAVA_TOOL_OPTIONS",
    "CLASSPATH",
    "GLIBC_TUNABLES",
    "MALLOC_CONF",
    "RES_OPTIONS",
    "HOSTALIASES",
    "TERMINFO",
];
/// The same by how they begin.
const LOADING: &[&str] = &["LD_", "DYLD_", "BASH_", "PYTHON", "PERL", "RUBY", "IRA_", "GIT_", "LC_", "_"];

/// The arguments as the script gets them: its options, then `--` where scripts take it, then the rest.
pub(super) fn built(flags: &[String], args: &[String], end_of_options: bool) -> Result<Vec<String>, Fault> {
    for (at, flag) in flags.iter().enumerate() {
        if !flag.starts_with('-') || flag == "--" {
            return Err(Fault::new(Kind::Usage, format!("option {} of the script does not begin with `-`", at + 1))
                .because(shown(flag))
                .hint("what is no option is an argument: --arg"));
        }
    }
    for (at, arg) in args.iter().enumerate() {
        if arg.starts_with('-') && !end_of_options {
            return Err(Fault::new(Kind::Usage, format!("argument {} of the script begins with `-`", at + 1))
                .because(format!("{} would be taken for an option", shown(arg)))
                .hint("an option is given with --flag; where every script takes `--`, set `scripts.end_of_options`"));
        }
    }
    let mut all = flags.to_vec();
    if end_of_options && !args.is_empty() {
        all.push("--".to_owned());
    }
    all.extend_from_slice(args);
    Ok(all)
}

/// Refuses what could not reach the script as it is.
pub(super) fn fits(args: &[String], env: &[(String, String)]) -> Result<(), Fault> {
    let mut sum = 0;
    let args = args.iter().enumerate().map(|(at, arg)| (format!("argument {}", at + 1), arg, arg.len()));
    let env = env.iter().map(|(name, value)| (format!("variable {name}"), value, name.len() + 1 + value.len()));
    for (what, text, length) in args.chain(env) {
        if text.contains('\0') {
            return Err(Fault::new(Kind::Usage, format!("{what} of the script holds a NUL"))
                .because("it would end there, and the rest would be lost")
                .hint("give it on standard input (--stdin)"));
        }
        sum += length;
        if length > LONGEST || sum > MOST {
            return Err(Fault::new(Kind::Usage, format!("{what} of the script is too long: {length} bytes"))
                .because(format!("one takes at most {LONGEST} bytes, all together {MOST}"))
                .hint("give it on standard input (--stdin)"));
        }
    }
    Ok(())
}

/// Takes `NAME=VALUE` apart.
pub(super) fn variable(text: &str) -> Result<(String, String), Fault> {
    let wrong = |why: String| Err(Fault::new(Kind::Usage, "a variable of the script cannot be set").because(why));
    let Some((name, value)) = text.split_once('=') else { return wrong(format!("{} has no `=`", shown(text))) };
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return wrong(format!("{} is no name: A-Z, 0-9 and `_`", shown(name)));
    }
    if LOADERS.contains(&name) || LOADING.iter().any(|start| name.starts_with(start)) {
        return wrong(format!("{name} changes what is run"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// A word for a person: quoted, with what cannot be seen in it escaped, and short.
pub(super) fn shown(text: &str) -> String {
    let head: String = text.chars().take(SHOWN).collect();
    let hidden = head.chars().any(|c| !matches!(c, '\'' | '"' | '\\') && c.escape_debug().len() > 1);
    let word = if hidden { format!("\"{}\"", head.escape_debug()) } else { shell::word(&head) };
    if head.len() == text.len() { word } else { format!("{word}… ({} bytes)", text.len()) }
}

/// A whole command line for a person.
pub(super) fn line(program: &str, args: &[String]) -> String {
    /// More than this many are not read by anybody.
    const MOST_SHOWN: usize = 32;
    let words = std::iter::once(program).chain(args.iter().map(String::as_str));
    let line = words.take(MOST_SHOWN).map(shown).collect::<Vec<_>>().join(" ");
    if args.len() >= MOST_SHOWN { format!("{line} … ({} arguments)", args.len()) } else { line }
}
