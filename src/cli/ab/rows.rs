//! What files say of users: CSV with a header, or JSON Lines.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;

use serde_json::Value;

use super::intake::Given;
use super::source;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::screen::count;
use crate::diag::io_reason;
use crate::experiment::Metric;

/// The names under which columns are looked for.
const COLUMNS: [(&str, &[&str]); 8] = [
    ("user", &["user", "user_id", "userid"]),
    ("metric", &["metric"]),
    ("value", &["value"]),
    ("event", &["event", "event_id"]),
    ("time", &["time", "timestamp", "at"]),
    ("segment", &["segment"]),
    ("arm", &["arm", "variant"]),
    ("experiment", &["experiment"]),
];
/// A line is no longer than that, in bytes.
const LONGEST: u64 = 1 << 20;

/// The lines of a file, each with its number and its measurements.
pub(super) struct Rows {
    /// The file as people call it.
    pub(super) shown: String,
    names: Names,
    lines: Lines,
}

enum Lines {
    Csv {
        reader: Box<csv::Reader<Source>>,
        header: Vec<String>,
    },
    Json {
        reader: Source,
        line: u64,
    },
    /// The file ended, or cannot be read on.
    Over,
}

/// A file of which the beginning was looked at.
type Source = BufReader<Box<dyn Read>>;

/// Which column is what.
pub(super) struct Names {
    columns: BTreeMap<&'static str, Vec<String>>,
    /// Metrics, and the columns that hold them.
    metrics: Vec<(String, String)>,
    /// Columns that were named on the command line.
    mapped: Vec<String>,
}

impl Names {
    /// The usual names, and what `--map` says.
    pub(super) fn of(map: &[String], metrics: &[Metric]) -> Result<Self, Failure> {
        let usual = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let mut names = Self {
            columns: COLUMNS.iter().map(|(what, names)| (*what, usual(names))).collect(),
            metrics: metrics.iter().map(|metric| (metric.name.clone(), metric.name.clone())).collect(),
            mapped: Vec::new(),
        };
        for pair in map {
            let (what, column) = pair
                .split_once('=')
                .ok_or_else(|| usage(format!("`--map {pair}` names no column")).hint("write --map user=COLUMN"))?;
            names.map(what, column)?;
        }
        Ok(names)
    }

    fn map(&mut self, what: &str, column: &str) -> Result<(), Failure> {
        if let Some(names) = self.columns.get_mut(what) {
            *names = vec![column.to_owned()];
        } else if let Some(metric) = self.metrics.iter_mut().find(|(metric, _)| metric == what) {
            column.clone_into(&mut metric.1);
        } else {
            return Err(usage(format!("`{what}` is neither a column nor a metric"))
                .hint("map user, event, time, segment, arm, experiment, metric, value, or a metric's name"));
        }
        self.mapped.push(column.to_owned());
        Ok(())
    }

    /// Whether a header has what is needed, and what was named.
    fn suit(&self, header: &[String], shown: &str) -> Result<(), Failure> {
        let has = |name: &String| header.contains(name);
        let listed = || header.join(", ");
        if let Some(name) = self.mapped.iter().find(|name| !has(name)) {
            return Err(usage(format!("`{shown}` has no column `{name}`: it has {}", listed())));
        }
        if !self.columns.get("user").is_some_and(|names| names.iter().any(has)) {
            let failure = usage(format!("`{shown}` has no column of users: it has {}", listed()));
            return Err(failure.hint("--map user=COLUMN says which it is"));
        }
        let twice = header.iter().enumerate().find(|(at, name)| !name.is_empty() && header[..*at].contains(name));
        match twice {
            Some((_, name)) => Err(usage(format!("`{shown}` has two columns `{name}`"))),
            None => Ok(()),
        }
    }

