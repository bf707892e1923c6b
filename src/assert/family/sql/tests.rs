//! Statements, what they touch, and what is allowed.

use super::*;
use crate::diag::{Folder, Source};
use crate::yaml;

fn check(value: &str, text: &str) -> Result<bool, String> {
    let setup = crate::assert::Setup {
        base: &Folder::default(),
        lenient: false,
        graders: &crate::assert::Nobody,
        home: &crate::assert::tests::home(),
    };
    let node = yaml::parse(&Source::new("c.yaml", value)).unwrap();
    let kind = crate::assert::find("is-sql").unwrap();
    let spec =
        Spec { node: &node, value: Some(&node), threshold: None, negated: false, kind, setup: &setup, files: &[] };
    let mut problems = Problems::new();
    let _ = compile(&spec, true, &mut problems);
    let mut sql = Sql {
        whole: true,
        dialect: Dialect::default(),
        allowed: Allowed::default(),
        sentence: Sentence { subject: "the output", negated: false },
    };
    if let Some(problem) = problems.iter().next() {
        return Err(problem.message.clone());
    }
    for entry in node.entries() {
        sql.read(entry, &spec).map_err(|problem| problem.message)?;
    }
    sql.lacks(text).map(|lack| lack.is_none())
}

fn touches(text: &str) -> (String, String) {
    let found = statement::read(text, Dialect::default()).unwrap();
    let join = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(" ");
    (join(&found.tables), join(&found.columns))
}

#[test]
fn statements_are_valid_or_not() {
    for text in ["SELECT 1", " select a from t ; \n", "SELECT 'it\\'s' # tail", "INSERT INTO t VALUES (1); SELECT 2"] {
        assert_eq!(check("{}", text), Ok(true), "{text}");
    }
    for text in [
        "",
        ";",
        "-- c",
        "SELECT",
        "SELECT 1 END x",
        "select 1 x y",
        "SELECT a b FROM t",
        "SELECT `a FROM t",
        "SELECT order FROM t",
        "SELECT a FROM group",
        "INSERT INTO t (a, b) VALUES (1)",
    ] {
        assert_eq!(check("{}", text), Ok(false), "{text}");
    }
}

#[test]
fn dialects_differ() {
    for (dialect, text, holds) in [
        ("Sqlite", "SELECT * FROM t WHERE a IS 1 AND b IS NOT NULL AND c IS NOT 2", true),
        ("MySQL", "SELECT a FROM t WHERE b == 3", false),
        ("PostgreSQL", "SELECT [id] FROM t", false),
        ("PostgreSQL", "SELECT ARRAY[[1], [2]], a[1] FROM t", true),
        ("Sqlite", "SELECT * FROM t WHERE a IS 1", true),
        ("MySQL", "SELECT * FROM t WHERE a IS 1", false),
        ("Sqlite", "SELECT TOP 5 * FROM t", false),
        ("transactsql", "SELECT TOP 5 [id] FROM [dbo].[t]", true),
        ("PostgreSQL", "SELECT a::int FROM t", true),
        ("DB2", "SELECT a FROM t FETCH FIRST 5 ROWS ONLY", true),
        ("Snowflake", "SELECT a:b::string FROM t", true),
    ] {
        assert_eq!(check(&format!("{{databaseType: {dialect}}}"), text), Ok(holds), "{dialect} {text}");
    }
}

#[test]
fn a_missing_comma_is_suspected_between_two_bare_words() {
    for text in ["select a b from t", "SELECT DISTINCT a b FROM t", "SELECT 1 FROM (SELECT /* c */ a\nb FROM t) x"] {
        assert_eq!(check("{}", text), Ok(false), "{text}");
    }
    for text in [
        "SELECT a AS b FROM t",
        "SELECT a, b c FROM t",
        "SELECT DISTINCT a FROM t",
        "SELECT t.a b FROM t",
        "SELECT 'select a b from' FROM t",
        "SELECT SQL_NO_CACHE a FROM t",
        "SELECT a `b` FROM t",
    ] {
        assert_eq!(check("{}", text), Ok(true), "{text}");
    }
}

