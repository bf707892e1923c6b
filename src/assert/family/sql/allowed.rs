//! What statements may touch: lists of authorities, as node-sql-parser has them.
//!
//! An authority of a table is `verb::schema::table`, one of a column `verb::table::column`; `null` stands for
//! what a statement does not name, `(.*)` for all columns. An entry of a list is a pattern, in any case, that
//! must match all of an authority: `select::null::user` does not allow `user_secrets`.

use crate::assert::matcher::pattern::Pattern;
use crate::assert::show;
use crate::diag::Problem;
use crate::yaml::{Kind as Form, Node};

use super::authority::Authorities;

/// The lists; what has none is free.
#[derive(Debug, Default)]
pub struct Allowed {
    tables: Option<Vec<Pattern>>,
    columns: Option<Vec<Pattern>>,
}

impl Allowed {
    /// Reads `allowedTables`.
    ///
    /// # Errors
    /// When it is no list of patterns.
    pub fn read_tables(&mut self, node: &Node) -> Result<(), Problem> {
        self.tables = Some(read("allowedTables", node, |entry| vec![entry.to_owned()])?);
        Ok(())
    }

    /// Reads `allowedColumns`. A column that is allowed in a table is also allowed where the statement leaves
    /// the table out.
    ///
    /// # Errors
    /// When it is no list of patterns.
    pub fn read_columns(&mut self, node: &Node) -> Result<(), Problem> {
        let meant = |entry: &str| match entry.split("::").collect::<Vec<_>>()[..] {
            [verb, table, column] if table != "null" => vec![entry.to_owned(), format!("{verb}::null::{column}")],
            _ => vec![entry.to_owned()],
        };
        self.columns = Some(read("allowedColumns", node, meant)?);
        Ok(())
    }

    /// Whether everything is allowed.
    pub fn is_empty(&self) -> bool {
        self.tables.is_none() && self.columns.is_none()
    }

    /// The first authority that is needed and not given.
    ///
    /// # Errors
    /// When a pattern takes too long.
    pub fn forbids(&self, needed: &Authorities) -> Result<Option<String>, String> {
        for (key, patterns, authorities) in
            [("allowedTables", &self.tables, &needed.tables), ("allowedColumns", &self.columns, &needed.columns)]
        {
            let Some(patterns) = patterns else { continue };
            for authority in authorities {
                if !any(patterns, authority)? {
                    return Ok(Some(format!("it needs {}, which `{key}` does not allow", show::line(authority))));
                }
            }
        }
        Ok(None)
    }
}

fn any(patterns: &[Pattern], authority: &str) -> Result<bool, String> {
    for pattern in patterns {
        if pattern.is_match(authority)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read(key: &str, node: &Node, meant: impl Fn(&str) -> Vec<String>) -> Result<Vec<Pattern>, Problem> {
    let items = match &node.kind {
        Form::Seq(items) if items.is_empty() => {
            let problem = Problem::error(format!("`{key}` is empty, which would allow nothing"));
            return Err(problem.at(&node.span).hint("leave it out to allow everything"));
        }
        Form::Seq(items) => items,
        _ => {
            let message = format!("`{key}` must be a list of patterns, found {}", node.kind_name());
            return Err(Problem::error(message).at(&node.span).hint("for example [\"select::null::users\"]"));
        }
    };
    let mut patterns = Vec::with_capacity(items.len());
    for item in items {
        let wrong = |message: String| Problem::error(message).at(&item.span);
        let entry = item.as_str().filter(|entry| !entry.is_empty());
        let entry =
            entry.ok_or_else(|| wrong(format!("an item of `{key}` must be text, found {}", item.kind_name())))?;
        if entry.contains("{{") {
            return Err(wrong(format!("an item of `{key}` cannot be a template")));
        }
        Pattern::new(entry).map_err(wrong)?;
        for entry in meant(entry) {
            patterns.push(Pattern::new(&format!("(?i)^(?:{entry})$")).map_err(wrong)?);
        }
    }
    Ok(patterns)
}
