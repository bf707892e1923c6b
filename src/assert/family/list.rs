//! Kinds that look for several texts: `contains-any`, `contains-all` and their any-case twins.

use std::fmt::Display;

use super::text::Needle;
use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject};
use crate::assert::matcher::commas;
use crate::assert::prepared::Prepared;
use crate::assert::show::{self, Few, ItIs, Quoted};
use crate::assert::value::Text;
use crate::content::js_number;
use crate::diag::{Problem, Problems};
use crate::yaml::{Kind as Form, Node};

const VALUE: &str = "a list of texts, or one text with commas";

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "contains-any",
        about: "the output contains at least one of the texts, in the same case",
        value: VALUE,
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("We ship tomorrow", "{type: contains-any, value: [today, tomorrow]}"),
        fails: Example::new("We never ship", "{type: contains-any, value: [today, tomorrow]}"),
        compile: |spec, problems| compile(spec, Mode { all: false, any_case: false }, problems),
    },
    Kind {
        name: "contains-all",
        about: "the output contains every one of the texts, in the same case",
        value: VALUE,
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("name and date", "{type: contains-all, value: [name, date]}"),
        fails: Example::new("only a name", "{type: contains-all, value: [name, date]}"),
        compile: |spec, problems| compile(spec, Mode { all: true, any_case: false }, problems),
    },
    Kind {
        name: "icontains-any",
        about: "the output contains at least one of the texts, in any case",
        value: VALUE,
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("We ship TOMORROW", "{type: icontains-any, value: \"today, tomorrow\"}"),
        fails: Example::new("We never ship", "{type: icontains-any, value: \"today, tomorrow\"}"),
        compile: |spec, problems| compile(spec, Mode { all: false, any_case: true }, problems),
    },
    Kind {
        name: "icontains-all",
        about: "the output contains every one of the texts, in any case",
        value: VALUE,
        threshold: "",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::new("Name and DATE", "{type: icontains-all, value: [name, date]}"),
        fails: Example::new("only a Name", "{type: icontains-all, value: [name, date]}"),
        compile: |spec, problems| compile(spec, Mode { all: true, any_case: true }, problems),
    },
];

#[derive(Debug, Clone, Copy)]
struct Mode {
    all: bool,
    any_case: bool,
}

impl Mode {
    fn needle(self, text: &str) -> Result<Needle, String> {
        if text.is_empty() {
            return Err("the list has an empty text, which every output contains".into());
        }
        Ok(if self.any_case { Needle::any_case(text) } else { Needle::exact(text) })
    }
}

enum Needles {
    Fixed(Vec<Needle>),
    /// A list in which at least one text is a template.
    Items(Vec<Text>),
    /// One text with commas that is a template.
    Commas(Prepared<Vec<String>>),
}

struct Several {
    mode: Mode,
    needles: Needles,
    sentence: Sentence,
}

fn compile(spec: &Spec<'_>, mode: Mode, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let needles = match spec.value.map(|v| &v.kind) {
        Some(Form::Seq(items)) => Needles::Items(read_items(items, spec, problems)?),
        Some(Form::Str(_)) => {
            let text = Text::of_value_not_empty(spec, false, problems)?;
            Needles::Commas(Prepared::new(text, split, spec, problems)?)
        }
        _ => {
            problems.push(spec.wrong_value());
            return None;
        }
    };
    match fix(needles, mode) {
        Ok(needles) => Some(Box::new(Several { mode, needles, sentence: spec.about("the output") })),
        Err(message) => {
            problems.push(Problem::error(message).at(spec.at()));
            None
        }
    }
}

