//! A line of JSON as a tree, without a detour.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::{Entry, Kind, Node};
use crate::diag::{Source, Span};

impl Node {
    /// Reads a source that is JSON. Every node has the whole source as its span; of two equal keys the
    /// later counts.
    ///
    /// # Errors
    /// What `serde_json` finds wrong.
    pub fn parse_json(source: &Arc<Source>) -> serde_json::Result<Self> {
        let span = source.span();
        let mut json = serde_json::Deserializer::from_str(source.text());
        let node = Tree(&span).deserialize(&mut json)?;
        json.end()?;
        Ok(node)
    }
}

struct Tree<'a>(&'a Span);

impl Tree<'_> {
    fn node(&self, kind: Kind) -> Node {
        Node { span: self.0.clone(), kind }
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Node, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(self.node(Kind::Null))
    }

    fn visit_bool<E>(self, word: bool) -> Result<Node, E> {
        Ok(self.node(Kind::Bool(word)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(self.node(Kind::Num(number.into())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(self.node(Kind::Num(number.into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(self.node(Number::from_f64(number).map_or(Kind::Null, Kind::Num)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(self.node(Kind::Str(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(self.node(Kind::Str(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Tree(self.0))? {
            items.push(item);
        }
        Ok(self.node(Kind::Seq(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Tree(self.0))?;
            match entries.iter_mut().find(|entry| entry.key == key) {
                Some(entry) => entry.value = value,
                None => entries.push(Entry { key, at: self.0.clone(), value }),
            }
        }
        Ok(self.node(Kind::Map(entries)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn both(text: &str) -> (Option<Value>, Option<Value>) {
        let direct = Node::parse_json(&Source::new("rows", text)).ok().map(|node| node.to_json());
        (direct, serde_json::from_str(text).ok())
    }

    #[test]
    fn reads_what_serde_reads() {
        for text in [
            r#"{"a":1,"b":[null,true,-2,1.5,1e3,"x\né"],"a":{"c":18446744073709551615}}"#,
            "[1e400]",
            "18446744073709551616",
            "{} x",
            r#"{"a":}"#,
            "",
            "\"\\ud800\"",
        ] {
            let (direct, tree) = both(text);
            assert_eq!(direct, tree, "{text}");
        }
        assert!(Node::parse_json(&Source::new("rows", "[".repeat(10_000))).is_err());
        assert_eq!(both(r#"{"a":1,"b":2,"a":3}"#).0.unwrap().to_string(), json!({"a": 3, "b": 2}).to_string());
    }

    proptest! {
        #[test]
        fn agrees_on_anything(text in r#"[\[\]{}:,"\\a0-9.eE+-]{0,20}"#) {
            let (direct, tree) = both(&text);
            prop_assert_eq!(direct, tree);
        }
    }
}
