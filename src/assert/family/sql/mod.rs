//! Kinds that read the output as SQL: `is-sql`, `contains-sql`.

mod allowed;
mod authority;
mod dialect;
mod fence;
mod soundness;
mod statement;
mod tokens;

#[cfg(test)]
mod tests;

use allowed::Allowed;
use dialect::Dialect;
use statement::Refused;

use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject};
use crate::assert::matcher::commas::is_space;
use crate::assert::show::ItIs;
use crate::diag::{Problem, Problems, did_you_mean};
use crate::yaml::{Entry, Kind as Form};

const VALUE: &str = "a map with `databaseType`, `allowedTables`, `allowedColumns`";
const KEYS: [&str; 3] = ["databaseType", "allowedTables", "allowedColumns"];

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "is-sql",
        about: "the whole output is SQL of the `databaseType` (MySQL by default) that uses allowed tables and columns only",
        value: VALUE,
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new(
            "SELECT name FROM users",
            "{type: is-sql, value: {databaseType: PostgreSQL, allowedTables: [\"select::null::users\"]}}",
        ),
        fails: Example::new("SELECT first_name last_name FROM users", "{type: is-sql}"),
        compile: |spec, problems| compile(spec, true, problems),
    },
    Kind {
        name: "contains-sql",
        about: "one of the output's ``` or ```sql blocks, or the whole output if it has none, is such SQL",
        value: VALUE,
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("Here:\n```sql\nSELECT 1\n```\nDone.", "{type: contains-sql}"),
        fails: Example::new("Here:\n```sql\nSELECT * FORM users\n```\nDone.", "{type: contains-sql}"),
        compile: |spec, problems| compile(spec, false, problems),
    },
];

struct Sql {
    whole: bool,
    dialect: &'static Dialect,
    allowed: Allowed,
    sentence: Sentence,
}

fn compile(spec: &Spec<'_>, whole: bool, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let entries = match spec.value.map(|value| &value.kind) {
        None | Some(Form::Null) => &[][..],
        Some(Form::Map(entries)) => entries,
        _ => {
            problems.push(spec.wrong_value());
            return None;
        }
    };
    let before = problems.errors();
    let mut sql =
        Sql { whole, dialect: Dialect::default(), allowed: Allowed::default(), sentence: spec.about("the output") };
    for entry in entries {
        if let Err(problem) = sql.read(entry, spec) {
            problems.push(problem);
        }
    }
    (problems.errors() == before).then(|| Box::new(sql) as Box<dyn Check>)
}

impl Sql {
    fn read(&mut self, entry: &Entry, spec: &Spec<'_>) -> Result<(), Problem> {
        let Entry { key, at, value } = entry;
        match key.as_str() {
            _ if value.is_null() => {}
            "databaseType" => self.dialect = Dialect::read(value)?,
            "allowedTables" => self.allowed.read_tables(value)?,
            "allowedColumns" => self.allowed.read_columns(value)?,
            _ => {
                let hint = did_you_mean(key, KEYS).unwrap_or_else(|| format!("known keys are {}", KEYS.join(", ")));
                let message = format!("unknown key `{key}` in the value of `{}`", spec.kind.name);
                return Err(Problem::error(message).at(at).hint(hint));
            }
        }
        Ok(())
    }

    /// What a text lacks to be the SQL that is wanted.
    fn lacks(&self, text: &str) -> Result<Option<String>, String> {
        let authorities = match statement::read(text, self.dialect) {
            Ok(authorities) => authorities,
            Err(Refused::Wrong(reason)) => return Ok(Some(format!("it is no {}: {reason}", self.dialect.name))),
            Err(Refused::TooMuch(reason)) => return Err(reason),
        };
        self.allowed.forbids(&authorities)
    }

    /// What all candidates lack; the last one speaks for them.
    fn lacks_inside(&self, text: &str) -> Result<Option<String>, String> {
        let blocks = fence::blocks(text);
        let candidates = if blocks.is_empty() { vec![text.to_owned()] } else { blocks };
        let mut lack = "it is empty".to_owned();
        for candidate in candidates.iter().filter(|candidate| !candidate.trim_matches(is_space).is_empty()) {
            match self.lacks(candidate)? {
                None => return Ok(None),
                Some(reason) => lack = reason,
            }
        }
        Ok(Some(lack))
    }
}

impl Check for Sql {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let lack = if self.whole { self.lacks(subject.text)? } else { self.lacks_inside(subject.text)? };
        let verb = if self.whole { "be" } else { "contain" };
        let allowed = if self.allowed.is_empty() { "" } else { "allowed " };
        let wish = format!("{verb} {allowed}SQL ({})", self.dialect.name);
        Ok(match lack {
            Some(lack) => self.sentence.finding(false, wish, format_args!("{lack}: {}", ItIs(subject.text))),
            None => self.sentence.finding(true, wish, ItIs(subject.text)),
        })
    }
}
