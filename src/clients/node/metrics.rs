//! What a node counts, out of the text that Prometheus reads.

use ira_commands::node::Meters;

/// The most lines that are looked at.
const MOST_LINES: usize = 200_000;
/// The most that is kept of each kind.
const MOST_KEPT: usize = 200;

/// One line: `name{label="value",…} number`.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

impl Sample<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What matters of it for a chain. `clean` makes a stranger's text fit to be shown.
pub(super) fn read(text: &str, chain_id: u64, clean: impl Fn(&str) -> String) -> Meters {
    let mut meters = Meters::default();
    let mut heads: Vec<(Option<u64>, u64)> = Vec::new();
    for sample in text.lines().take(MOST_LINES).filter_map(sample) {
        let chain = sample.label("evmChainID").or(sample.label("chainID"));
        let here = || chain.is_none_or(|chain| chain.trim() == chain_id.to_string());
        let job = || clean(sample.label("job_name").unwrap_or_default());
        match sample.name {
            "head_tracker_current_head" => {
                heads.extend(count(sample.value).map(|head| (chain.and_then(|chain| chain.trim().parse().ok()), head)));
            }
            "vrf_dropped_request_count" if here() && meters.dropped.len() < MOST_KEPT => {
                let reason = clean(sample.label("drop_reason").unwrap_or_default());
                meters.dropped.extend(count(sample.value).map(|many| (job(), reason, many)));
            }
            // A histogram in nanoseconds: how many there were, and their sum.
            "vrf_request_time_between_sims_count" | "vrf_request_time_between_sims_sum"
                if here() && meters.between_tries.len() < MOST_KEPT =>
            {
                let sum = sample.name.ends_with("_sum");
                let Some(number) = count(if sum { sample.value / 1e6 } else { sample.value }) else { continue };
                let name = job();
                let at = meters.between_tries.iter().position(|(job, ..)| *job == name).unwrap_or_else(|| {
                    meters.between_tries.push((name, 0, 0));
                    meters.between_tries.len() - 1
                });
                let (_, many, all) = &mut meters.between_tries[at];
                *(if sum { all } else { many }) += number;
            }
            _ => {}
        }
    }
    // A node of one chain need not say which; one of several does.
    let only = if heads.len() == 1 { heads.first().filter(|(chain, _)| chain.is_none()) } else { None };
    meters.head = heads.iter().find(|(chain, _)| *chain == Some(chain_id)).or(only).map(|(_, head)| *head);
    meters
}

/// A whole number that is not below zero.
fn count(value: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (0.0..9e15).contains(&value).then_some(value as u64)
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let line = line.trim();
    let name_ends = line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':')))?;
    let (name, rest) = line.split_at(name_ends);
    if name.is_empty() {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Vec::new(), rest),
    };
    Some(Sample { name, labels, value: rest.split_whitespace().next()?.parse().ok()? })
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        loop {
            match chars.next()? {
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (at, '"') => {
                    rest = &after[at + 1..];
                    break;
                }
                (_, c) => value.push(c),
            }
        }
        labels.push((name.trim(), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Meters {
        read(text, 31_337, str::to_owned)
    }

    #[test]
    fn the_head_is_that_of_the_chain_and_drops_are_of_its_jobs() {
        let text = "# HELP head_tracker_current_head The highest seen head number\n\
                    # TYPE head_tracker_current_head gauge\n\
                    head_tracker_current_head{evmChainID=\"1\"} 2.1904121e+07\n\
                    head_tracker_current_head{evmChainID=\"31337\"} 600\n\
                    vrf_dropped_request_count{drop_reason=\"age\",external_job_id=\"x\",job_name=\"a \\\"b\\\"\",vrf_version=\"v2\"} 3\n\
                    vrf_request_time_between_sims_count{job_name=\"a\"} 4\n\
                    vrf_request_time_between_sims_sum{job_name=\"a\"} 8e+09\n";
        let meters = of(text);
        assert_eq!(meters.head, Some(600));
        assert_eq!(meters.dropped, [("a \"b\"".to_owned(), "age".to_owned(), 3)]);
        assert_eq!(meters.between_tries, [("a".to_owned(), 4, 8_000)]);
    }

    #[test]
    fn another_chains_head_is_nobodys_and_an_unnamed_one_is_ours_where_it_is_alone() {
        assert_eq!(of("head_tracker_current_head{evmChainID=\"1\"} 5").head, None);
        assert_eq!(of("head_tracker_current_head 5").head, Some(5));
        assert_eq!(of("head_tracker_current_head 5\nhead_tracker_current_head{evmChainID=\"1\"} 7").head, None);
    }

    #[test]
    fn what_is_no_sample_is_passed_over() {
        for text in [
            "",
            "<html>",
            "{",
            "a{",
            "a{b",
            "a{b=\"",
            "a{b=\"\\",
            "a{} x",
            "head_tracker_current_head NaN",
            "é 1",
            "head_tracker_current_head -4",
        ] {
            assert_eq!(of(text), Meters::default(), "{text}");
        }
    }
}
