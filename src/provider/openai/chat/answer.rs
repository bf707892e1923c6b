//! Reading a chat completion, from servers of every temper.

mod usual;

use serde_json::{Value, json};

use super::super::super::finish;
use super::super::super::service::{Sender, plain};
use super::super::cost::usage;
use crate::record::{CallFailure, Output, Reason, Response};

/// What is needed to read an answer and to say what is wrong with one.
pub(super) struct Reading<'a> {
    /// Who sent it.
    pub sender: Sender<'a>,
    /// Whether the request asked for an answer by JSON Schema.
    pub structured: bool,
}

impl Reading<'_> {
    /// The response in a body. Latency and cost are the caller's to add.
    pub(super) fn response(&self, body: &[u8]) -> Result<Response, CallFailure> {
        let text = String::from_utf8_lossy(body);
        if let Some(response) = usual::response(plain(&text)).filter(|_| !self.structured) {
            return Ok(response);
        }
        self.whole(&text)
    }

    /// The long way, through a tree.
    fn whole(&self, text: &str) -> Result<Response, CallFailure> {
        let json = self.sender.tree(text)?;
        let choice = json.pointer("/choices/0");
        let choice = choice.ok_or_else(|| self.sender.lacking(&json, text, "has no choices"))?;
        let message = choice.get("message").filter(|m| m.is_object());
        let message = message.ok_or_else(|| self.sender.bad(text, "has a choice without a message"))?;
        let finish_reason = choice.get("finish_reason").and_then(Value::as_str).and_then(finish::normal);
        let (output, is_refusal) = self
            .output(message, finish_reason.as_deref())
            .ok_or_else(|| no_output(self.sender.shown, finish_reason.as_deref()))?;
        Ok(Response {
            output,
            is_refusal,
            guardrails: flagged(is_refusal),
            usage: json.get("usage").and_then(usage),
            finish_reason,
            reasoning: text_of(message, &["reasoning_content", "reasoning"]),
            log_probs: log_probs(choice),
            model: text_of(&json, &["model"]),
            ..Response::default()
        })
    }

    /// The judged part of a message, and whether it is a refusal.
    fn output(&self, message: &Value, finish_reason: Option<&str>) -> Option<(Output, bool)> {
        if let Some(refusal) = text_of(message, &["refusal"]) {
            return Some((Output::Text(refusal), true));
        }
        let filtered = finish_reason == Some("content_filter");
        let content = content(message.get("content").unwrap_or(&Value::Null));
        let output = match (content, calls(message)) {
            (Some(content), Some(_)) if !content.text().is_empty() => Output::Json(message.clone()),
            (_, Some(calls)) => Output::Json(calls.clone()),
            (Some(content), None) => self.parsed(content),
            // The filter took the words away; that nothing is left is the application's answer.
            (None, None) if filtered => Output::default(),
            (None, None) => return None,
        };
        Some((output, filtered))
    }

    /// By JSON Schema the answer is a structure, when it is whole.
    fn parsed(&self, content: Output) -> Output {
        match &content {
            Output::Text(text) if self.structured => serde_json::from_str(text).map_or(content, Output::Json),
            _ => content,
        }
    }
}

/// What promptfoo makes of a refusal and of a content filter; nothing of an answer that passed.
fn flagged(is_refusal: bool) -> Option<Value> {
    is_refusal.then(|| json!({"flagged": true}))
}

fn no_output(shown: &str, finish_reason: Option<&str>) -> CallFailure {
    let why = finish_reason.map_or_else(String::new, |r| format!(" (finish reason `{r}`)"));
    let failure = CallFailure::new(Reason::BadAnswer, format!("no output: the answer of {shown} has no content{why}"));
    match finish_reason {
        Some("length") => failure.hint("all tokens went into thinking: raise max_tokens or max_completion_tokens"),
        _ => failure,
    }
}

/// The content as text; a list of parts is joined; anything that is not text stays a structure.
fn content(content: &Value) -> Option<Output> {
    match content {
        Value::Null => None,
        Value::String(text) => Some(Output::Text(text.clone())),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(part).collect();
            (!texts.is_empty()).then(|| Output::Text(texts.concat()))
        }
        other => Some(Output::Json(other.clone())),
    }
}

fn part(part: &Value) -> Option<&str> {
    part.as_str().or_else(|| part.get("text")?.as_str())
}

