//! String formats as ajv-formats knows them, where they differ from the validator's own.

use std::sync::LazyLock;

use jsonschema::ValidationOptions;
use regex::Regex;

static TIME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(\d\d):(\d\d):(\d\d(?:\.\d+)?)(z|([+-])(\d\d)(?::?(\d\d))?)?$").ok());
static LABEL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$").ok());
static ATOM: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+$").ok());
static BASE64: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$").ok());
static UUID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?i)(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$").ok()
});
static DURATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))?|T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))$").ok()
});
static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?i)(?:https?|ftp)://(?:[^\s/?#@]+@)?([^\s/?#:@]+)(?::\d{2,5})?(?:[/?#]\S*)?$").ok()
});

/// Adds the formats.
pub fn register(options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    options
        .with_format("date-time", |text: &str| date_time(text, true))
        .with_format("iso-date-time", |text: &str| date_time(text, false))
        .with_format("time", |text: &str| time(text, true))
        .with_format("iso-time", |text: &str| time(text, false))
        .with_format("date", date)
        .with_format("email", email)
        .with_format("hostname", hostname)
        .with_format("url", url)
        .with_format("uuid", |text: &str| matches(&UUID, text))
        .with_format("duration", |text: &str| matches(&DURATION, text))
        .with_format("byte", |text: &str| matches(&BASE64, text))
        .with_format("float", |_: &str| true)
        .with_format("double", |_: &str| true)
        .with_format("password", |_: &str| true)
        .with_format("binary", |_: &str| true)
        .with_format("json-pointer-uri-fragment", |text: &str| text == "#" || text.starts_with("#/"))
}

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|regex| regex.is_match(text))
}

fn date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes.iter().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { *b == b'-' } else { b.is_ascii_digit() });
    let number = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<u32>().ok()).unwrap_or(0);
    if !shape {
        return false;
    }
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

/// `date-time` with a separator of `T` or one white space.
fn date_time(text: &str, zone_needed: bool) -> bool {
    let Some((day, rest)) = text.split_at_checked(10) else { return false };
    let clock = rest.strip_prefix(['T', 't']).or_else(|| rest.strip_prefix(char::is_whitespace));
    date(day) && clock.is_some_and(|clock| time(clock, zone_needed))
}

fn time(text: &str, zone_needed: bool) -> bool {
    let text = text.to_ascii_lowercase();
    let Some(parts) = TIME.as_ref().and_then(|regex| regex.captures(&text)) else { return false };
    let number = |i: usize| parts.get(i).and_then(|m| m.as_str().parse::<i32>().ok()).unwrap_or(0);
    let second = parts.get(3).and_then(|m| m.as_str().parse::<f64>().ok()).unwrap_or(99.0);
    let (hour, minute) = (number(1), number(2));
    let sign = if parts.get(5).is_some_and(|m| m.as_str() == "-") { -1 } else { 1 };
    let (zone_hour, zone_minute) = (number(6), number(7));
    if zone_hour > 23 || zone_minute > 59 || (zone_needed && parts.get(4).is_none()) {
        return false;
    }
    if hour <= 23 && minute <= 59 && second < 60.0 {
        return true;
    }
    // A leap second stands at the end of a day in UTC.
    let utc = (hour * 60 + minute - sign * (zone_hour * 60 + zone_minute)).rem_euclid(24 * 60);
    hour <= 23 && minute <= 59 && second < 61.0 && utc == 24 * 60 - 1
}

fn hostname(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    name.len() <= 253 && name.split('.').all(|label| matches(&LABEL, label))
}

fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    local.split('.').all(|atom| matches(&ATOM, atom))
        && domain.contains('.')
        && domain.split('.').all(|l| matches(&LABEL, l))
}

/// A web address with a host that ends in a word of letters.
fn url(text: &str) -> bool {
    let Some(host) = URL.as_ref().and_then(|regex| regex.captures(text)).and_then(|c| c.get(1)) else { return false };
    let is_number = |label: &str| label.parse::<u8>().is_ok();
    let labels: Vec<&str> = host.as_str().split('.').collect();
    if labels.len() == 4 && labels.iter().all(|l| is_number(l)) {
        return true;
    }
    let last = labels.last().copied().unwrap_or_default();
    labels.len() > 1
        && last.chars().count() >= 2
        && last.chars().all(char::is_alphabetic)
        && labels.iter().all(|l| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-'))
}