    /// The measurements of a line: one under `metric` and `value`, else one for each metric that has a column.
    fn given(&self, cell: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Given>, String> {
        let one = |what: &str| {
            let names = self.columns.get(what).map(Vec::as_slice).unwrap_or_default();
            let text = names.iter().find_map(|name| cell(name)).filter(|text| !text.trim().is_empty())?;
            // A user is who they are, blanks included; for anything else they mean nothing.
            Some(if what == "user" { text } else { text.trim().to_owned() })
        };
        let base = Given {
            user: one("user").ok_or("there is no user")?,
            event: one("event"),
            at: one("time"),
            segment: one("segment"),
            arm: one("arm"),
            experiment: one("experiment"),
            ..Given::default()
        };
        if let Some(metric) = one("metric") {
            let value = one("value").ok_or_else(|| format!("`{metric}` has no value"))?;
            return Ok(vec![Given { metric, value, ..base }]);
        }
        let wide = self.metrics.iter().filter_map(|(metric, column)| Some((metric, cell(column)?)));
        let wide = wide.filter(|(_, value)| !value.trim().is_empty());
        let all: Vec<Given> =
            wide.map(|(metric, value)| Given { metric: metric.clone(), value, ..base.clone() }).collect();
        if all.is_empty() { Err("there is no value of any metric".into()) } else { Ok(all) }
    }
}

impl Rows {
    /// Opens a file, `-` for standard input; what it holds is told by its first line.
    pub(super) fn open(path: &Path, names: Names, cwd: &Path) -> Result<Self, Failure> {
        let shown = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        Self::read(source(path, cwd)?, shown, names)
    }

    fn read(source: Box<dyn Read>, shown: String, names: Names) -> Result<Self, Failure> {
        let mut reader = BufReader::new(source);
        let first = first_line(&mut reader).map_err(|e| usage(format!("cannot read `{shown}`: {}", io_reason(&e))))?;
        let (start, delimiter) = (first.trim_ascii_start().first().copied(), delimiter(&first));
        let again: Source = BufReader::new(Box::new(Cursor::new(first).chain(reader)));
        let lines = match start {
            None => return Err(usage(format!("`{shown}` is empty"))),
            Some(0xff | 0xfe | 0) => return Err(usage(format!("`{shown}` is no UTF-8")).hint("save it as UTF-8")),
            Some(b'[') => {
                let failure = usage(format!("`{shown}` is one JSON array"));
                return Err(failure.hint("write one object a line, as `jq -c '.[]'` does"));
            }
            Some(b'{') => Lines::Json { reader: again, line: 0 },
            Some(_) => {
                let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(again);
                let header = reader.headers().map_err(|e| usage(format!("`{shown}` is no CSV: {e}")))?;
                let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
                names.suit(&header, &shown)?;
                Lines::Csv { reader: Box::new(reader), header }
            }
        };
        Ok(Self { shown, names, lines })
    }

    /// The next line and its number; one that cannot be read says so.
    fn line(&mut self) -> Option<(u64, Result<Vec<Given>, String>)> {
        match &mut self.lines {
            Lines::Over => None,
            Lines::Csv { reader, header } => {
                let mut record = csv::StringRecord::new();
                let read = reader.read_record(&mut record);
                let line = record.position().map_or_else(|| reader.position().line(), csv::Position::line);
                match read {
                    Ok(false) => None,
                    Ok(true) => Some((line, row(&self.names, header, &record))),
                    Err(error) => {
                        let ends = error.is_io_error();
                        let why = if ends { error.to_string() } else { "this is no UTF-8".to_owned() };
                        if ends {
                            self.lines = Lines::Over;
                        }
                        Some((line, Err(why)))
                    }
                }
            }
            Lines::Json { reader, line } => {
                let text = next_line(reader, line).transpose()?;
                let number = *line;
                let text = match text {
                    Ok(text) => text,
                    Err(error) => {
                        self.lines = Lines::Over;
                        return Some((number, Err(io_reason(&error))));
                    }
                };
                Some((number, text.and_then(|text| object(&self.names, &text))))
            }
        }
    }
}

impl Iterator for Rows {
    type Item = Result<(u64, Vec<Given>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        let (line, given) = self.line()?;
        Some(given.map(|given| (line, given)).map_err(|why| format!("{}:{line}: {why}", self.shown)))
    }
}

fn usage(message: String) -> Failure {
    Failure::new(ExitStatus::Usage, message)
}

/// A line of a table.
fn row(names: &Names, header: &[String], record: &csv::StringRecord) -> Result<Vec<Given>, String> {
    if record.len() != header.len() {
        let (verb, cells) = (if record.len() == 1 { "is" } else { "are" }, count(record.len() as u64, "cell"));
        return Err(format!("there {verb} {cells}, and the header has {}", header.len()));
    }
    names.given(&|name| record.get(header.iter().position(|known| known == name)?).map(str::to_owned))
}

/// A line of JSON.
fn object(names: &Names, text: &str) -> Result<Vec<Given>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))?;
    if !value.is_object() {
        return Err("this is no JSON object".into());
    }
    names.given(&|name| match value.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    })
}

