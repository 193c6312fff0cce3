//! What keeps an expression from taking long: fences on its text before it is parsed, and on its tree after.

use ::cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use super::bind::{ITEMS, TEXT};
use crate::text::{excerpt, nearest};

/// Deepest nesting of brackets.
const BRACKETS: usize = 16;
/// Most operators.
const OPERATORS: usize = 100;
/// Deepest nesting of loops.
const LOOPS: usize = 2;
/// Most `+` of which it is not plain that they add numbers.
const JOINS: usize = 8;
/// The most work that an expression may be.
pub(super) const MOST: u64 = 500_000;

/// What a comparison of two values costs of which neither is plainly small.
const COMPARE: u64 = ITEMS as u64;
/// What looking through a text costs.
const SCAN: u64 = (TEXT / 64) as u64;
/// What a regular expression costs: it is compiled each time.
const REGEX: u64 = 3_000;

/// The functions that may be called, with the number of their arguments (the target is one).
pub(super) const FUNCTIONS: [(&str, usize); 11] = [
    ("size", 1),
    ("contains", 2),
    ("startsWith", 2),
    ("endsWith", 2),
    ("matches", 2),
    ("int", 1),
    ("double", 1),
    ("string", 1),
    ("bool", 1),
    ("duration", 1),
    ("timestamp", 1),
];
/// The operators that are calls in the tree, besides those that are costed on their own. A name that only looks like one
/// (`__import__`) is not.
const OPERATOR_CALLS: [&str; 14] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::NOT_STRICTLY_FALSE,
];
/// The macros, for hints: they are no calls any more when the tree is looked at.
const MACROS: [&str; 6] = ["has", "all", "exists", "exists_one", "map", "filter"];

/// Refuses a text whose parsing or whose tree could go too deep.
pub(super) fn before(text: &str) -> Result<(), String> {
    let (mut depth, mut deepest, mut operators, mut run, mut longest) = (0usize, 0usize, 0usize, 0usize, 0usize);
    let mut quote = None;
    let mut escaped = false;
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        if let Some(open) = quote {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                _ if byte == open => quote = None,
                _ => {}
            }
            continue;
        }
        match byte {
            b'\'' | b'"' => {
                // Triple quotes and raw texts would end elsewhere than this scan believes.
                if bytes.get(at + 1) == Some(&byte) && bytes.get(at + 2) == Some(&byte) {
                    return Err("a text in triple quotes has no place here".to_owned());
                }
                if at > 0 && matches!(bytes[at - 1], b'r' | b'R' | b'b' | b'B') && !is_word(bytes, at.wrapping_sub(2)) {
                    return Err("a raw text or bytes (`r'…'`, `b'…'`) have no place here".to_owned());
                }
                quote = Some(byte);
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'/' if bytes.get(at + 1) == Some(&b'/') => return Err("a comment has no place here".to_owned()),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'=' | b'&' | b'|' | b'!' | b'?' | b':' | b'.' => {
                operators += 1;
            }
            _ => {}
        }
        run = if matches!(byte, b'!' | b'-') { run + 1 } else { 0 };
        (deepest, longest) = (deepest.max(depth), longest.max(run));
    }
    if deepest > BRACKETS || longest > 2 {
        return Err(format!("it is nested too deep: at most {BRACKETS} brackets within each other"));
    }
    if operators > OPERATORS {
        return Err(format!("it has {operators} operators, and at most {OPERATORS} are taken"));
    }
    Ok(())
}

fn is_word(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// What is known of an expression that passed.
pub(super) struct Fenced {
    pub paths: Vec<Vec<String>>,
    pub cost: u64,
}

/// Refuses a tree that calls what is not to be called, or could be too much work.
pub(super) fn after(expression: &IdedExpr) -> Result<Fenced, String> {
    let mut walk = Walk { paths: Vec::new(), locals: Vec::new(), joins: 0 };
    let cost = walk.cost(expression)?;
    if cost > MOST {
        return Err(format!(
            "it could be too much work: {cost} steps over lists of {ITEMS} and texts of {TEXT} bytes, and at most {MOST} \
             are allowed; look at less within a loop"
        ));
    }
    walk.paths.sort();
    walk.paths.dedup();
    Ok(Fenced { paths: walk.paths, cost })
}

/// The path from a root that an expression spells: names, fields, and texts in brackets.
pub(super) fn path(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Ident(name) => Some(vec![name.clone()]),
        Expr::Select(select) => {
            let mut path = path(&select.operand.expr)?;
            path.push(select.field.clone());
            Some(path)
        }
        Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::INDEX => match args.as_slice() {
            [of, IdedExpr { expr: Expr::Literal(LiteralValue::String(name)), .. }] => {
                let mut path = path(&of.expr)?;
                path.push(name.inner().to_owned());
                Some(path)
            }
            _ => None,
        },
        _ => None,
    }
}

struct Walk {
    paths: Vec<Vec<String>>,
    /// Names that a loop brought; one entry for each loop.
    locals: Vec<[String; 2]>,
    joins: usize,
}

impl Walk {
    fn is_local(&self, name: &str) -> bool {
        self.locals.iter().flatten().any(|local| local == name)
    }