#[test]
fn statements_touch_tables_and_columns() {
    for (text, tables, columns) in [
        ("SELECT * FROM users", "select::null::users", "select::null::(.*)"),
        ("SELECT u.id FROM db.users u", "select::db::users", "select::users::id"),
        ("SELECT t.* FROM a.b.t", "select::a.b::t", "select::t::(.*)"),
        ("SELECT COUNT(*) FROM t", "select::null::t", ""),
        (
            "UPDATE users u SET u.id = 5 WHERE n IN (SELECT n FROM users)",
            "select::null::users update::null::users",
            "select::null::n update::users::id",
        ),
        ("DELETE FROM users WHERE a = 1", "delete::null::users", "delete::users::(.*) select::null::a"),
        (
            "DELETE t FROM t JOIN u ON t.i = u.i",
            "delete::null::t select::null::u",
            "delete::t::(.*) select::t::i select::u::i",
        ),
        ("INSERT INTO t (a) SELECT b FROM s", "insert::null::t select::null::s", "insert::t::a select::null::b"),
        ("INSERT INTO t VALUES (1)", "insert::null::t", "insert::t::(.*)"),
        ("INSERT INTO t SET a = 1", "insert::null::t", "insert::t::a"),
        ("CREATE TABLE t (a INT)", "create::null::t", "create::null::a"),
        ("DROP TABLE t", "drop::null::t", ""),
        ("TRUNCATE TABLE t", "truncate::null::t", ""),
        ("ALTER TABLE t ADD COLUMN b INT", "alter::null::t", ""),
        ("SHOW TABLES", "show::null::null", ""),
        ("EXPLAIN SELECT a FROM t", "select::null::t", "select::null::a"),
        ("SELECT @a UNION TABLE x", "select::null::x", "select::null::(.*)"),
    ] {
        assert_eq!(touches(text), (tables.to_owned(), columns.to_owned()), "{text}");
    }
}

#[test]
fn lists_allow_what_they_name() {
    for (value, text, holds) in [
        ("{allowedTables: ['select::null::users']}", "SELECT * FROM USERS", true),
        ("{allowedTables: ['select::null::user']}", "SELECT * FROM user_secrets", false),
        ("{allowedTables: [users]}", "SELECT * FROM users", false),
        ("{allowedTables: ['select::(.*)::users']}", "SELECT * FROM db.users JOIN orders", false),
        ("{allowedTables: ['(select|update)::null::(a|b)']}", "UPDATE a SET x = 1", true),
        ("{allowedTables: ['select::(.*)::(.*)']}", "DROP TABLE a", false),
        ("{allowedTables: ['select::(.*)::(.*)']}", "GRANT ALL ON a TO b", false),
        ("{allowedTables: ['.*']}", "GRANT ALL ON a TO b", true),
        ("{allowedColumns: ['select::users::id']}", "SELECT id, u.id FROM users u", true),
        ("{allowedColumns: ['select::users::id']}", "SELECT * FROM users", false),
        ("{databaseType: postgresql, allowedColumns: ['update::null::id']}", "UPDATE t SET id = 1", true),
        ("{databaseType: postgresql, allowedColumns: ['update::null::id']}", "UPDATE t SET id = 1 RETURNING *", false),
    ] {
        assert_eq!(check(value, text), Ok(holds), "{value} {text}");
    }
}

#[test]
fn mistakes_are_found_when_the_config_is_read() {
    for (value, message) in [
        ("{databaseType: MySQLL}", "unknown `databaseType` `MySQLL`"),
        ("{databaseType: 5}", "`databaseType` must be the name of a database, found a number"),
        ("{allowedTable: [a]}", "unknown key `allowedTable` in the value of `is-sql`"),
        ("{allowedTables: a}", "`allowedTables` must be a list of patterns, found text"),
        ("{allowedTables: []}", "`allowedTables` is empty, which would allow nothing"),
        ("{allowedColumns: [5]}", "an item of `allowedColumns` must be text, found a number"),
        ("{allowedColumns: [\"{{a}}\"]}", "an item of `allowedColumns` cannot be a template"),
    ] {
        assert_eq!(check(value, "SELECT 1"), Err(message.to_owned()), "{value}");
    }
    assert!(check("{allowedTables: ['a)|(b']}", "SELECT 1").unwrap_err().contains("no valid pattern"));
}

#[test]
fn hostile_statements_end() {
    let deep = [
        "(",
        "(SELECT ",
        "f(",
        "NOT ",
        "- ",
        "CASE WHEN ",
        "a IN (",
        "ARRAY[",
        "1 + ",
        "a = ",
        "x -> ",
        "INTERVAL ",
        "CAST(a AS ARRAY<",
        "EXISTS (SELECT ",
        "1 UNION SELECT ",
        "a BETWEEN ",
        "t JOIN ",
        "[",
        "{a: ",
        "'",
        "`",
        "/*",
    ];
    for dialect in ["MySQL", "PostgreSQL", "TransactSQL", "Sqlite", "BigQuery", "Snowflake", "Redshift", "Hive", "DB2"]
    {
        for unit in deep {
            for count in [30, 900, 20_000 / unit.len()] {
                for start in ["SELECT ", "SELECT * FROM t JOIN "] {
                    let _ = check(&format!("{{databaseType: {dialect}}}"), &format!("{start}{}", unit.repeat(count)));
                }
            }
        }
    }
    assert!(check("{}", &"x".repeat(10_000_000)).is_err());
    assert_eq!(check("{}", &format!("INSERT INTO t VALUES {}(1)", "(1, 'a'), ".repeat(2_000))), Ok(true));
    let joins = format!("SELECT * FROM t{}{}", " JOIN t".repeat(300), " ON a = b".repeat(300));
    assert_eq!(check("{}", &joins), Ok(true));
    assert!(check("{}", &format!("SELECT a{}", " = a".repeat(1_500))).is_err());
}
