//! Asking a grader, and asking once more when its reply cannot be read.

use serde_json::{Value, json};

use super::{Grader, Judge, Rubric};
use crate::record::{Output, Response};
use crate::template::Scope;

/// What a grader is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The conversation; empty where only a text is sent.
    pub messages: Vec<Value>,
    /// The text that is embedded, classified or looked through.
    pub text: String,
    /// The shape asked of the reply, for endpoints that can promise one.
    pub schema: Option<Value>,
    /// Which of several samples of the same question this is, from 0.
    pub sample: u32,
}

impl Question {
    /// A conversation.
    pub fn chat(messages: Vec<Value>, schema: Option<&Value>) -> Self {
        Self { messages, text: String::new(), schema: schema.cloned(), sample: 0 }
    }

    /// A text alone.
    pub fn about(text: &str) -> Self {
        Self { messages: Vec::new(), text: text.to_owned(), schema: None, sample: 0 }
    }

    /// Another sample of the same question.
    #[must_use]
    pub fn sample(self, sample: u32) -> Self {
        Self { sample, ..self }
    }
}

/// Asks by a rubric and reads the reply. One that cannot be read is sent back, once, with what is wrong.
///
/// # Errors
/// When the grader does not answer, or not in a way that can be read.
pub async fn ask<T>(
    (judge, grader): (&dyn Judge, Grader),
    rubric: &Rubric,
    scope: &Scope,
    sample: u32,
    read: impl Fn(&Response) -> Result<T, String> + Send,
) -> Result<T, String> {
    let mut messages = rubric.render(scope)?;
    let first = judge.ask(grader, Question::chat(messages.clone(), rubric.schema()).sample(sample)).await?;
    let why = match read(&first) {
        Ok(read) => return Ok(read),
        Err(why) => why,
    };
    let wish = rubric.schema().map(|schema| format!(" It must be JSON of this schema: {schema}")).unwrap_or_default();
    messages.push(json!({"role": "assistant", "content": first.output.text()}));
    messages.push(json!({
        "role": "user",
        "content": format!("This reply cannot be used: {why}.{wish} Reply again, with nothing else."),
    }));
    let second = judge.ask(grader, Question::chat(messages, rubric.schema()).sample(sample)).await?;
    let cut = second.finish_reason.as_deref() == Some("length");
    let cut = if cut { " (the reply was cut off: raise the grader's `max_tokens`)" } else { "" };
    read(&second).map_err(|why| {
        judge.reject(&first);
        judge.reject(&second);
        let said = excerpt(&second.output.text());
        format!("the grader's reply cannot be used, asked twice: {why}{cut}; it said {said}")
    })
}

/// The beginning of a reply, in quotes and on one line.
fn excerpt(reply: &str) -> String {
    const MOST: usize = 200;
    let reply = reply.split_whitespace().collect::<Vec<_>>().join(" ");
    match reply.char_indices().nth(MOST) {
        _ if reply.is_empty() => "nothing".to_owned(),
        Some((end, _)) => format!("\"{}…\"", &reply[..end]),
        None => format!("\"{reply}\""),
    }
}

/// The vector of a text.
///
/// # Errors
/// When the grader gives none.
pub async fn embedding((judge, grader): (&dyn Judge, Grader), text: &str) -> Result<Vec<f64>, String> {
    let response = judge.ask(grader, Question::about(text)).await?;
    let numbers: Option<Vec<f64>> = match &response.output {
        Output::Json(Value::Array(list)) => list.iter().map(Value::as_f64).collect(),
        _ => None,
    };
    let vector = numbers.filter(|list| !list.is_empty() && list.iter().all(|x| x.is_finite()));
    vector.ok_or_else(|| {
        "the grader gave no embedding: name one such as openai:embedding:text-embedding-3-small under \
         `provider: {embedding: …}`"
            .to_owned()
    })
}

/// What a classifier or a moderator says of a text.
///
/// # Errors
/// When it does not answer with a structure.
pub async fn structure((judge, grader): (&dyn Judge, Grader), text: &str) -> Result<Value, String> {
    match judge.ask(grader, Question::about(text)).await?.output {
        Output::Json(value) => Ok(value),
        Output::Text(text) => serde_json::from_str(&text)
            .map_err(|_| "the grader answered with words where labels or categories were needed".to_owned()),
    }
}
