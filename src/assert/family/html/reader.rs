//! A parser of HTML that cannot be kept busy for ever.

use std::cell::Cell;

use html5ever::TokenizerResult;
use html5ever::buffer_queue::BufferQueue;
use html5ever::interface::{Tracer, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{StartTag, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};

use super::attributes;
use super::page::{Handle, Page, Sink};

/// How many steps through open elements reading a page may take.
const STEPS: u64 = 20_000_000;
/// How many attributes may be compared with each other.
const COMPARISONS: u64 = 1_000_000_000;
/// After so many tokens the open elements are counted anew.
const EVERY: u64 = 64;

/// Reads a page as browsers do.
///
/// # Errors
/// When it is made so that reading it would take too long.
pub fn read(text: &str) -> Result<Page, String> {
    if attributes::comparisons(text) > COMPARISONS {
        return Err("the output has a tag with too many attributes to be read as HTML".into());
    }
    let builder = TreeBuilder::new(Sink::new(), TreeBuilderOpts::default());
    let bounded = Bounded { builder, tokens: Cell::new(0), open: Cell::new(0), steps: Cell::new(0) };
    let tokenizer = Tokenizer::new(bounded, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text));
    // It stops at scripts, for those who run them.
    while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
    tokenizer.end();
    let Bounded { builder, steps, .. } = tokenizer.sink;
    if steps.get() > STEPS {
        return Err("the output has elements nested too deeply to be read as HTML".into());
    }
    Ok(builder.sink.finish())
}

/// A tree builder that hears no more once it has had too much to do: each tag may make it walk through all
/// open elements.
struct Bounded {
    builder: TreeBuilder<Handle, Sink>,
    tokens: Cell<u64>,
    open: Cell<u64>,
    steps: Cell<u64>,
}

impl TokenSink for Bounded {
    type Handle = Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Handle> {
        let tokens = self.tokens.get() + 1;
        self.tokens.set(tokens);
        if tokens.is_multiple_of(EVERY) {
            let counter = Counter(Cell::new(0));
            self.builder.trace_handles(&counter);
            self.open.set(counter.0.get());
        }
        self.steps.set(self.steps.get() + self.open.get());
        if self.steps.get() + self.builder.sink.moves.get() > STEPS {
            self.steps.set(STEPS + 1);
            return TokenSinkResult::Continue;
        }
        self.builder.sink.tag.replace(match &token {
            Token::TagToken(tag) if tag.kind == StartTag => Some(tag.name.clone()),
            _ => None,
        });
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

struct Counter(Cell<u64>);

impl Tracer for Counter {
    type Handle = Handle;

    fn trace_handle(&self, _: &Handle) {
        self.0.set(self.0.get() + 1);
    }
}