/// The first line that says something, and what stands before it.
fn first_line(reader: &mut BufReader<Box<dyn Read>>) -> std::io::Result<Vec<u8>> {
    let mut first = Vec::new();
    while first.trim_ascii().is_empty() && reader.by_ref().take(LONGEST).read_until(b'\n', &mut first)? > 0 {
        if first.starts_with(b"\xef\xbb\xbf") {
            first.drain(..3);
        }
    }
    Ok(first)
}

/// What stands between the cells of a header: a comma, unless there is none and spreadsheets wrote something else.
fn delimiter(header: &[u8]) -> u8 {
    [b',', b';', b'\t'].into_iter().find(|delimiter| header.contains(delimiter)).unwrap_or(b',')
}

/// The next line that says something, if it is one that can be read.
fn next_line(reader: &mut Source, line: &mut u64) -> std::io::Result<Option<Result<String, String>>> {
    loop {
        *line += 1;
        let mut text = Vec::new();
        if reader.by_ref().take(LONGEST).read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        if text.len() as u64 == LONGEST && text.last() != Some(&b'\n') {
            reader.skip_until(b'\n')?;
            return Ok(Some(Err(format!("the line is longer than {LONGEST} bytes"))));
        }
        match String::from_utf8(text) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => return Ok(Some(Ok(text))),
            Err(_) => return Ok(Some(Err("this is no UTF-8".into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: Vec<u8>) -> Result<Vec<<Rows as Iterator>::Item>, String> {
        let metric: Metric = serde_json::from_value(serde_json::json!({"name": "m", "role": "success"})).unwrap();
        let names = Names::of(&[], &[metric]).unwrap_or_else(|failure| panic!("{}", failure.message));
        let rows = Rows::read(Box::new(Cursor::new(text)), "f".into(), names);
        rows.map(Iterator::collect).map_err(|failure| failure.message)
    }

    /// Users and values as a file gives them back.
    fn read(text: Vec<u8>) -> Vec<(String, String)> {
        let lines = rows(text).unwrap().into_iter().map(Result::unwrap);
        lines.map(|(_, mut list)| list.pop().map(|given| (given.user, given.value)).unwrap()).collect()
    }

    fn table(people: &[(String, String)], delimiter: u8) -> Vec<u8> {
        let mut table = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        table.write_record(["user", "m"]).unwrap();
        for (user, value) in people {
            table.write_record([user, value]).unwrap();
        }
        table.into_inner().unwrap()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            people in proptest::collection::vec(("(?s).*[^\\s\u{feff}].*", "[0-9]{1,5}"), 1..6),
            delimiter in prop::sample::select(vec![b',', b';', b'\t']),
        ) {
            prop_assert_eq!(&read(table(&people, delimiter)), &people);
            let object = |(user, value): &(String, String)| serde_json::json!({"user": user, "m": value}).to_string();
            let lines: Vec<String> = people.iter().map(object).collect();
            prop_assert_eq!(&read(lines.join("\n").into_bytes()), &people);
        }

        #[test]
        fn nothing_stops_the_reading(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = rows(bytes.clone());
            let _ = rows([b"user,m\n".to_vec(), bytes.clone()].concat());
            let _ = rows([b"{\"user\": 1}\n".to_vec(), bytes].concat());
        }
    }

    #[test]
    fn a_line_without_end_is_refused_and_the_next_one_is_read() {
        let long = "x".repeat(3 << 20);
        let found =
            rows(format!("{{\"user\":\"a\",\"m\":1}}\n{long}\n{{\"user\":\"b\",\"m\":2}}").into_bytes()).unwrap();
        let told: Vec<_> =
            found.iter().map(|row| row.as_ref().map(|(line, _)| *line).map_err(String::as_str)).collect();
        assert_eq!(told, [Ok(1), Err("f:2: the line is longer than 1048576 bytes"), Ok(3)]);
    }
}
