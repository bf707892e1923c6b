//! Models that read one text and answer with a structure: vectors, labels, scores.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::super::{Heard, Price, Provider, Setup};
use super::Service;
use crate::record::{CallFailure, Request, Response};
use crate::yaml::Node;

/// What is sent to such a model, and how its answer is read.
pub(in crate::provider) struct Form {
    /// The kind, for identities.
    pub kind: &'static str,
    /// The key of a body that holds the text.
    pub input: &'static str,
    /// Finds the response in a body; see [`super::Sender::read`].
    pub read: fn(&Value) -> Result<Response, String>,
}

/// Such a model. What prompts and tests set over a provider's parameters is meant for models that
/// write, and is not sent.
pub(in crate::provider) struct Encoder {
    form: &'static Form,
    service: Service,
    identity: Value,
    /// The body without the text.
    body: Map<String, Value>,
    price: Option<Price>,
}

impl Encoder {
    /// A model behind a service. `body` is sent around each text.
    pub(in crate::provider) fn build(
        form: &'static Form,
        model: &str,
        service: Service,
        mut body: Map<String, Value>,
        price: Option<Price>,
    ) -> Arc<dyn Provider> {
        // A text of the config's own would give every text one and the same answer.
        body.shift_remove(form.input);
        // Where the body does not name the model, the address does, or should.
        let mut shown = json!({"model": model});
        if let Some(shown) = shown.as_object_mut() {
            shown.extend(body.clone());
        }
        Arc::new(Self { form, identity: service.identity(form.kind, &shown), service, body, price })
    }

    async fn ask(&self, request: &Request, heard: Heard<'_>) -> Result<Response, CallFailure> {
        let mut body = self.body.clone();
        body.insert(self.form.input.to_owned(), Value::from(&*request.text));
        let answer = self.service.ask(Value::Object(body).to_string(), heard).await?;
        let response = self.service.sender().read(&answer.body, self.form.read)?;
        let cost = self.cost(&response);
        Ok(Response { cost, latency_ms: Some(answer.latency_ms), ..response })
    }

    /// What is free costs nothing, even where nobody counts tokens.
    fn cost(&self, response: &Response) -> Option<f64> {
        let price = self.price?;
        let counted = response.usage.map(|usage| price.of(&usage));
        counted.or_else(|| (price == Price::FREE).then_some(0.0))
    }
}

impl Provider for Encoder {
    fn call<'a>(&'a self, request: &'a Request, heard: Heard<'a>) -> BoxFuture<'a, Result<Response, CallFailure>> {
        Box::pin(self.ask(request, heard))
    }

    fn identity(&self) -> &Value {
        &self.identity
    }

    fn price(&self) -> Option<Price> {
        self.price
    }

    /// It writes nothing.
    fn max_tokens(&self) -> Option<u64> {
        Some(0)
    }
}

/// A map of the config as JSON; empty without it.
pub(in crate::provider) fn map(setup: &Setup<'_>, key: &str) -> Map<String, Value> {
    match setup.config.get(key).map(Node::to_json) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}