/// The texts of a list; anything but texts, numbers and truth values is a problem.
pub fn read_items(items: &[Node], spec: &Spec<'_>, problems: &mut Problems) -> Option<Vec<Text>> {
    if items.is_empty() {
        problems.push(spec.wrong_value());
        return None;
    }
    let texts: Vec<_> = items
        .iter()
        .filter_map(|item| match &item.kind {
            Form::Str(text) => Text::read(text, item, spec, problems),
            Form::Num(number) => Some(Text::Fixed(js_number(number))),
            Form::Bool(truth) => Some(Text::Fixed(truth.to_string())),
            // Read as the word, so that `[yes, no, null]` is what it looks like.
            Form::Null => Some(Text::Fixed("null".into())),
            _ => {
                let message =
                    format!("an item of `{}` must be text or a number, found {}", spec.kind.name, item.kind_name());
                problems.push(Problem::error(message).at(&item.span));
                None
            }
        })
        .collect();
    (texts.len() == items.len()).then_some(texts)
}

fn split(text: &str) -> Result<Vec<String>, String> {
    let fields = commas::split(text)?;
    if fields.is_empty() {
        return Err(format!("the list {} has no texts", Quoted(text)));
    }
    Ok(fields)
}

/// Lower-cases what is known already.
fn fix(needles: Needles, mode: Mode) -> Result<Needles, String> {
    let fixed: Result<Vec<Needle>, String> = match &needles {
        Needles::Commas(Prepared::Ready(fields)) => fields.iter().map(|f| mode.needle(f)).collect(),
        Needles::Items(texts) if texts.iter().all(|t| t.fixed().is_some()) => {
            texts.iter().filter_map(Text::fixed).map(|t| mode.needle(t)).collect()
        }
        Needles::Items(texts) => {
            // A fixed empty text is as wrong here as in a list without templates.
            texts.iter().filter_map(Text::fixed).try_for_each(|t| mode.needle(t).map(|_| ()))?;
            return Ok(needles);
        }
        _ => return Ok(needles),
    };
    fixed.map(Needles::Fixed)
}

impl Several {
    fn late(&self, subject: &Subject<'_>) -> Result<Vec<Needle>, String> {
        match &self.needles {
            Needles::Fixed(_) => Ok(Vec::new()),
            Needles::Items(texts) => texts.iter().map(|t| self.mode.needle(&t.render(subject.scope)?)).collect(),
            Needles::Commas(list) => {
                let list = list.get(subject.scope)?;
                list.parts().0.iter().map(|field| self.mode.needle(field)).collect()
            }
        }
    }

    fn judge(&self, needles: &[Needle], hay: &str, shown: &str) -> Finding {
        let wanted = |needle: &&Needle| needle.is_in(hay) != self.mode.all;
        // The text that decides: the first that is missing for "all", the first that is there for "any".
        let decisive = needles.iter().find(wanted);
        let holds = decisive.is_some() != self.mode.all;
        let which = if self.mode.all { "all" } else { "any" };
        let note = if self.mode.any_case { " in any case" } else { "" };
        let wish = format_args!("contain {which} of {}{note}", names(needles));
        match decisive {
            Some(needle) if self.mode.all => {
                let came = format_args!("{} is missing: {}", Quoted(&needle.shown), ItIs(shown));
                self.sentence.finding(holds, wish, came)
            }
            Some(needle) => {
                let came = format_args!("{} is there: {}", Quoted(&needle.shown), ItIs(shown));
                self.sentence.finding(holds, wish, came)
            }
            None => self.sentence.finding(holds, wish, ItIs(shown)),
        }
    }
}

impl Check for Several {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let folded = self.mode.any_case.then(|| subject.text.to_lowercase());
        let hay = folded.as_deref().unwrap_or(subject.text);
        if let Needles::Fixed(needles) = &self.needles {
            return Ok(self.judge(needles, hay, subject.text));
        }
        let needles = self.late(subject)?;
        let expected = show::expected(&names(&needles).to_string());
        Ok(self.judge(&needles, hay, subject.text).expecting(Some(expected)))
    }
}

/// The first texts of a list.
fn names(needles: &[Needle]) -> impl Display {
    Few(needles.iter().map(|needle| needle.shown.as_str()))
}
