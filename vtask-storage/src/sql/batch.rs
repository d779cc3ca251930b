//! Statements over several rows whose text does not depend on how many there are, so that few texts are prepared and
//! all of them stay in the statement cache.

use std::borrow::Cow;
use std::sync::Arc;

use super::Names;
use super::dialect::Dialect;
use super::params::Param;
use crate::mutant::is_mutant;
use crate::value::Hash;

/// The most rows in one statement. SQLite takes 32 766 parameters, which no statement here comes near with so many.
pub(crate) const MOST_ROWS: usize = 256;

/// What a column of a batch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Big,
    Int,
    Text,
    /// A text or NULL.
    Maybe,
    Hash,
}

/// What a row holds in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    Big(i64),
    Int(i32),
    Text(&'a str),
    Maybe(Option<&'a str>),
    Hash(Hash),
}

impl Cell<'_> {
    pub(super) fn param(&self) -> Param<'_> {
        match self {
            Self::Big(number) => Param::Big(Some(*number)),
            Self::Int(number) => Param::Int(Some(*number)),
            Self::Text(text) => Param::Text(Some(Cow::Borrowed(text))),
            Self::Maybe(text) => Param::Text(text.map(Cow::Borrowed)),
            Self::Hash(hash) => Param::Bytes(Some(Cow::Borrowed(&hash.0))),
        }
    }
}

