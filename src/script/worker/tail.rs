//! What a script prints.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

use crate::env::Redactor;

/// Bytes that are shown, the last ones. No secret is longer.
const KEPT: usize = 4 << 10;
/// Bytes that are read at once.
const CHUNK: usize = 16 << 10;
/// How long what was printed last may be under way.
const LATE: Duration = Duration::from_millis(100);

/// The last words of a process: everything is read, so that it never has to wait, and little is kept.
#[derive(Debug)]
pub(super) struct Tail<R> {
    pipe: R,
    kept: Vec<u8>,
    redactor: Redactor,
}

impl<R: AsyncRead + Unpin> Tail<R> {
    pub(super) fn new(pipe: R, redactor: &Redactor) -> Self {
        Self { pipe, kept: Vec::new(), redactor: redactor.clone() }
    }

    /// Forgets what was read.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
    }

    /// Reads for ever. To be dropped at will: nothing that was read is lost.
    pub(super) async fn drain(&mut self) -> Infallible {
        while self.read().await {}
        pending().await
    }

    /// Reads until the mark that a worker puts behind what a failed call printed.
    pub(super) async fn until_mark(&mut self, number: u64) {
        let mark = format!("\0{number}\0").into_bytes();
        let reading = async { while memmem::find(&self.kept, &mark).is_none() && self.read().await {} };
        // Without a mark (a script may close what it prints to) there is what there is.
        timeout(LATE, reading).await.ok();
        if let Some(at) = memmem::find(&self.kept, &mark) {
            self.kept.truncate(at);
        }
    }

    /// Reads to the end. Others may hold the pipe open, so this does not wait for long.
    pub(super) async fn finish(&mut self) {
        timeout(LATE, async { while self.read().await {} }).await.ok();
    }

    /// What was printed last, if anything. Secrets are taken out before it is cut: half of one would not be
    /// known again. What was dropped before may have ended in the middle of one, so as much again is kept as is
    /// shown, and the first of it is never shown.
    pub(super) fn text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.kept);
        let text = self.redactor.clean(&text);
        let from = self.kept.len().saturating_sub(KEPT);
        let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let text = text[from..].trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Reads some more; `false` at the end.
    async fn read(&mut self) -> bool {
        if self.kept.len() > CHUNK {
            self.kept.drain(..self.kept.len() - 2 * KEPT);
        }
        self.kept.reserve(CHUNK);
        matches!(self.pipe.read_buf(&mut self.kept).await, Ok(1..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_words_are_kept() {
        let said = format!("{}the end", "x".repeat(1 << 20));
        let mut tail = Tail::new(said.as_bytes(), &Redactor::default());
        tail.finish().await;
        let text = tail.text().unwrap();
        assert_eq!((text.len(), &text[KEPT - 7..]), (KEPT, "the end"));
    }

    #[tokio::test]
    async fn words_end_at_the_mark() {
        let mut tail = Tail::new(&b" a\n\0\x31\0 b\x002\0c"[..], &Redactor::default());
        tail.until_mark(1).await;
        assert_eq!(tail.text().as_deref(), Some("a"));
        tail.forget();
        tail.until_mark(3).await;
        assert_eq!(tail.text(), None);
    }
}