/// Tool calls, or the function call of the old form.
fn calls(message: &Value) -> Option<&Value> {
    let tools = message.get("tool_calls").filter(|c| c.as_array().is_some_and(|list| !list.is_empty()));
    tools.or_else(|| message.get("function_call").filter(|c| c.is_object()))
}

fn text_of(value: &Value, names: &[&str]) -> Option<String> {
    let texts = names.iter().filter_map(|name| value.get(*name)?.as_str());
    texts.map(str::to_owned).find(|text| !text.is_empty())
}

/// The log probability of every token; none when one of them is missing, because their mean would be another's.
fn log_probs(choice: &Value) -> Option<Vec<f64>> {
    let tokens = choice.pointer("/logprobs/content")?.as_array()?;
    tokens.iter().map(|token| token.get("logprob")?.as_f64()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Redactor;
    use crate::record::Usage;

    fn read(structured: bool, body: &str) -> Result<Response, CallFailure> {
        let redactor = Redactor::default();
        redactor.learn("sk-secret-key");
        let sender = Sender { shown: "http://h/v1", hint: "look there", redactor: &redactor };
        Reading { sender, structured }.response(body.as_bytes())
    }

    fn output(structured: bool, message: &Value, finish: &Value) -> String {
        let body = json!({"choices": [{"message": message, "finish_reason": finish}]});
        match read(structured, &body.to_string()) {
            Err(failure) => format!("{:?}: {}", failure.reason, failure.message),
            Ok(r) => format!("{:?}{}", r.output, if r.is_refusal { " refused" } else { "" }),
        }
    }

    #[test]
    fn chooses_the_output() {
        let call = json!([{"id": "c"}]);
        let rows = [
            (false, json!({"content": "hi"}), r#"Text("hi")"#),
            (false, json!({"content": ""}), r#"Text("")"#),
            (
                false,
                json!({"content": null}),
                "BadAnswer: no output: the answer of http://h/v1 has no content (finish reason `stop`)",
            ),
            (false, json!({}), "BadAnswer: no output: the answer of http://h/v1 has no content (finish reason `stop`)"),
            (false, json!({"content": null, "refusal": "No thanks"}), r#"Text("No thanks") refused"#),
            (false, json!({"content": "hi", "refusal": null}), r#"Text("hi")"#),
            (
                false,
                json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
                r#"Text("ab")"#,
            ),
            (false, json!({"content": null, "tool_calls": call}), r#"Json(Array [Object {"id": String("c")}])"#),
            (false, json!({"content": "", "tool_calls": call}), r#"Json(Array [Object {"id": String("c")}])"#),
            (false, json!({"content": "x", "tool_calls": []}), r#"Text("x")"#),
            (false, json!({"content": null, "function_call": {"name": "f"}}), r#"Json(Object {"name": String("f")})"#),
            (
                false,
                json!({"content": "x", "tool_calls": call}),
                r#"Json(Object {"content": String("x"), "tool_calls": Array [Object {"id": String("c")}]})"#,
            ),
            (true, json!({"content": "{\"a\":1}"}), r#"Json(Object {"a": Number(1)})"#),
            (true, json!({"content": "{\"a\":"}), r#"Text("{\"a\":")"#),
            (false, json!({"content": "{\"a\":1}"}), r#"Text("{\"a\":1}")"#),
            (false, json!({"content": {"a": 1}}), r#"Json(Object {"a": Number(1)})"#),
        ];
        for (structured, message, expected) in rows {
            assert_eq!(output(structured, &message, &json!("stop")), expected, "{message}");
        }
        assert_eq!(output(false, &json!({"content": null}), &json!("content_filter")), r#"Text("") refused"#);
    }

    #[test]
    fn reads_log_probabilities() {
        for (logprobs, expected) in [
            (
                json!({"content": [{"token": "a", "logprob": -0.5, "top_logprobs": []}, {"logprob": 0}]}),
                Some(vec![-0.5, 0.0]),
            ),
            (json!({"content": []}), Some(vec![])),
            (json!({"content": [{"logprob": -0.5}, {"token": "a"}]}), None),
            (json!({"content": null}), None),
            (json!(null), None),
        ] {
            let body = json!({"choices": [{"message": {"content": "hi"}, "logprobs": logprobs}]});
            assert_eq!(read(false, &body.to_string()).unwrap().log_probs, expected, "{logprobs}");
        }
    }

    #[test]
    fn the_usual_way_and_the_long_way_agree() {
        let messages = [
            json!({"content": "hi \"é\" \n"}),
            json!({"content": "", "tool_calls": null, "refusal": null, "function_call": null, "role": "assistant"}),
            json!({"content": "x", "tool_calls": [], "reasoning": "so", "reasoning_content": ""}),
            json!({"content": "x", "tool_calls": [{"id": "c"}]}),
            json!({"content": "x", "refusal": "no"}),
            json!({"content": "x", "refusal": ""}),
            json!({"content": ["x"]}),
            json!({"content": null}),
            json!({"content": "x", "function_call": {"name": "f"}}),
        ];
        let details = json!({"cached_tokens": 2, "reasoning_tokens": 1, "audio_tokens": 0});
        let usages = [
            json!(null),
            json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 5, "prompt_tokens_details": details,
                   "completion_tokens_details": details}),
            json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "prompt_tokens_details": null}),
            json!({"prompt_tokens": "3", "completion_tokens": 4.0}),
        ];
        let redactor = Redactor::default();
        let sender = Sender { shown: "h", hint: "", redactor: &redactor };
        let reading = Reading { sender, structured: false };
        let shown = |response: Result<Response, CallFailure>| format!("{response:?}");
        for message in &messages {
            for (usage, finish) in usages.iter().zip([json!("stop"), json!("content_filter"), json!(null), json!(7)]) {
                let choice = json!({"message": message, "finish_reason": finish, "index": 0});
                for body in [
                    json!({"choices": [choice, choice], "usage": usage, "model": "m"}).to_string(),
                    json!({"choices": [choice], "usage": usage})
                        .to_string()
                        .replace("\"index\":0", "\"finish_reason\":\"length\""),
                ] {
                    assert_eq!(shown(reading.response(body.as_bytes())), shown(reading.whole(&body)), "{body}");
                }
            }
        }
    }

    #[test]
    fn keeps_thinking_apart_and_takes_odd_types() {
        let response = read(
            false,
            r#"{"model": "m-1", "choices": [{"message": {"content": "4", "reasoning": "2+2"}, "finish_reason": " STOP "}],
                "usage": {"prompt_tokens": "10", "completion_tokens": 5.0, "total_tokens": null,
                          "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": null}, "timings": 1}"#,
        );
        let response = response.unwrap();
        assert_eq!(response.output, Output::Text("4".into()));
        assert_eq!(response.reasoning.as_deref(), Some("2+2"));
        assert_eq!(response.finish_reason.as_deref(), Some("stop"));
        assert_eq!(response.model.as_deref(), Some("m-1"));
        assert_eq!(response.usage, Some(Usage { total: 15, prompt: 10, completion: 5, cached: 4, reasoning: 0 }));
        for usage in ["null", "{}", "7", r#"{"prompt_tokens": 0, "total_tokens": -1}"#] {
            let body =
                format!(r#"{{"choices":[{{"message":{{"content":"x"}},"finish_reason":null}}],"usage":{usage}}}"#);
            let response = read(false, &body).unwrap();
            assert_eq!((response.usage, response.finish_reason), (None, None), "{usage}");
        }
    }

    #[test]
    fn says_what_is_wrong_and_quotes_without_secrets() {
        let deep = "[".repeat(10_000);
        for (body, expected) in [
            ("<html>\u{7}\nhi", "the answer of http://h/v1 is no JSON: <html> hi"),
            ("", "the answer of http://h/v1 is no JSON: "),
            (r#"{"choices":[]}"#, r#"the answer of http://h/v1 has no choices: {"choices":[]}"#),
            (r#"{"choices":[{}]}"#, r#"the answer of http://h/v1 has a choice without a message: {"choices":[{}]}"#),
            (
                r#"{"error":{"message":"bad sk-secret-key"}}"#,
                r#"the answer of http://h/v1 is an error with status 200: {"error":{"message":"bad [redacted]"}}"#,
            ),
            ("data: {}\n\n", "the answer of http://h/v1 is no JSON: data: {}"),
            (&deep, &format!("the answer of http://h/v1 is no JSON: {}…", "[".repeat(199))),
        ] {
            let failure = read(false, body).unwrap_err();
            assert_eq!((failure.reason, failure.message.as_str()), (Reason::BadAnswer, expected));
        }
    }
}
