//! The markup of XML 1.0, piece by piece. A piece is found with a tolerant eye, so that prose around it does
//! not matter, and read with a strict one: what breaks a rule of the standard becomes its fault.
//! <https://www.w3.org/TR/xml/>

/// A tag, comment, section, instruction or declaration.
#[derive(Debug)]
pub struct Piece<'t> {
    /// What it is.
    pub form: Form<'t>,
    /// Where it ends, in bytes of the text.
    pub end: usize,
    /// The rule it breaks.
    pub fault: Option<&'static str>,
}

/// The forms of markup.
#[derive(Debug)]
pub enum Form<'t> {
    /// `<name key="value">`, or with `/` at its end.
    Open { tag: Tag<'t>, empty: bool },
    /// `</name>`.
    Close(&'t str),
    /// `<?name …?>`; the question mark belongs to the name. The rest stands in the text.
    Instruction { tag: Tag<'t>, body: &'t str },
    /// `<![CDATA[…]]>`.
    Section(&'t str),
    /// `<!DOCTYPE …>`, and whether it names a file in which entities may be declared.
    Doctype { external: bool },
    /// `<!-- … -->`.
    Comment,
    /// `<!…>` of any other sort.
    Unknown,
}

/// A name with the names of its attributes.
#[derive(Debug, Default)]
pub struct Tag<'t> {
    /// The name.
    pub name: &'t str,
    /// The names of its attributes.
    pub attributes: Vec<&'t str>,
}

/// Which entities a reference may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entities {
    /// The five of the standard.
    Predefined,
    /// Any: they may be declared where we cannot look.
    Any,
}

type Ruling = Result<(), &'static str>;

/// Reads the markup that begins with the `<` at `at`. `None`: it begins none.
pub fn read(text: &str, at: usize, entities: Entities) -> Option<Piece<'_>> {
    let rest = &text[at..];
    if let Some(body) = rest.strip_prefix("<!--") {
        return Some(delimited(text, body, "-->", |body| (Form::Comment, comment(body))));
    }
    if let Some(body) = rest.strip_prefix("<![CDATA[") {
        return Some(delimited(text, body, "]]>", |body| (Form::Section(body), legal(body))));
    }
    if let Some(body) = rest.strip_prefix("<?") {
        return Some(delimited(text, body, "?>", |body| instruction(&text[at + 1..], body)));
    }
    if let Some(body) = rest.strip_prefix("<!") {
        return Some(declaration(text, body));
    }
    tag(text, at, entities)
}

/// Markup that ends with fixed characters; without them it takes the rest of the text.
fn delimited<'t>(
    text: &'t str,
    body: &'t str,
    close: &str,
    read: impl FnOnce(&'t str) -> (Form<'t>, Ruling),
) -> Piece<'t> {
    let start = text.len() - body.len();
    let found = body.find(close);
    let (form, ruling) = read(&body[..found.unwrap_or(body.len())]);
    let ruling = if found.is_some() { ruling } else { Err("markup that is not closed") };
    Piece { form, end: found.map_or(text.len(), |length| start + length + close.len()), fault: ruling.err() }
}

fn comment(body: &str) -> Ruling {
    if body.contains("--") || body.ends_with('-') {
        return Err("a comment with `--` inside");
    }
    legal(body)
}

fn instruction<'t>(from_mark: &'t str, body: &'t str) -> (Form<'t>, Ruling) {
    let name = name(body);
    let after = &body[name.len()..];
    let attributes = attributes(after, Entities::Any).unwrap_or_default();
    let tag = Tag { name: &from_mark[..=name.len()], attributes: attributes.into_iter().map(|(key, _)| key).collect() };
    let ruling = match name {
        "" => Err("an instruction without a name"),
        _ if !after.is_empty() && !after.starts_with(SPACE) => Err("an instruction with a broken name"),
        _ => legal(after),
    };
    (Form::Instruction { tag, body: after }, ruling)
}

