//! The databases whose SQL is known, by the names that node-sql-parser gives them.

use sqlparser::dialect::{
    BigQueryDialect, Dialect as Grammar, GenericDialect, HiveDialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect,
    RedshiftSqlDialect, SQLiteDialect, SnowflakeDialect,
};

use crate::diag::{Problem, did_you_mean};
use crate::yaml::Node;

/// A database.
#[derive(Debug)]
pub struct Dialect {
    /// Its name.
    pub name: &'static str,
    /// Whether it is MySQL or its sister.
    pub is_mysql: bool,
    /// Whether it is SQLite, in which IS compares any two values.
    pub is_sqlite: bool,
    /// Whether it is PostgreSQL or descends from it.
    pub is_postgres: bool,
    /// Whether a SELECT may begin with TOP.
    pub has_top: bool,
    /// Makes its grammar. Where `sqlparser` has none, the generic one stands in.
    pub grammar: fn() -> Box<dyn Grammar>,
}

impl Dialect {
    const fn new(name: &'static str, grammar: fn() -> Box<dyn Grammar>) -> Self {
        Self { name, is_mysql: false, is_sqlite: false, is_postgres: false, has_top: false, grammar }
    }

    const fn mysql(self) -> Self {
        Self { is_mysql: true, ..self }
    }

    const fn sqlite(self) -> Self {
        Self { is_sqlite: true, ..self }
    }

    const fn postgres(self) -> Self {
        Self { is_postgres: true, ..self }
    }

    const fn top(self) -> Self {
        Self { has_top: true, ..self }
    }
}

static DIALECTS: [Dialect; 14] = [
    Dialect::new("MySQL", || Box::new(MySqlDialect {})).mysql(),
    Dialect::new("MariaDB", || Box::new(MySqlDialect {})).mysql(),
    Dialect::new("PostgreSQL", || Box::new(PostgreSqlDialect {})).postgres(),
    Dialect::new("TransactSQL", || Box::new(MsSqlDialect {})).top(),
    Dialect::new("Sqlite", || Box::new(SQLiteDialect {})).sqlite(),
    Dialect::new("BigQuery", || Box::new(BigQueryDialect {})),
    Dialect::new("Snowflake", || Box::new(SnowflakeDialect)).top(),
    Dialect::new("Redshift", || Box::new(RedshiftSqlDialect {})).postgres().top(),
    Dialect::new("Hive", || Box::new(HiveDialect {})),
    Dialect::new("DB2", || Box::new(GenericDialect {})),
    Dialect::new("Athena", || Box::new(GenericDialect {})),
    Dialect::new("Trino", || Box::new(GenericDialect {})),
    Dialect::new("FlinkSQL", || Box::new(GenericDialect {})),
    Dialect::new("NoQL", || Box::new(PostgreSqlDialect {})).postgres(),
];

impl Dialect {
    /// The one that is meant when none is named.
    pub fn default() -> &'static Self {
        &DIALECTS[0]
    }

    /// The one that a config names, in any case.
    ///
    /// # Errors
    /// When it is unknown.
    pub fn read(node: &Node) -> Result<&'static Self, Problem> {
        let Some(name) = node.as_str() else {
            let message = format!("`databaseType` must be the name of a database, found {}", node.kind_name());
            return Err(Problem::error(message).at(&node.span));
        };
        let names = DIALECTS.iter().map(|dialect| dialect.name);
        DIALECTS.iter().find(|dialect| dialect.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let known = || format!("known ones are {}", names.clone().collect::<Vec<_>>().join(", "));
            let hint = did_you_mean(name, names.clone()).unwrap_or_else(known);
            Problem::error(format!("unknown `databaseType` `{name}`")).at(&node.span).hint(hint)
        })
    }
}
