//! One JSON document: results somewhere in it, and what is known of the run around them.

use std::fmt;
use std::io::BufRead;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{HINT, ReadError, Reading};

pub(super) fn read(path: &Path, text: impl BufRead, reading: &mut Reading<'_>) -> Result<(), ReadError> {
    let mut json = serde_json::Deserializer::from_reader(text);
    let read = Object(Whole(reading)).deserialize(&mut json);
    read.map_err(|error| reading.broken(path, &error, error.line()))?;
    if !reading.around.has_results {
        return Err(ReadError::new(format!("`{}` is no report of an evaluation: it has no `results`", path.display()))
            .hint(HINT));
    }
    json.end().map_err(|error| reading.broken(path, &error, error.line()))
}

/// An object whose entries are taken in one by one, in whatever order they come.
trait Entries {
    /// What it is called when something else stands there.
    const NAME: &'static str;
    fn entry<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

struct Object<E>(E);

impl<'de, E: Entries> DeserializeSeed<'de> for Object<E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, E: Entries> Visitor<'de> for Object<E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(E::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.0.entry(&key, &mut map)?;
        }
        Ok(())
    }
}

/// The document.
struct Whole<'r, 'a>(&'r mut Reading<'a>);

impl Entries for Whole<'_, '_> {
    const NAME: &'static str = "an object with `results`";

    fn entry<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let around = &mut self.0.around;
        match key {
            "evalId" => around.id = map.next_value()?,
            "config" => around.config = map.next_value()?,
            "metadata" => around.metadata = map.next_value()?,
            "results" => return map.next_value_seed(Object(Results(self.0))),
            _ => _ = map.next_value::<IgnoredAny>()?,
        }
        Ok(())
    }
}

/// `results`.
struct Results<'r, 'a>(&'r mut Reading<'a>);

impl Entries for Results<'_, '_> {
    const NAME: &'static str = "an object with a list of `results`";

    fn entry<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let around = &mut self.0.around;
        match key {
            "timestamp" => around.timestamp = map.next_value()?,
            "prompts" => around.prompts = map.next_value()?,
            "stats" => around.stats = map.next_value()?,
            "results" => return map.next_value_seed(List(self.0)),
            _ => _ = map.next_value::<IgnoredAny>()?,
        }
        Ok(())
    }
}

/// `results.results`.
struct List<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of results")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.0.around.has_results = true;
        while let Some(item) = list.next_element::<Map<String, Value>>()? {
            if !self.0.result(item) {
                return Err(A::Error::custom("a result"));
            }
        }
        Ok(())
    }
}