    fn cost(&mut self, of: &IdedExpr) -> Result<u64, String> {
        if let Some(path) = path(&of.expr) {
            let steps = path.len() as u64;
            if !self.is_local(&path[0]) {
                self.paths.push(path);
            }
            return Ok(steps);
        }
        match &of.expr {
            Expr::Literal(_) | Expr::Ident(_) => Ok(1),
            Expr::Select(select) => Ok(self.cost(&select.operand)? + 1),
            Expr::List(list) if list.elements.len() > ITEMS => {
                Err(format!("a list of it has {} items, and at most {ITEMS} are taken", list.elements.len()))
            }
            Expr::List(list) => self.sum(list.elements.iter()).map(|cost| cost + 1),
            Expr::Map(_) | Expr::Struct(_) => Err("a map has no place in an expression".to_owned()),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Call(call) => self.call(call),
            Expr::Unspecified => Err("a part of it is empty".to_owned()),
        }
    }

    fn sum<'a>(&mut self, all: impl Iterator<Item = &'a IdedExpr>) -> Result<u64, String> {
        all.map(|one| self.cost(one)).try_fold(0u64, |sum, cost| Ok(sum.saturating_add(cost?)))
    }

    fn comprehension(&mut self, of: &ComprehensionExpr) -> Result<u64, String> {
        let range = self.cost(&of.iter_range)?;
        let times = match &of.iter_range.expr {
            Expr::List(list) => list.elements.len(),
            // Joined lists are longer than one.
            _ => ITEMS * (self.joins + 1),
        } as u64;
        self.locals.push([of.iter_var.clone(), of.accu_var.clone()]);
        if self.locals.len() > LOOPS {
            return Err(format!("loops (`all`, `exists`, `map` …) are nested more than {LOOPS} deep"));
        }
        let around = self.sum([&of.accu_init, &of.result].into_iter())?;
        let each = self.sum([&of.loop_cond, &of.loop_step].into_iter())?;
        self.locals.pop();
        Ok(range.saturating_add(around).saturating_add(times.saturating_mul(each.saturating_add(2))))
    }

    fn call(&mut self, call: &CallExpr) -> Result<u64, String> {
        let args = self.sum(call.target.as_deref().into_iter().chain(&call.args))?;
        let own = match call.func_name.as_str() {
            operators::EQUALS | operators::NOT_EQUALS => self.comparison(&call.args),
            operators::IN => COMPARE,
            operators::INDEX => 1,
            operators::ADD => self.join(&call.args)?,
            name if OPERATOR_CALLS.contains(&name) => 1,
            "matches" => {
                Self::literal_regex(call)?;
                REGEX
            }
            name => {
                let given = call.args.len() + usize::from(call.target.is_some());
                match FUNCTIONS.iter().find(|(known, _)| *known == name) {
                    Some((_, wanted)) if *wanted == given => SCAN,
                    Some(_) => return Err(format!("`{name}` does not take so many arguments")),
                    None => return Err(unknown(name)),
                }
            }
        };
        Ok(args.saturating_add(own))
    }

    /// A comparison with something small is quick; of two loop variables it is as much as both hold, which is capped.
    fn comparison(&self, args: &[IdedExpr]) -> u64 {
        let small = |arg: &IdedExpr| matches!(&arg.expr, Expr::Literal(_)) || is_number(&arg.expr);
        let local = |arg: &IdedExpr| path(&arg.expr).is_some_and(|path| self.is_local(&path[0]));
        if args.iter().any(small) {
            1
        } else if args.iter().all(local) {
            4
        } else {
            COMPARE
        }
    }

    /// A `+` may join lists or texts. In a loop, where that could grow without end, one side must plainly be small.
    fn join(&mut self, args: &[IdedExpr]) -> Result<u64, String> {
        let accumulated = matches!(args.first().map(|arg| &arg.expr), Some(Expr::Ident(name)) if name == "@result");
        if accumulated {
            return Ok(16);
        }
        if args.iter().any(|arg| matches!(arg.expr, Expr::Literal(_)) || is_number(&arg.expr)) {
            return Ok(2);
        }
        if !self.locals.is_empty() {
            return Err("a `+` in a loop needs a literal, int(…) or double(…) on one side".to_owned());
        }
        self.joins += 1;
        if self.joins > JOINS { Err(format!("it has more than {JOINS} `+`")) } else { Ok(COMPARE) }
    }

    fn literal_regex(call: &CallExpr) -> Result<(), String> {
        if call.args.len() + usize::from(call.target.is_some()) != 2 {
            return Err("`matches` does not take so many arguments".to_owned());
        }
        match call.args.last().map(|arg| &arg.expr) {
            Some(Expr::Literal(LiteralValue::String(pattern))) => crate::playbook::pattern::Whole::new(pattern.inner())
                .map(drop)
                .map_err(|why| format!("`matches`: this is no pattern: {why}")),
            _ => Err("`matches` takes a pattern that is written out".to_owned()),
        }
    }
}

/// Whether an expression can only be a number or a truth.
fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => matches!(
            call.func_name.as_str(),
            "int"
                | "double"
                | "size"
                | "bool"
                | operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO
                | operators::NEGATE
                | operators::LOGICAL_NOT
                | operators::EQUALS
                | operators::LESS
        ),
        _ => false,
    }
}

fn unknown(name: &str) -> String {
    let known = FUNCTIONS.iter().map(|(known, _)| *known).chain(MACROS);
    let near = match nearest(name, known.clone()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => format!("; there are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    format!("there is no function `{}`{near}", excerpt(name, 60))
}