/// A column of a batch: its name in the templates, and what it holds.
pub(crate) type Column = (&'static str, Kind);

/// How the rows of a batch reach a statement: as a table `v`, whose columns are named `v_…`.
pub(crate) trait Form: Sync {
    /// The parameter of this number, from 1, where there is one row.
    fn placeholder(&self, number: usize, kind: Kind) -> String {
        let _ = (number, kind);
        "?".to_owned()
    }

    /// A column of `v`.
    fn column(&self, columns: &[Column], name: &str) -> String {
        let _ = columns;
        format!("v.v_{name}")
    }

    /// The texts that change rows `t` as `set` says, where `guard` holds.
    fn update(&self, columns: &[Column], set: &str, guard: &str, returning: &str) -> Vec<String>;

    /// The texts that add rows; `end` says what happens to those whose `key` is there.
    fn insert(&self, columns: &[Column], into: &str, values: &str, key: &str, end: &str) -> Vec<String>;

    /// Likewise, where no other call inserts a row of the same keys.
    fn insert_new(&self, columns: &[Column], into: &str, values: &str, key: &str, end: &str) -> Vec<String> {
        self.insert(columns, into, values, key, end)
    }

    /// Which of the texts serves for these rows, whose cells follow each other, and its parameters.
    fn bind<'a>(&self, columns: &[Column], cells: &'a [Cell<'_>]) -> (usize, Vec<Param<'a>>);
}

/// A statement in the words that all databases share; `:name` is a column of the batch.
pub(crate) enum Template {
    /// Changes the rows whose `id` and guard fit. `returning` is empty where it is enough to know how many.
    Update { set: &'static str, guard: &'static str, returning: &'static str },
    /// Adds rows, and leaves those alone whose `key` is there; where all `are_new`, to find one there is an error.
    Insert { into: &'static str, values: &'static str, key: &'static str, returning: &'static str, are_new: bool },
}

impl Template {
    /// A bug, where one is switched on.
    fn unguarded(&self) -> Option<Self> {
        match *self {
            Self::Update { set, returning: "", .. } if is_mutant("no guard") || is_mutant("read, check, write") => {
                Some(Self::Update { set, guard: "0 = 0", returning: "" })
            }
            _ => None,
        }
    }
}

/// A statement over rows, ready for one and for many.
#[derive(Debug)]
pub(crate) struct Batch {
    dialect: &'static Dialect,
    columns: &'static [Column],
    one: Arc<str>,
    /// Which columns the parameters of `one` are, in order.
    binds: Vec<usize>,
    many: Vec<Arc<str>>,
}

impl Batch {
    pub(crate) fn new(
        dialect: &'static Dialect,
        names: &Names,
        columns: &'static [Column],
        template: &Template,
    ) -> Self {
        let unguarded = Template::unguarded(template);
        let template = unguarded.as_ref().unwrap_or(template);
        let writer = Writer { dialect, columns, template };
        let (one, binds) = writer.one();
        let finish = |sql: String| Arc::from(names.fill(&sql.replace("{now}", dialect.now)));
        let many = writer.many().into_iter().map(finish).collect();
        Self { dialect, columns, one: finish(one), binds, many }
    }

    /// All its texts.
    #[cfg(all(test, feature = "sqlite"))]
    pub(super) fn texts(&self) -> impl Iterator<Item = &Arc<str>> {
        std::iter::once(&self.one).chain(&self.many)
    }

    /// The statement for the rows whose cells these are, at most [`MOST_ROWS`] and at least one, and its parameters.
    pub(crate) fn statement<'a>(&self, cells: &'a [Cell<'_>]) -> (&Arc<str>, Vec<Param<'a>>) {
        if cells.len() == self.columns.len() {
            return (&self.one, self.binds.iter().map(|column| cells[*column].param()).collect());
        }
        let (text, params) = self.dialect.form.bind(self.columns, cells);
        (&self.many[text], params)
    }
}

/// Writes a template out for a dialect.
struct Writer<'a> {
    dialect: &'a Dialect,
    columns: &'static [Column],
    template: &'a Template,
}

impl Writer<'_> {
    fn one(&self) -> (String, Vec<usize>) {
        let template = match self.template {
            Template::Update { set, guard, returning } => {
                let end = self.returning(returning);
                format!("UPDATE {{prefix}}task AS t SET {set} WHERE t.id = :id AND {guard}{end}")
            }
            Template::Insert { into, values, key, returning, are_new } => {
                let end = self.end(key, returning, *are_new);
                format!("INSERT INTO {{prefix}}task ({into}) VALUES ({values}){end}")
            }
        };
        let mut binds = Vec::new();
        let sql = substitute(&template, |name| {
            let column = self.columns.iter().position(|(known, _)| *known == name);
            let column = column.expect("a template names columns of its batch");
            binds.push(column);
            self.dialect.form.placeholder(binds.len(), self.columns[column].1)
        });
        (sql, binds)
    }

    fn many(&self) -> Vec<String> {
        let (form, columns) = (self.dialect.form, self.columns);
        let of_v = |template| substitute(template, |name| form.column(columns, name));
        match self.template {
            Template::Update { set, guard, returning } => {
                form.update(columns, &of_v(set), &of_v(guard), &self.returning(returning))
            }
            Template::Insert { into, values, key, returning, are_new } => {
                let (values, end) = (of_v(values), self.end(key, returning, *are_new));
                match are_new {
                    true => form.insert_new(columns, into, &values, key, &end),
                    false => form.insert(columns, into, &values, key, &end),
                }
            }
        }
    }

    fn returning(&self, columns: &str) -> String {
        if self.dialect.returns_rows() && !columns.is_empty() { format!(" RETURNING {columns}") } else { String::new() }
    }

    fn end(&self, key: &str, returning: &str, are_new: bool) -> String {
        let or_keep = if are_new { String::new() } else { self.dialect.or_keep("{prefix}task", key) };
        if self.dialect.returns_inserts { format!(" {or_keep} RETURNING {returning}") } else { format!(" {or_keep}") }
    }
}

/// Puts something in the place of each `:name`.
fn substitute(template: &str, mut put: impl FnMut(&str) -> String) -> String {
    let mut parts = template.split(':');
    let mut sql = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(part.len());
        sql += &put(&part[..end]);
        sql += &part[end..];
    }
    sql
}

/// The columns of `v`, each with its prefix.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) fn names_of(columns: &[Column]) -> String {
    columns.iter().map(|(name, _)| format!("v_{name}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_replaced_where_it_stands() {
        let sql = substitute("a = :a, b = :b_1 + :a) WHERE :c", |name| format!("<{name}>"));
        assert_eq!(sql, "a = <a>, b = <b_1> + <a>) WHERE <c>");
    }
}
