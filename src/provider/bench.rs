//! What the tests of this room share: providers from a line of YAML, and a loopback server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::{Provider, Setup, Timeouts, find};
use crate::diag::{Problems, Source};
use crate::env::{Clock, Env};
use crate::record::{Messages, Request};
use crate::yaml::{self, Node};

/// A provider, or its problems as text. Warnings are not told.
pub(super) fn build(id: &str, config: &str, vars: &[(&str, &str)]) -> Result<Arc<dyn Provider>, Vec<String>> {
    let node = yaml::parse(&Source::new("c.yaml", config)).unwrap();
    build_node(id, Some(&node), vars)
}

pub(super) fn build_node(
    id: &str,
    config: Option<&Node>,
    vars: &[(&str, &str)],
) -> Result<Arc<dyn Provider>, Vec<String>> {
    let mut problems = Problems::new();
    let env = env(vars);
    let none = yaml::parse(&Source::new("none", "")).unwrap();
    let at = Source::new("id", id).span();
    let (kind, rest) = find(id, &at).unwrap();
    let setup = Setup {
        id,
        rest,
        at: &at,
        config: config.unwrap_or(&none),
        price: None,
        timeouts: Timeouts { total: Duration::from_secs(5), ..Timeouts::default() },
        env: &env,
        base: Path::new("."),
        offline: false,
    };
    let provider = super::build(kind, &setup, false, &mut problems);
    let told = problems.iter().map(|p| {
        let hint = p.hint.as_deref().map_or_else(String::new, |h| format!(" | {h}"));
        format!("{}: {}{hint}", p.at.as_ref().map_or("", |a| a.text()), p.message)
    });
    provider.ok_or_else(|| told.collect())
}

pub(super) fn env(vars: &[(&str, &str)]) -> Env {
    let vars = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Env::new(vars, Clock::fixed(1_795_338_000_000))
}

pub(super) fn request(text: &str, vars: &Value) -> Request {
    let vars = vars.as_object().cloned().unwrap_or_default();
    Request { text: text.into(), messages: Messages::User, vars: Arc::new(vars), parameters: Arc::new(Map::new()) }
}

/// How a loopback server goes on after its first bytes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Then {
    /// It closes the connection.
    Close,
    /// It repeats its last bytes until nobody listens.
    Forever,
}

/// A server for one request. Gives its base URL and, later, the request as it came.
pub(super) async fn server(answer: &str, then: Then) -> (String, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let (tell, told) = oneshot::channel();
    let answer = answer.to_owned();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = tell.send(read_request(&mut stream).await);
        let mut open = stream.write_all(answer.as_bytes()).await.is_ok();
        while open && then == Then::Forever {
            open = stream.write_all(&[b'a'; 16_384]).await.is_ok();
        }
        let _ = stream.shutdown().await;
    });
    (base, told)
}

/// A whole answer with its length.
pub(super) fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return text;
        }
    }
}