/// `<!DOCTYPE` and what looks like it. Quotes and brackets hide a `>`.
fn declaration<'t>(text: &'t str, body: &'t str) -> Piece<'t> {
    let mut quote = None;
    let mut depth = 0usize;
    let close = body.bytes().position(|byte| {
        match (byte, quote) {
            (_, Some(open)) => quote = quote.filter(|_| byte != open),
            (b'"' | b'\'', None) => quote = Some(byte),
            (b'[', None) => depth += 1,
            (b']', None) => depth = depth.saturating_sub(1),
            (b'>', None) => return depth == 0,
            _ => {}
        }
        false
    });
    let start = text.len() - body.len();
    let (form, ruling) = match body[..close.unwrap_or(body.len())].strip_prefix("DOCTYPE") {
        Some(inside) => doctype(inside),
        None => (Form::Unknown, Err("`<!` that begins neither a comment nor a DOCTYPE")),
    };
    let ruling = if close.is_some() { ruling } else { Err("markup that is not closed") };
    Piece { form, end: close.map_or(text.len(), |length| start + length + 1), fault: ruling.err() }
}

fn doctype(inside: &str) -> (Form<'_>, Ruling) {
    match external_id(inside) {
        Ok(external) => (Form::Doctype { external }, Ok(())),
        Err(fault) => (Form::Doctype { external: false }, Err(fault)),
    }
}

/// Whether a well-formed DOCTYPE names a file. One with declarations of its own is refused: what they
/// declare would have to be expanded, which is how small documents become huge.
fn external_id(inside: &str) -> Result<bool, &'static str> {
    const BROKEN: &str = "a broken DOCTYPE";
    let named = spaced(inside).ok_or(BROKEN)?;
    let name = name(named);
    let rest = &named[name.len()..];
    if name.is_empty() {
        return Err(BROKEN);
    }
    if rest.trim_start_matches(SPACE).starts_with('[') {
        return Err("a DOCTYPE with declarations of its own, which are not supported");
    }
    if rest.trim_matches(SPACE).is_empty() {
        return Ok(false);
    }
    let id = spaced(rest).ok_or(BROKEN)?;
    let system = match id.strip_prefix("PUBLIC") {
        Some(public) => quoted(spaced(public).ok_or(BROKEN)?).ok_or(BROKEN)?.1,
        None => id.strip_prefix("SYSTEM").ok_or(BROKEN)?,
    };
    let (_, after) = quoted(spaced(system).ok_or(BROKEN)?).ok_or(BROKEN)?;
    match after.trim_matches(SPACE) {
        "" => Ok(true),
        own if own.starts_with('[') => Err("a DOCTYPE with declarations of its own, which are not supported"),
        _ => Err(BROKEN),
    }
}

/// A text behind the white space it must begin with.
fn spaced(text: &str) -> Option<&str> {
    let trimmed = text.trim_start_matches(SPACE);
    (trimmed.len() < text.len()).then_some(trimmed)
}

/// A text in quotes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].split_once(quote)
}

