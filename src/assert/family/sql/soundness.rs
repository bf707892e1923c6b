//! Mistakes that every database finds and `sqlparser` does not.

use std::ops::ControlFlow;

use sqlparser::ast::{Ident, Insert, SetExpr, Statement, Visit, Visitor};

/// Words that are reserved wherever SQL is spoken.
const RESERVED: [&str; 22] = [
    "AND", "AS", "BETWEEN", "BY", "CASE", "ELSE", "FROM", "GROUP", "HAVING", "IN", "INTO", "IS", "JOIN", "LIKE", "NOT",
    "OR", "ORDER", "SELECT", "THEN", "UNION", "WHEN", "WHERE",
];

/// The first mistake.
pub fn fault(statements: &[Statement]) -> Option<String> {
    let mut finder = Finder;
    statements.iter().try_for_each(|statement| statement.visit(&mut finder)).break_value().map(|reason| *reason)
}

struct Finder;

impl Visitor for Finder {
    // A small value keeps the stack of the walk small.
    type Break = Box<String>;

    fn pre_visit_ident(&mut self, name: &Ident) -> ControlFlow<Box<String>> {
        let reserved = name.quote_style.is_none() && RESERVED.iter().any(|word| word.eq_ignore_ascii_case(&name.value));
        if reserved {
            return ControlFlow::Break(Box::new(format!("{} is a reserved word and needs quotes", name.value)));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<Box<String>> {
        match statement {
            Statement::Insert(insert) if has_uneven_row(insert) => {
                ControlFlow::Break(Box::new("a row has not as many values as there are columns".into()))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn has_uneven_row(insert: &Insert) -> bool {
    let Some(SetExpr::Values(values)) = insert.source.as_deref().map(|query| &*query.body) else { return false };
    !insert.columns.is_empty() && values.rows.iter().any(|row| row.len() != insert.columns.len())
}
