//! What statements touch, in the words of node-sql-parser: `select::null::users`, `update::users::name`.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, Ident, Insert, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Statement, TableFactor, TableObject, TableWithJoins, Update, Visit,
    Visitor,
};

/// What statements need to be allowed.
#[derive(Debug, Default)]
pub struct Authorities {
    /// `verb::schema::table`.
    pub tables: BTreeSet<String>,
    /// `verb::table::column`.
    pub columns: BTreeSet<String>,
}

const NULL: &str = "null";
const ALL: &str = "(.*)";

/// The authorities that statements need.
pub fn needed(statements: &[Statement]) -> Authorities {
    let mut collector = Collector::default();
    // It never breaks off.
    let _ = statements.iter().try_for_each(|statement| statement.visit(&mut collector));
    collector.finish()
}

#[derive(Default)]
struct Collector {
    tables: BTreeSet<String>,
    columns: Vec<(&'static str, Option<String>, String)>,
    /// Short names of tables, in lower case.
    aliases: HashMap<String, String>,
    /// Tables that are written and will be met once more as if they were read.
    written: HashMap<ObjectName, usize>,
}

impl Collector {
    fn finish(self) -> Authorities {
        let Self { tables, columns, aliases, .. } = self;
        let columns = columns.into_iter().map(|(verb, table, column)| {
            let table =
                table.map_or(NULL.to_owned(), |name| aliases.get(&name.to_lowercase()).cloned().unwrap_or(name));
            format!("{verb}::{table}::{column}")
        });
        Authorities { tables, columns: columns.collect() }
    }

    fn table(&mut self, verb: &str, name: &ObjectName) {
        let mut parts = parts(name);
        let table = parts.pop().unwrap_or_default();
        let schema = if parts.is_empty() { NULL.to_owned() } else { parts.join(".") };
        self.tables.insert(format!("{verb}::{schema}::{table}"));
    }

    fn writes(&mut self, verb: &str, name: &ObjectName) {
        self.table(verb, name);
        *self.written.entry(name.clone()).or_default() += 1;
    }

    fn column(&mut self, verb: &'static str, path: &[String]) {
        if let Some((column, table)) = path.split_last() {
            let table = (!table.is_empty()).then(|| table.join("::"));
            self.columns.push((verb, table, column.clone()));
        }
    }

    fn all_columns(&mut self, verb: &'static str, table: Option<String>) {
        self.columns.push((verb, table, ALL.to_owned()));
    }

    fn items(&mut self, items: &[SelectItem]) {
        for item in items {
            match item {
                SelectItem::Wildcard(_) => self.all_columns("select", None),
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    self.all_columns("select", Some(parts(name).join("::")));
                }
                _ => {}
            }
        }
    }

    fn assignments(&mut self, verb: &'static str, table: Option<&str>, assignments: &[Assignment]) {
        for assignment in assignments {
            let names = match &assignment.target {
                AssignmentTarget::ColumnName(name) => std::slice::from_ref(name),
                AssignmentTarget::Tuple(names) => names,
            };
            for name in names {
                let path = table.map(str::to_owned).into_iter().chain(parts(name));
                self.column(verb, &path.collect::<Vec<_>>());
            }
        }
    }

    fn insert(&mut self, insert: &Insert) {
        let mut table = None;
        if let TableObject::TableName(name) = &insert.table {
            self.writes("insert", name);
            table = parts(name).pop();
        }
        if insert.columns.is_empty() && insert.assignments.is_empty() {
            self.all_columns("insert", table.clone());
        }
        for name in &insert.columns {
            let path = table.clone().into_iter().chain(parts(name).pop());
            self.column("insert", &path.collect::<Vec<_>>());
        }
        self.assignments("insert", table.as_deref(), &insert.assignments);
        self.items(insert.returning.as_deref().unwrap_or_default());
    }

    fn update(&mut self, update: &Update) {
        self.writes_first("update", std::slice::from_ref(&update.table));
        self.assignments("update", None, &update.assignments);
        self.items(update.returning.as_deref().unwrap_or_default());
    }

    fn delete(&mut self, delete: &Delete) {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        if delete.tables.is_empty() {
            for name in self.writes_first("delete", from) {
                self.all_columns("delete", Some(name));
            }
        }
        for name in &delete.tables {
            self.writes("delete", name);
            self.all_columns("delete", parts(name).pop());
        }
        self.items(delete.returning.as_deref().unwrap_or_default());
    }

    /// Notes the tables that stand first; those joined to them are only read.
    fn writes_first(&mut self, verb: &str, tables: &[TableWithJoins]) -> Vec<String> {
        let first = |table: &TableWithJoins| match &table.relation {
            TableFactor::Table { name, .. } => Some(name.clone()),
            _ => None,
        };
        let names: Vec<ObjectName> = tables.iter().filter_map(first).collect();
        for name in &names {
            self.writes(verb, name);
        }
        names.iter().filter_map(|name| parts(name).pop()).collect()
    }
}

impl Visitor for Collector {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::CreateTable(table) => {
                self.writes("create", &table.name);
                table.columns.iter().for_each(|column| self.column("create", std::slice::from_ref(&column.name.value)));
            }
            Statement::CreateView(view) => self.writes("create", &view.name),
            Statement::AlterTable(table) => self.writes("alter", &table.name),
            Statement::Drop { names, .. } => names.iter().for_each(|name| self.writes("drop", name)),
            Statement::Truncate(truncate) => {
                truncate.table_names.iter().for_each(|target| self.writes("truncate", &target.name));
            }
            Statement::Query(_)
            | Statement::Explain { .. }
            | Statement::ExplainTable { .. }
            | Statement::StartTransaction { .. }
            | Statement::Commit { .. }
            | Statement::Rollback { .. } => {}
            // What it touches is not looked into, so that it must be allowed by its name.
            other => {
                let text = other.to_string().to_lowercase();
                let verb = text.split_whitespace().next().unwrap_or_default();
                self.tables.insert(format!("{verb}::{NULL}::{NULL}"));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        match self.written.get_mut(name).filter(|times| **times > 0) {
            Some(times) => *times -= 1,
            None => self.table("select", name),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias: Some(alias), .. } = factor {
            let table = parts(name).pop().unwrap_or_default();
            self.aliases.insert(alias.name.value.to_lowercase(), table);
        }
        ControlFlow::Continue(())
    }

    /// `TABLE users` is a query without a select.
    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let mut bodies = vec![&*query.body];
        while let Some(body) = bodies.pop() {
            match body {
                SetExpr::SetOperation { left, right, .. } => bodies.extend([&**left, &**right]),
                SetExpr::Table(table) => {
                    let names = [&table.schema_name, &table.table_name].map(|name| name.as_deref().map(Ident::new));
                    self.table("select", &ObjectName::from(names.into_iter().flatten().collect::<Vec<_>>()));
                    self.all_columns("select", None);
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.items(&select.projection);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            // Variables are no columns.
            Expr::Identifier(name) if name.value.starts_with('@') => {}
            Expr::Identifier(name) => self.column("select", std::slice::from_ref(&name.value)),
            Expr::CompoundIdentifier(path) => {
                self.column("select", &path.iter().map(|name| name.value.clone()).collect::<Vec<_>>());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn parts(name: &ObjectName) -> Vec<String> {
    name.0.iter().map(|part| part.as_ident().map_or_else(|| part.to_string(), |name| name.value.clone())).collect()
}
