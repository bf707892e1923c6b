//! Rules about tokens, before they are parsed.

use sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

use super::dialect::Dialect;

fn said(tokens: &[TokenWithSpan]) -> impl Iterator<Item = &Token> {
    tokens.iter().map(|token| &token.token).filter(|token| !matches!(token, Token::Whitespace(_) | Token::EOF))
}

/// An upper bound for the depth of the tree that tokens make.
pub fn tangle(tokens: &[TokenWithSpan]) -> usize {
    // Tokens since the last comma, for each open bracket and outside of them.
    let mut open = Vec::new();
    let (mut run, mut depth, mut deepest) = (0, 0, 0);
    for token in said(tokens) {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                depth += run + 1;
                open.push(std::mem::take(&mut run));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                if let Some(outer) = open.pop() {
                    run = outer;
                    depth -= run + 1;
                }
            }
            Token::Comma | Token::SemiColon => run = 0,
            _ => run += 1,
        }
        deepest = deepest.max(depth + run);
    }
    deepest
}

/// What tokens have that the dialect has not, though `sqlparser` would read it.
pub fn fault(tokens: &[TokenWithSpan], dialect: &Dialect) -> Option<&'static str> {
    let tokens: Vec<&Token> = said(tokens).collect();
    let foreign = |token: &&&Token| matches!(token, Token::DoubleEq) || is_word(token, "ilike");
    let bracket = |two: &[&Token]| is_word(two[0], "select") && *two[1] == Token::LBracket;
    if misses_comma(&tokens, dialect.is_mysql) {
        Some("a comma seems to be missing between the first two columns")
    } else if !dialect.has_top && begins_with_top(&tokens) {
        Some("it has no TOP")
    } else if dialect.is_mysql && tokens.iter().any(|token| foreign(&token)) {
        Some("it has neither == nor ILIKE")
    } else if dialect.is_postgres && tokens.windows(2).any(bracket) {
        Some("names do not stand in brackets")
    } else {
        None
    }
}

/// `SELECT first last FROM`: any parser takes the second word for an alias, but it was meant as a column.
/// The rule is promptfoo's: two bare words and nothing else.
fn misses_comma(tokens: &[&Token], is_mysql: bool) -> bool {
    let word = |at: usize| tokens.get(at).and_then(|token| bare_word(token));
    let is = |at: usize, name: &str| word(at).is_some_and(|word| word.eq_ignore_ascii_case(name));
    let names = |at: usize| word(at).is_some_and(is_plain);
    (0..tokens.len()).filter(|at| is(*at, "select")).any(|select| {
        let is_modifier = |at: &usize| word(*at).is_some_and(|word| is_modifier(word, is_mysql));
        let first = (select + 1..=tokens.len()).find(|at| !is_modifier(at)).unwrap_or_default();
        names(first) && names(first + 1) && is(first + 2, "from")
    })
}

/// `SELECT TOP 5`, which `sqlparser` reads in all dialects.
fn begins_with_top(tokens: &[&Token]) -> bool {
    tokens.windows(3).any(|three| {
        is_word(three[0], "select") && is_word(three[1], "top") && matches!(three[2], Token::Number(..) | Token::LParen)
    })
}

/// Turns SQLite's `a IS b` into `a = b` for `sqlparser`, which knows IS before a few words only.
pub fn compare_with_is(tokens: &mut [TokenWithSpan]) {
    const KNOWN: [&str; 5] = ["null", "true", "false", "distinct", "json"];
    let places: Vec<usize> =
        (0..tokens.len()).filter(|at| !matches!(tokens[*at].token, Token::Whitespace(_))).collect();
    for (i, is) in places.iter().copied().enumerate() {
        let after = |steps: usize| places.get(i + steps).map(|at| &tokens[*at].token);
        let known = |steps: usize| KNOWN.iter().any(|word| after(steps).is_some_and(|token| is_word(token, word)));
        let negated = after(1).is_some_and(|token| is_word(token, "not"));
        if !is_word(&tokens[is].token, "is") || known(1) || negated && known(2) {
            continue;
        }
        tokens[is].token = if negated { Token::Neq } else { Token::Eq };
        if let Some(not) = places.get(i + 1).filter(|_| negated) {
            tokens[*not].token = Token::Whitespace(Whitespace::Space);
        }
    }
}

fn is_word(token: &Token, name: &str) -> bool {
    bare_word(token).is_some_and(|word| word.eq_ignore_ascii_case(name))
}

fn bare_word(token: &Token) -> Option<&str> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
        _ => None,
    }
}

fn is_plain(word: &str) -> bool {
    !word.starts_with(|c: char| c.is_ascii_digit()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Words that may stand between SELECT and the first column.
fn is_modifier(word: &str, is_mysql: bool) -> bool {
    const STANDARD: [&str; 2] = ["ALL", "DISTINCT"];
    const MYSQL: [&str; 9] = [
        "DISTINCTROW",
        "HIGH_PRIORITY",
        "STRAIGHT_JOIN",
        "SQL_BIG_RESULT",
        "SQL_BUFFER_RESULT",
        "SQL_CACHE",
        "SQL_CALC_FOUND_ROWS",
        "SQL_NO_CACHE",
        "SQL_SMALL_RESULT",
    ];
    let named = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(word));
    named(&STANDARD) || is_mysql && named(&MYSQL)
}
