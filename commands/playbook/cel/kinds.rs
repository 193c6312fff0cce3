//! Whether an expression looks at what there is, and compares like with like. CEL itself says `1 == '1'` is false, and
//! says nothing else about it.

use ::cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use super::{Cel, fence};
use crate::text::{excerpt, nearest};

/// What a value is, as far as is known before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::playbook) enum Kind {
    Bool,
    Int,
    Double,
    Text,
    List,
    Map,
    Time,
    Span,
    Null,
    /// Not known before.
    Any,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Double => "a decimal number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Time => "a time",
            Self::Span => "a duration",
            Self::Null => "nothing",
            Self::Any => "something",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }

    fn may_be(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any || (self.is_number() && other.is_number())
    }
}

/// What the paths of an expression may be.
pub(in crate::playbook) trait Roots {
    /// What stands at a path; the error says why there is nothing.
    fn kind(&self, path: &[String]) -> Result<Kind, String>;
    /// The only texts that a path can be, where they are known.
    fn words(&self, path: &[String]) -> &'static [&'static str];
}

/// Everything that is wrong with what `cel` looks at and compares. It must be true or false in the end.
pub(in crate::playbook) fn check(cel: &Cel, roots: &dyn Roots) -> Vec<String> {
    let mut walk = Walk { roots, locals: Vec::new(), problems: Vec::new() };
    let kind = walk.kind(cel.inner.program.expression());
    if !kind.may_be(Kind::Bool) {
        walk.problems.push(format!("it is {}, neither true nor false", kind.word()));
    }
    walk.problems.dedup();
    walk.problems
}

struct Walk<'a> {
    roots: &'a dyn Roots,
    locals: Vec<[String; 2]>,
    problems: Vec<String>,
}

