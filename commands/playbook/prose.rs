//! Notes: prose in which facts stand. Never a decision, never a command.

use minijinja::{Environment, UndefinedBehavior, escape_formatter};
use serde_json::{Value as Json, json};

use super::scope::Scope;
use crate::text::excerpt;

/// Longest template, bytes.
const LONGEST: usize = 4 << 10;
/// Longest note that comes of one, bytes.
const WRITTEN: usize = 16 << 10;
/// Steps that a template may take.
const FUEL: u64 = 20_000;

/// What stands for what is not known.
const NOT_KNOWN: &str = "?";

/// What a note may speak of.
pub(super) const ROOTS: [&str; 7] = ["alert", "key", "params", "q", "steps", "verify", "playbook"];

/// Nothing but what is named here can be called: no loader, no include, no function.
fn environment() -> Environment<'static> {
    let mut env = Environment::empty();
    // Whoever is woken reads what is known: what the run did not come to is a question mark, never the end of the note.
    env.set_undefined_behavior(UndefinedBehavior::Chainable);
    env.set_formatter(|out, state, value| {
        if value.is_undefined() {
            out.write_str(NOT_KNOWN).map_err(minijinja::Error::from)
        } else {
            escape_formatter(out, state, value)
        }
    });
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(16);
    env.add_filter("upper", minijinja::filters::upper);
    env.add_filter("lower", minijinja::filters::lower);
    env.add_filter("trim", minijinja::filters::trim);
    env.add_filter("default", minijinja::filters::default);
    env.add_filter("length", minijinja::filters::length);
    env.add_filter("round", minijinja::filters::round);
    env.add_filter("join", minijinja::filters::join);
    env.add_filter("first", minijinja::filters::first);
    env.add_filter("last", minijinja::filters::last);
    env
}

/// What is wrong with a template, before it is used.
pub(super) fn check(text: &str) -> Vec<String> {
    if text.len() > LONGEST {
        return vec![format!("the note has {} bytes, and at most {LONGEST} are taken", text.len())];
    }
    let env = environment();
    match env.template_from_str(text) {
        Err(error) => vec![format!("this is no template: {}", said(&error))],
        Ok(template) => {
            let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
            unknown.retain(|name| !ROOTS.contains(&name.as_str()));
            unknown.sort();
            let one = |name: String| {
                let near = crate::text::nearest(&name, ROOTS);
                let near = near
                    .map_or_else(|| format!("one of: {}", ROOTS.join(", ")), |near| format!("did you mean `{near}`?"));
                format!("a note knows nothing of `{}`; {near}", excerpt(&name, 40))
            };
            unknown.into_iter().map(one).collect()
        }
    }
}

/// What a note says of a run. The error says why it says nothing; then the facts are sent without it.
pub fn render(text: &str, playbook: &str, scope: &Scope) -> Result<String, String> {
    let env = environment();
    let out = env.render_str(text, minijinja::value::Serde(facts(playbook, scope))).map_err(|error| said(&error))?;
    Ok(if out.len() > WRITTEN { excerpt(&out, WRITTEN / 4) } else { out })
}

fn facts(playbook: &str, scope: &Scope) -> Json {
    let steps =
        scope.steps.iter().map(|(id, step)| (id.clone(), json!({ "state": step.state.word(), "out": step.out })));
    json!({
        "playbook": playbook,
        "alert": {
            "labels": scope.alert.alert.labels,
            "annotations": scope.alert.alert.annotations,
            "status": scope.alert.status(),
            "source": scope.alert.source,
            "starts_at": scope.alert.starts_at,
        },
        "key": scope.key.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join("/"),
        "params": scope.params,
        "q": scope.queries,
        "steps": steps.collect::<serde_json::Map<_, _>>(),
        "verify": { "before": scope.before, "after": scope.after },
    })
}

fn said(error: &minijinja::Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    excerpt(&format!("{}{detail}", error.kind()), 160)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_tells_facts_and_calls_nothing() {
        let mut scope = Scope::default();
        scope.before.insert("evic".into(), json!(88.0));
        scope.alert.alert.labels.insert("cluster".into(), "{{ playbook }}".into());
        let note = "evictions {{ verify.before.evic }}, {{ alert.labels.cluster | upper }}";
        // What came from outside is not a template.
        assert_eq!(render(note, "redis", &scope).as_deref(), Ok("evictions 88.0, {{ PLAYBOOK }}"));
        let early = "{{ steps.restart.state }}, {{ verify.before.evic }} -> {{ verify.after.evic }}";
        assert_eq!(render(early, "x", &scope).as_deref(), Ok("?, 88.0 -> ?"), "what was not come to yet");
        assert!(
            render("{% for a in 'x' * 999999 %}{% for b in 'x' * 999999 %}{% endfor %}{% endfor %}", "x", &scope)
                .is_err()
        );
        assert_eq!(check(note), Vec::<String>::new());
        assert!(check("{{ step.look.state }}")[0].contains("did you mean `steps`"));
        for bad in ["{{ unclosed", "{% include 'x' %}", "{{ x | shell }}"] {
            assert!(!check(bad).is_empty() || render(bad, "x", &scope).is_err(), "{bad}");
        }
    }
}
