//! The kind that answers with the prompt itself: free, at once, always the same.

use std::sync::{Arc, LazyLock};

use futures::future::{BoxFuture, ready};
use serde_json::{Value, json};

use super::{Heard, Kind, Price, Provider, Setup};
use crate::diag::Problems;
use crate::record::{CallFailure, Output, Request, Response, Usage};
use crate::yaml::Table;

pub(super) static KIND: Kind = Kind {
    name: "echo",
    also: &[],
    about: "answers with the rendered prompt itself; for trying out prompts and assertions",
    examples: &["- echo"],
    config: &Table { name: "the echo provider's config", open: false, keys: &[] },
    build: |_: &Setup<'_>, _: &mut Problems| Some(Arc::new(Echo)),
};

static IDENTITY: LazyLock<Value> = LazyLock::new(|| json!({"kind": "echo"}));

struct Echo;

impl Provider for Echo {
    fn call<'a>(&'a self, request: &'a Request, _: Heard<'a>) -> BoxFuture<'a, Result<Response, CallFailure>> {
        Box::pin(ready(Ok(Response {
            output: Output::Text(request.text.to_string()),
            usage: Some(Usage::default()),
            cost: Some(0.0),
            latency_ms: Some(0),
            ..Response::default()
        })))
    }

    fn is_local(&self) -> bool {
        true
    }

    fn identity(&self) -> &Value {
        &IDENTITY
    }

    fn price(&self) -> Option<Price> {
        Some(Price::FREE)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench;
    use super::*;

    #[tokio::test]
    async fn says_the_prompt_and_nothing_else() {
        let echo = bench::build("echo", "", &[]).ok().unwrap();
        let response = echo.call(&bench::request("hi\n", &json!({})), &|_| {}).await.unwrap();
        assert_eq!(response.output, Output::Text("hi\n".into()));
        assert_eq!((response.cost, response.latency_ms, response.finish_reason), (Some(0.0), Some(0), None));
    }
}
