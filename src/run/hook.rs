//! Assertions ask servers by way of the provider room, which alone has a network.

use futures::future::BoxFuture;
use serde_json::Value;

use crate::assert::Post;
use crate::provider::Hook;

impl Post for Hook {
    fn post<'a>(&'a self, url: &'a str, shown: &'a str, body: String) -> BoxFuture<'a, Result<Value, String>> {
        Box::pin(self.ask(url, shown, body))
    }
}