impl Walk<'_> {
    fn is_local(&self, name: &str) -> bool {
        self.locals.iter().flatten().any(|local| local == name)
    }

    fn kind(&mut self, of: &IdedExpr) -> Kind {
        let test = matches!(&of.expr, Expr::Select(select) if select.test);
        if let Some(path) = fence::path(&of.expr) {
            if self.is_local(&path[0]) {
                return if test { Kind::Bool } else { Kind::Any };
            }
            let found = self.roots.kind(&path);
            return match found {
                Ok(_) if test => Kind::Bool,
                Ok(kind) => kind,
                Err(why) => {
                    self.problems.push(why);
                    Kind::Any
                }
            };
        }
        match &of.expr {
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Kind::Bool,
                LiteralValue::Int(_) | LiteralValue::UInt(_) => Kind::Int,
                LiteralValue::Double(_) => Kind::Double,
                LiteralValue::String(_) => Kind::Text,
                LiteralValue::Null => Kind::Null,
                LiteralValue::Bytes(_) => Kind::Any,
            },
            Expr::Select(select) => {
                self.kind(&select.operand);
                if test { Kind::Bool } else { Kind::Any }
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.kind(element);
                }
                Kind::List
            }
            Expr::Comprehension(of) => {
                let range = self.kind(&of.iter_range);
                self.must(range, &[Kind::List, Kind::Map], "a loop goes over");
                let init = self.kind(&of.accu_init);
                self.locals.push([of.iter_var.clone(), of.accu_var.clone()]);
                for part in [&of.loop_cond, &of.loop_step, &of.result] {
                    self.kind(part);
                }
                self.locals.pop();
                if init == Kind::Int { Kind::Bool } else { init }
            }
            Expr::Call(call) => self.call(call),
            _ => Kind::Any,
        }
    }

    fn must(&mut self, kind: Kind, wanted: &[Kind], what: &str) {
        if !wanted.iter().any(|one| kind.may_be(*one)) {
            let words: Vec<&str> = wanted.iter().map(|one| one.word()).collect();
            self.problems.push(format!("{what} {}, and this is {}", words.join(" or "), kind.word()));
        }
    }

    fn call(&mut self, call: &CallExpr) -> Kind {
        let parts: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let kinds: Vec<Kind> = parts.iter().map(|part| self.kind(part)).collect();
        let first = kinds.first().copied().unwrap_or(Kind::Any);
        let second = kinds.get(1).copied().unwrap_or(Kind::Any);
        let name = call.func_name.as_str();
        match name {
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT => {
                let word = name.trim_matches('_');
                for kind in kinds {
                    self.must(kind, &[Kind::Bool], &format!("`{word}` takes"));
                }
                Kind::Bool
            }
            operators::NOT_STRICTLY_FALSE | operators::IN => Kind::Bool,
            operators::CONDITIONAL => {
                self.must(first, &[Kind::Bool], "`? :` asks for");
                let third = kinds.get(2).copied().unwrap_or(Kind::Any);
                if second == third { second } else { Kind::Any }
            }
            operators::EQUALS | operators::NOT_EQUALS => {
                let null = first == Kind::Null || second == Kind::Null;
                if !null && !first.may_be(second) {
                    self.unlike(name, first, second);
                }
                self.known_words(&parts);
                Kind::Bool
            }
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
                if first.may_be(second) {
                    self.must(first, &[Kind::Int, Kind::Text, Kind::Time, Kind::Span], "an order is there for");
                } else {
                    self.unlike(name, first, second);
                }
                Kind::Bool
            }
            operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO => {
                self.arithmetic(name, first, second)
            }
            operators::NEGATE => {
                self.must(first, &[Kind::Int], "`-` takes");
                first
            }
            "contains" | "startsWith" | "endsWith" | "matches" => {
                self.must(first, &[Kind::Text], &format!("`{name}` looks at"));
                self.must(second, &[Kind::Text], &format!("`{name}` looks for"));
                Kind::Bool
            }
            "size" => {
                self.must(first, &[Kind::Text, Kind::List, Kind::Map], "`size` takes");
                Kind::Int
            }
            "int" => Kind::Int,
            "double" => Kind::Double,
            "string" => Kind::Text,
            "bool" => Kind::Bool,
            "duration" => Kind::Span,
            "timestamp" => Kind::Time,
            _ => Kind::Any,
        }
    }

    fn unlike(&mut self, operator: &str, first: Kind, second: Kind) {
        let word = operator.trim_matches('_');
        let hint = match (first, second) {
            (Kind::Text, other) | (other, Kind::Text) if other.is_number() => "; write double(…) around the text",
            _ => "",
        };
        self.problems.push(format!(
            "`{word}` compares {} with {}: they are never alike{hint}",
            first.word(),
            second.word()
        ));
    }

    fn arithmetic(&mut self, operator: &str, first: Kind, second: Kind) -> Kind {
        let word = operator.trim_matches('_');
        match (first, second) {
            (Kind::Any, other) | (other, Kind::Any) => other,
            (Kind::Int, Kind::Double) | (Kind::Double, Kind::Int) => {
                self.problems
                    .push(format!("`{word}` takes two whole or two decimal numbers; write double(…) around one"));
                Kind::Double
            }
            (Kind::Text, Kind::Text) | (Kind::List, Kind::List) if operator == operators::ADD => first,
            (Kind::Time, Kind::Span) => Kind::Time,
            (Kind::Time, Kind::Time) | (Kind::Span, Kind::Span) => Kind::Span,
            (first, second) if first == second && first.is_number() => first,
            (first, second) => {
                self.problems.push(format!("`{word}` cannot take {} and {}", first.word(), second.word()));
                Kind::Any
            }
        }
    }

    /// A text that something can never be.
    fn known_words(&mut self, parts: &[&IdedExpr]) {
        for (at, part) in parts.iter().enumerate() {
            let Some(path) = fence::path(&part.expr) else { continue };
            let words = self.roots.words(&path);
            let Some(Expr::Literal(LiteralValue::String(text))) = parts.get(1 - at.min(1)).map(|part| &part.expr)
            else {
                continue;
            };
            if !words.is_empty() && !words.contains(&text.inner()) {
                let near = nearest(text.inner(), words.iter().copied());
                let near = near
                    .map_or_else(|| format!("one of: {}", words.join(", ")), |near| format!("did you mean `{near}`?"));
                let shown = excerpt(text.inner(), 40);
                self.problems.push(format!("`{}` is never `{shown}`; {near}", path.join(".")));
            }
        }
    }
}
