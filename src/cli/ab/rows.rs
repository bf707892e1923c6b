//! What files say of users: CSV with a header, or JSON Lines.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::intake::Given;
use super::names::Names;
use super::table::{LONGEST, Table, Trouble};
use super::{source, usage};
use crate::cli::exit::Failure;
use crate::cli::screen::count;
use crate::diag::io_reason;

/// The lines of a file, each with its number and its measurements.
pub(super) struct Rows {
    /// The file as people call it.
    pub(super) shown: String,
    pub(super) names: Names,
    /// Why the rest of the file cannot be read, where that is so.
    pub(super) broken: Option<String>,
    lines: Lines,
}

enum Lines {
    Csv {
        table: Box<Table<Source>>,
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

impl Rows {
    /// Opens a file, `-` for standard input; what it holds is told by its first line.
    pub(super) fn open(path: &Path, names: Names, cwd: &Path) -> Result<Self, Failure> {
        let shown = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        Self::read(source(path, cwd)?, shown, names)
    }

    fn read(source: Box<dyn Read>, shown: String, mut names: Names) -> Result<Self, Failure> {
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
                let mut table = Table::new(again, delimiter);
                let header = header(&mut table).map_err(|why| usage(format!("`{shown}` is no CSV: {why}")))?;
                names.suit(&header, &shown)?;
                Lines::Csv { table: Box::new(table), header }
            }
        };
        Ok(Self { shown, names, broken: None, lines })
    }

    /// The next line and its number; one that cannot be read says so.
    fn line(&mut self) -> Option<(u64, Result<Vec<Given>, Why>)> {
        match &mut self.lines {
            Lines::Over => None,
            Lines::Csv { table, header } => {
                let (line, found) = table.advance()?;
                let row = || row(&self.names, header, table).map_err(Why::Line);
                Some((line, found.map_err(Why::from).and_then(|()| row())))
            }
            Lines::Json { reader, line } => {
                let text = next_line(reader, line).transpose()?;
                let given = text.and_then(|text| object(&mut self.names, &text).map_err(Why::Line));
                Some((*line, given))
            }
        }
    }
}

impl Iterator for Rows {
    type Item = Result<(u64, Vec<Given>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        let (line, given) = self.line()?;
        let place = |why: String| format!("{}:{line}: {why}", self.shown);
        match given {
            Ok(given) => Some(Ok((line, given))),
            Err(Why::Line(why)) => Some(Err(place(why))),
            Err(Why::Rest(why)) => {
                self.broken = Some(place(why));
                self.lines = Lines::Over;
                None
            }
        }
    }
}

/// Why there are no measurements.
#[derive(Debug)]
enum Why {
    /// This line says none.
    Line(String),
    /// Nothing more can be read.
    Rest(String),
}

impl From<Trouble> for Why {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Io(error) => Self::Rest(io_reason(&error)),
            Trouble::Unclosed => Self::Rest("a quote is opened here and never closed".to_owned()),
            Trouble::Long => Self::Line(format!("the line is longer than {LONGEST} bytes")),
        }
    }
}

/// The first record of a table.
fn header(table: &mut Table<Source>) -> Result<Vec<String>, String> {
    match table.advance() {
        Some((_, Ok(()))) if table.is_text() => {
            Ok((0..table.width()).filter_map(|at| table.cell(at)).map(|name| name.trim().to_owned()).collect())
        }
        Some((_, Err(trouble))) => match Why::from(trouble) {
            Why::Line(why) | Why::Rest(why) => Err(why),
        },
        _ => Err("its first line is no UTF-8".to_owned()),
    }
}

/// A line of a table.
fn row(names: &Names, header: &[String], table: &Table<Source>) -> Result<Vec<Given>, String> {
    if !table.is_text() {
        return Err("this is no UTF-8".to_owned());
    }
    if table.width() != header.len() {
        let (verb, cells) = (if table.width() == 1 { "is" } else { "are" }, count(table.width() as u64, "cell"));
        return Err(format!("there {verb} {cells}, and the header has {}", header.len()));
    }
    names.given(&|name| table.cell(header.iter().position(|known| known == name)?).map(str::to_owned))
}

/// A line of JSON.
fn object(names: &mut Names, text: &str) -> Result<Vec<Given>, String> {
    let Object(fields) = serde_json::from_str(text).map_err(|error| format!("this is no JSON object: {error}"))?;
    for name in fields.keys() {
        if let Some(why) = names.meant(name, &|column| fields.contains_key(column)) {
            return Err(why);
        }
    }
    if let Some(id) = names.user(&|name| fields.contains_key(name)).and_then(|name| fields.get(name))
        && !(id.is_string() || id.is_null() || id.is_u64() || id.is_i64())
    {
        return Err(format!("`{id}` is no id: write it as text"));
    }
    names.given(&|name| match fields.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    })
}

/// A JSON object in which no key stands twice.
struct Object(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if fields.contains_key(&name) {
                        return Err(Error::custom(format!("`{name}` stands twice")));
                    }
                    fields.insert(name, value);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
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

/// The next line that says something.
fn next_line(reader: &mut Source, line: &mut u64) -> Result<Option<String>, Why> {
    let rest = |error: std::io::Error| Why::Rest(io_reason(&error));
    loop {
        *line += 1;
        let mut text = Vec::new();
        if reader.by_ref().take(LONGEST).read_until(b'\n', &mut text).map_err(rest)? == 0 {
            return Ok(None);
        }
        if text.len() as u64 == LONGEST && text.last() != Some(&b'\n') {
            reader.skip_until(b'\n').map_err(rest)?;
            return Err(Trouble::Long.into());
        }
        match String::from_utf8(text) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => return Ok(Some(text)),
            Err(_) => return Err(Why::Line("this is no UTF-8".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::experiment::Metric;

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