fn tag(text: &str, at: usize, entities: Entities) -> Option<Piece<'_>> {
    let inner = &text[at + 1..];
    let closes = inner.starts_with('/');
    let inner = &inner[usize::from(closes)..];
    let name = name(inner);
    let inside = &inner[name.len()..];
    let length = tag_length(inside).filter(|_| !name.is_empty())?;
    let end = text.len() - inside.len() + length + 1;
    let inside = &inside[..length];
    if closes {
        let bare = inside.trim_matches(SPACE).is_empty();
        let fault = (!bare).then_some("a closing tag with more than a name");
        return Some(Piece { form: Form::Close(name), end, fault });
    }
    let trimmed = inside.trim_end_matches(SPACE);
    let (inside, empty) = match trimmed.strip_suffix('/') {
        // With white space behind it the slash is a fault, which stays in place to be found.
        Some(short) => (if trimmed.len() == inside.len() { short } else { inside }, true),
        None => (inside, false),
    };
    let (attributes, fault) = match attributes(inside, entities) {
        Ok(pairs) => (pairs.into_iter().map(|(key, _)| key).collect(), None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    Some(Piece { form: Form::Open { tag: Tag { name, attributes }, empty }, end, fault })
}

/// How far it is to the `>` of a tag. `None` where another `<` comes first.
fn tag_length(inside: &str) -> Option<usize> {
    let mut quote = None;
    for (i, byte) in inside.bytes().enumerate() {
        match (byte, quote) {
            (_, Some(open)) => quote = quote.filter(|_| byte != open),
            (b'"' | b'\'', None) => quote = Some(byte),
            (b'<', None) => return None,
            (b'>', None) => return Some(i),
            _ => {}
        }
    }
    None
}

/// The attributes of a tag, each once.
///
/// # Errors
/// The rule that they break.
pub fn attributes(inside: &str, entities: Entities) -> Result<Vec<(&str, &str)>, &'static str> {
    let mut found = Vec::new();
    let mut rest = inside;
    while !rest.trim_start_matches(SPACE).is_empty() {
        let start = spaced(rest).ok_or("attributes without white space before them")?;
        let key = name(start);
        if key.is_empty() {
            return Err("an attribute without a proper name");
        }
        let after = start[key.len()..].trim_start_matches(SPACE);
        let after = after.strip_prefix('=').ok_or("an attribute without a value")?;
        let (value, after) = quoted(after.trim_start_matches(SPACE)).ok_or("an attribute value without quotes")?;
        if value.contains('<') {
            return Err("an attribute value with `<`");
        }
        legal(value)?;
        references(value, entities)?;
        found.push((key, value));
        rest = after;
    }
    let mut keys: Vec<&str> = found.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    let twice = keys.windows(2).any(|pair| pair[0] == pair[1]);
    if twice { Err("an attribute that is given twice") } else { Ok(found) }
}

/// Checks the text between tags.
///
/// # Errors
/// The rule that it breaks.
pub fn content(text: &str, entities: Entities) -> Ruling {
    if text.contains("]]>") {
        return Err("`]]>` outside a section");
    }
    legal(text)?;
    references(text, entities)
}

fn legal(text: &str) -> Ruling {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    if text.chars().all(allowed) { Ok(()) } else { Err("a character that XML does not allow") }
}

fn references(text: &str, entities: Entities) -> Ruling {
    text.match_indices('&').try_for_each(|(at, _)| reference(&text[at + 1..], entities))
}

/// Checks what follows an `&`.
fn reference(rest: &str, entities: Entities) -> Ruling {
    const NONE: Ruling = Err("an `&` that begins no reference");
    if let Some(number) = rest.strip_prefix('#') {
        return if is_character(number) { Ok(()) } else { NONE };
    }
    let name = name(rest);
    if name.is_empty() || !rest[name.len()..].starts_with(';') {
        return NONE;
    }
    match (entities, name) {
        (Entities::Any, _) | (_, "amp" | "lt" | "gt" | "apos" | "quot") => Ok(()),
        _ => Err("a reference to an entity that XML does not know"),
    }
}

/// Whether `65;` or `x41;` names a character that may stand in XML.
fn is_character(number: &str) -> bool {
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let code = u32::from_str_radix(&digits[..end], radix).ok().and_then(char::from_u32);
    digits[end..].starts_with(';') && code.is_some_and(|c| legal(c.encode_utf8(&mut [0; 4])).is_ok())
}

/// White space of XML.
pub const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// The name that a text begins with; empty when there is none.
fn name(text: &str) -> &str {
    if !text.starts_with(begins_name) {
        return "";
    }
    let end = text.find(|c| !(begins_name(c) || continues_name(c))).unwrap_or(text.len());
    &text[..end]
}

fn begins_name(c: char) -> bool {
    matches!(c, ':' | '_' | 'A'..='Z' | 'a'..='z'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}'
        | '\u{37f}'..='\u{1fff}' | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

fn continues_name(c: char) -> bool {
    matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
}
