//! HTTP as the hosted kinds share it: pooled connections, bounded bodies, failures in classes.

mod address;
mod authority;
mod dial;
mod failure;
mod limits;
mod refusal;
mod wait;
mod words;

pub(super) use address::{hide_secrets, open_address};
pub(super) use authority::authorities;
pub(super) use dial::Dial;
#[cfg(test)]
pub(super) use dial::Trust;
pub(super) use limits::limits;
pub(super) use refusal::{Refusal, reason};
pub(super) use words::excerpt;

use std::convert::Infallible;
use std::time::Duration;

use futures::stream;
use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use reqwest::{Body, Response, Url};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use self::failure::Way;
use super::Timeouts;
use crate::record::{CallFailure, Reason};

/// The largest answer that is read, in bytes after decompression.
const LARGEST: usize = 16 * 1024 * 1024;
/// How much of an error page is read, in bytes.
const LARGEST_ERROR: usize = 64 * 1024;

/// One request.
pub(super) struct Post<'a> {
    /// Where to.
    pub url: &'a Url,
    /// The same for people, without secrets.
    pub shown: &'a str,
    /// The config key that names it, for hints.
    pub setting: &'a str,
    /// All headers but `user-agent`.
    pub headers: &'a HeaderMap,
    /// JSON.
    pub body: String,
    /// How long to wait for what.
    pub timeouts: &'a Timeouts,
    /// How to connect.
    pub dial: &'a Dial,
}

/// What came back.
pub(super) struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// The whole body of a success; the beginning of an error page.
    pub body: Vec<u8>,
}

impl Reply {
    /// Whether the status is a 2xx.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Sends once and reads the answer.
pub(super) async fn post(post: Post<'_>) -> Result<Reply, CallFailure> {
    let way = Way { shown: post.shown, setting: post.setting, timeouts: post.timeouts };
    let mut answer = begin(post, way).await?;
    let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    let body = if status.is_success() {
        whole(&mut answer, way).await?
    } else {
        beginning(&mut answer, way.timeouts.idle).await
    };
    Ok(Reply { status: status.as_u16(), headers, body })
}

/// Sends, and waits for the head of the answer.
async fn begin(post: Post<'_>, way: Way<'_>) -> Result<Response, CallFailure> {
    let client = post.dial.client()?;
    let request = client.post(post.url.clone()).headers(post.headers.clone()).timeout(post.timeouts.total);
    let Some(limit) = post.timeouts.first_byte else {
        return request.body(post.body).send().await.map_err(|e| way.failure(&e));
    };
    let request = request.header(CONTENT_LENGTH, post.body.len());
    let (body, sent) = watched(post.body);
    tokio::select! {
        begun = request.body(body).send() => begun.map_err(|e| way.failure(&e)),
        () = silence(sent, limit) => Err(way.not_begun(limit)),
    }
}

/// A body that says when it is taken: connecting and waiting are told apart by nothing else.
fn watched(body: String) -> (Body, oneshot::Receiver<()>) {
    let (tell, told) = oneshot::channel();
    let once = stream::once(async move {
        // Nobody listens any more only when the request is given up.
        let _ = tell.send(());
        Ok::<_, Infallible>(body)
    });
    (Body::wrap_stream(once), told)
}

/// Comes back when so much time has passed since the request was sent.
async fn silence(sent: oneshot::Receiver<()>, limit: Duration) {
    if sent.await.is_err() {
        // It never was, and the client will say why.
        std::future::pending::<()>().await;
    }
    sleep(limit).await;
}

async fn whole(answer: &mut Response, way: Way<'_>) -> Result<Vec<u8>, CallFailure> {
    let mut body = Vec::new();
    loop {
        let chunk = timeout(way.timeouts.idle, answer.chunk()).await.map_err(|_| way.stood_still())?;
        let Some(chunk) = chunk.map_err(|e| way.failure(&e))? else { return Ok(body) };
        if body.len() + chunk.len() > LARGEST {
            let message = format!("the answer of {} is larger than {} MiB", way.shown, LARGEST / 1024 / 1024);
            let hint = format!("is {} the address of a model?", way.setting);
            return Err(CallFailure::new(Reason::TooLarge, message).hint(hint));
        }
        body.extend_from_slice(&chunk);
    }
}

/// Of an error page whatever can be had: its status says enough when it breaks off.
async fn beginning(answer: &mut Response, idle: Duration) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout(idle, answer.chunk()).await {
        body.extend_from_slice(&chunk);
        if body.len() >= LARGEST_ERROR {
            body.truncate(LARGEST_ERROR);
            break;
        }
    }
    body
}
