//! A transaction: prepared statements, and values as SQLite holds them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use ira_commands::Effect;
use ira_commands::effect::Reach;
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, ErrorCode, Row, Statement, ToSql};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::fault;
use crate::store::rows::{Res, Stop};

/// A connection with its prepared statements.
pub(super) struct Desk<'c> {
    pub(super) connection: &'c Connection,
    /// By the address of their text: each is a constant.
    statements: RefCell<HashMap<usize, Statement<'c>>>,
    /// The time of the transaction.
    pub(super) now: Cell<u64>,
    /// The worst that SQLite said in the transaction.
    pub(super) trouble: Cell<Option<ErrorCode>>,
}

impl<'c> Desk<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, statements: RefCell::default(), now: Cell::new(0), trouble: Cell::new(None) }
    }

    fn with<T>(
        &self,
        sql: &'static str,
        work: impl FnOnce(&mut Statement<'c>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut statements = self.statements.borrow_mut();
        let statement = match statements.entry(sql.as_ptr().addr()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(self.connection.prepare(sql)?),
        };
        let done = work(statement);
        if let Err(error) = &done {
            let code = error.sqlite_error_code();
            if matches!(code, Some(ErrorCode::SystemIoFailure | ErrorCode::DiskFull | ErrorCode::DatabaseCorrupt)) {
                self.trouble.set(code);
            }
        }
        done
    }

    fn stop(&self, error: &rusqlite::Error) -> Stop {
        Stop::Fault(fault(self.connection.path().unwrap_or_default(), error))
    }

    /// Runs a statement, giving SQLite's own error.
    pub(super) fn raw(&self, sql: &'static str, values: &[&dyn ToSql]) -> rusqlite::Result<usize> {
        self.with(sql, |statement| statement.execute(values))
    }

    /// The first row, which has to be there; with SQLite's own error.
    pub(super) fn raw_one<T>(
        &self,
        sql: &'static str,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.with(sql, |statement| statement.query_row([], map))
    }

    /// Runs a statement; gives how many rows it changed.
    pub(super) fn run(&self, sql: &'static str, values: &[&dyn ToSql]) -> Res<usize> {
        self.raw(sql, values).map_err(|error| self.stop(&error))
    }

    /// Inserts a row; gives its number.
    pub(super) fn insert(&self, sql: &'static str, values: &[&dyn ToSql]) -> Res<u64> {
        self.run(sql, values)?;
        Ok(u64::try_from(self.connection.last_insert_rowid()).unwrap_or(0))
    }

    /// The first row.
    pub(super) fn one<T>(
        &self,
        sql: &'static str,
        values: &[&dyn ToSql],
        map: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Res<Option<T>> {
        let first = self.with(sql, |statement| {
            let mut rows = statement.query(values)?;
            rows.next()?.map(map).transpose()
        });
        first.map_err(|error| self.stop(&error))
    }

    /// Every row.
    pub(super) fn many<T>(
        &self,
        sql: &'static str,
        values: &[&dyn ToSql],
        map: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Res<Vec<T>> {
        self.with(sql, |statement| statement.query_map(values, map)?.collect()).map_err(|error| self.stop(&error))
    }
}

/// A row's number, where it is the first column.
pub(super) fn id(row: &Row<'_>) -> rusqlite::Result<u64> {
    Columns::of(row).int()
}

/// A number as SQLite holds it.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn maybe_int(number: Option<u64>) -> Option<i64> {
    number.map(int)
}

pub(super) fn json(value: &Json) -> String {
    value.to_string()
}

pub(super) fn list<T: serde::Serialize>(values: &[T]) -> String {
    if values.is_empty() { "[]".to_owned() } else { serde_json::to_string(values).unwrap_or_default() }
}

pub(super) fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Idempotent => "idempotent",
        Effect::Once => "once",
    }
}

pub(super) fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::Target => "target",
        Reach::Tell => "tell",
    }
}

fn bad(column: usize, why: impl std::fmt::Display) -> rusqlite::Error {
    let why: Box<dyn std::error::Error + Send + Sync> = FromSqlError::Other(why.to_string().into()).to_string().into();
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why)
}

/// Reads the columns of a row one after the other.
pub(super) struct Columns<'r, 'a> {
    row: &'r Row<'a>,
    next: usize,
}

impl<'r, 'a> Columns<'r, 'a> {
    pub(super) fn of(row: &'r Row<'a>) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn get<T: rusqlite::types::FromSql>(&mut self) -> rusqlite::Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    pub(super) fn int(&mut self) -> rusqlite::Result<u64> {
        let number: i64 = self.get()?;
        u64::try_from(number).map_err(|error| bad(self.next - 1, error))
    }

    pub(super) fn maybe_int(&mut self) -> rusqlite::Result<Option<u64>> {
        let number: Option<i64> = self.get()?;
        number.map(|number| u64::try_from(number).map_err(|error| bad(self.next - 1, error))).transpose()
    }

    /// A word of one of the enums.
    pub(super) fn word<T: TryFrom<String, Error = String>>(&mut self) -> rusqlite::Result<T> {
        let word: String = self.get()?;
        T::try_from(word).map_err(|error| bad(self.next - 1, error))
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> rusqlite::Result<T> {
        self.next += 1;
        let text = self.row.get_ref(self.next - 1)?.as_str()?;
        serde_json::from_str(text).map_err(|error| bad(self.next - 1, error))
    }

    pub(super) fn effect(&mut self) -> rusqlite::Result<Effect> {
        let word: String = self.get()?;
        let known = [Effect::Read, Effect::Idempotent, Effect::Once].into_iter().find(|known| effect(*known) == word);
        known.ok_or_else(|| bad(self.next - 1, format!("{word:?} is no effect")))
    }

    pub(super) fn reach(&mut self) -> rusqlite::Result<Reach> {
        let word: String = self.get()?;
        let known = [Reach::Target, Reach::Tell].into_iter().find(|known| reach(*known) == word);
        known.ok_or_else(|| bad(self.next - 1, format!("{word:?} is no reach")))
    }

    pub(super) fn number<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self) -> rusqlite::Result<T> {
        let text: String = self.get()?;
        text.parse().map_err(|error| bad(self.next - 1, error))
    }
}
