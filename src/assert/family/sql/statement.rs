//! Statements: read by `sqlparser`, within bounds.

use std::thread;

use sqlparser::ast::Statement;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::authority::{self, Authorities};
use super::dialect::Dialect;
use super::{soundness, tokens};
use crate::assert::show;

/// A longer text is not read.
const LONGEST: usize = 2 << 20;
/// How many levels of brackets and clauses the parser may descend.
const LEVELS: usize = 100;
/// How many tokens may follow each other without a comma, brackets around them included. Each may deepen
/// the tree by one, and some make the parser call itself.
const TANGLE: usize = 2_000;
/// The stack for the parser's levels.
const BASE_STACK: usize = 16 << 20;
/// The stack for one token, measured at `JOIN t JOIN t …` without optimization, and doubled.
const TOKEN_STACK: usize = 64 << 10;

/// Why a text was not accepted.
#[derive(Debug)]
pub enum Refused {
    /// It is no SQL of this dialect.
    Wrong(String),
    /// It cannot be judged.
    TooMuch(String),
}

/// Reads the statements of a text, at least one, and what they touch.
///
/// # Errors
/// When they are wrong, or made so that reading them would take too much.
pub fn read(text: &str, dialect: &Dialect) -> Result<Authorities, Refused> {
    let too_much = |what: &str| Refused::TooMuch(format!("the output is too {what} to be read as SQL"));
    if text.len() > LONGEST {
        return Err(too_much("long"));
    }
    let tokens = Tokenizer::new(&*(dialect.grammar)(), text).tokenize_with_location();
    let mut tokens = tokens.map_err(|error| Refused::Wrong(show::line(&error.to_string().to_lowercase())))?;
    if let Some(reason) = tokens::fault(&tokens, dialect) {
        return Err(Refused::Wrong(reason.into()));
    }
    if dialect.is_sqlite {
        tokens::compare_with_is(&mut tokens);
    }
    let tangle = tokens::tangle(&tokens);
    if tangle > TANGLE {
        return Err(too_much("tangled"));
    }
    // Long chains make deep trees, for which the stack of the calling thread may be too small.
    let stack = BASE_STACK + tangle * TOKEN_STACK;
    let work = || parse(tokens, dialect).map(|statements| authority::needed(&statements));
    let outcome = thread::scope(|scope| {
        let parser = thread::Builder::new().name("sql".into()).stack_size(stack).spawn_scoped(scope, work);
        parser.map(thread::ScopedJoinHandle::join)
    });
    match outcome {
        Ok(Ok(Ok(authorities))) => Ok(authorities),
        Ok(Ok(Err(ParserError::RecursionLimitExceeded))) => Err(too_much("deeply nested")),
        Ok(Ok(Err(ParserError::TokenizerError(error) | ParserError::ParserError(error)))) => {
            Err(Refused::Wrong(show::line(&error.to_lowercase())))
        }
        Ok(Err(_)) => Err(Refused::TooMuch("the SQL parser gave up on the output".into())),
        Err(error) => Err(Refused::TooMuch(format!("the SQL could not be read: {error}"))),
    }
}

fn parse(tokens: Vec<TokenWithSpan>, dialect: &Dialect) -> Result<Vec<Statement>, ParserError> {
    let grammar = (dialect.grammar)();
    let mut parser = Parser::new(&*grammar).with_recursion_limit(LEVELS).with_tokens_with_locations(tokens);
    let statements = parser.parse_statements()?;
    // It stops without a word at an END that ends nothing.
    parser.expect_token(&Token::EOF)?;
    if statements.is_empty() {
        return Err(ParserError::ParserError("there is no statement".into()));
    }
    match soundness::fault(&statements) {
        Some(reason) => Err(ParserError::ParserError(reason)),
        None => Ok(statements),
    }
}
