//! A kind that asks a server of the user's: `webhook`.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::assert::kind::{Asking, Check, Example, Finding, Kind, Spec, Subject, Turned};
use crate::assert::prepared::Prepared;
use crate::assert::show::{self, Quoted};
use crate::assert::value::Text;
use crate::diag::Problems;
use crate::record::Output;

/// The family's rows.
pub static KINDS: &[Kind] = &[Kind {
    name: "webhook",
    about: "the server at the URL, which is posted `{output, context: {prompt, vars}}`, replies `{pass: true}`, perhaps \
            with `score` and `reason`, within 5 seconds (WEBHOOK_TIMEOUT, in milliseconds)",
    value: "a URL that begins with http:// or https://",
    threshold: "",
    score: "the reply's, or else 1 or 0; 1 minus that with `not-`",
    default_threshold: None,
    negatable: true,
    passes: Example::with("{\"webhook\": {\"pass\": true}}", "{type: webhook, value: 'http://127.0.0.1:8080/check'}"),
    fails: Example::with(
        "{\"webhook\": {\"pass\": false, \"score\": 0.25, \"reason\": \"too long\"}}",
        "{type: webhook, value: 'http://127.0.0.1:8080/check'}",
    ),
    compile,
}];

/// Where a webhook is.
struct Address {
    url: String,
    /// The same without login and query, which may be secrets.
    shown: String,
}

struct Webhook {
    address: Prepared<Address>,
    shown: String,
    negated: bool,
}

fn compile(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let text = Text::of_value_not_empty(spec, false, problems)?;
    let shown = open_part(spec.value?.as_str()?);
    let address = Prepared::new(text, Address::read, spec, problems)?;
    Some(Box::new(Webhook { address, shown, negated: spec.negated }))
}

impl Address {
    fn read(text: &str) -> Result<Self, String> {
        let url = text.trim();
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let known = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        if !known || rest.is_empty() {
            return Err("the address of a webhook must begin with http:// or https://".into());
        }
        Ok(Self { url: url.to_owned(), shown: open_part(url) })
    }
}

/// An address without login, query and fragment.
fn open_part(url: &str) -> String {
    let url = url.trim();
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (scheme, rest) = url[..end].split_once("://").unwrap_or(("", &url[..end]));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let separator = if scheme.is_empty() { "" } else { "://" };
    show::line(&format!("{scheme}{separator}{host}{path}"))
}

/// What the server is asked.
#[derive(Serialize)]
struct Question<'a> {
    output: &'a Output,
    context: Context<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    prompt: &'a str,
    vars: &'a Map<String, Value>,
}

impl Question<'_> {
    fn of(subject: &Subject<'_>) -> Result<String, String> {
        let (prompt, vars) = match subject.asked {
            Some(asked) => (asked.prompt, &*asked.case.vars),
            None => ("", subject.scope.vars()),
        };
        let question = Question { output: &subject.response.output, context: Context { prompt, vars } };
        serde_json::to_string(&question)
            .map_err(|error| format!("the question for the webhook cannot be made: {error}"))
    }
}

impl Check for Webhook {
    fn ask<'a>(&'a self, subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        Some(Box::pin(async move {
            let address = self.address.get(subject.scope)?;
            let (Address { url, shown }, _) = address.parts();
            let post = subject.asked.and_then(|asked| asked.post);
            let post = post.ok_or("nothing is sent from here, so the webhook was not asked")?;
            let reply = post.post(url, shown, Question::of(subject)?).await?;
            Ok(self.finding(&reply, shown)?.expecting(Some(shown.clone())))
        }))
    }

    fn shown(&self) -> Option<String> {
        Some(self.shown.clone())
    }
}

impl Webhook {
    fn finding(&self, reply: &Value, shown: &str) -> Result<Finding, String> {
        let strange = |what: &str| {
            let reply = Quoted(&reply.to_string()).to_string();
            format!("the webhook {shown} must reply with {what}, and it replied {reply}")
        };
        let pass = reply.get("pass").and_then(Value::as_bool).ok_or_else(|| strange("`pass`, true or false"))?;
        let score = match reply.get("score").unwrap_or(&Value::Null) {
            Value::Null => f64::from(u8::from(pass)),
            score => score.as_f64().ok_or_else(|| strange("a number as `score`"))?,
        };
        let said = reply.get("reason").and_then(Value::as_str).filter(|reason| !reason.trim().is_empty());
        let reason = said.map_or_else(|| format!("the webhook says pass: {pass}, score: {score}"), show::reason);
        let score = if self.negated { 1.0 - score } else { score };
        Ok(Finding { turned: Turned::Kept, ..Finding::scored(pass, score, reason) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_open_part_of_an_address_is_shown() {
        for (url, expected) in [
            ("https://me:pw@h:8/a/b?token=x#y", "https://h:8/a/b"),
            (" http://h ", "http://h"),
            ("http://h?x=/@", "http://h"),
            ("http://h/@a", "http://h/@a"),
            ("https://a:b@c@h/", "https://h/"),
            ("{{base}}/hook?key={{key}}", "{{base}}/hook"),
        ] {
            assert_eq!(open_part(url), expected);
        }
    }

    #[test]
    fn addresses_are_of_the_web() {
        for (url, good) in [("HTTPS://h", true), ("http://", false), ("ftp://h", false), ("h/x", false), ("", false)] {
            assert_eq!(Address::read(url).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn a_reply_says_pass_and_perhaps_more() {
        let webhook = |negated| {
            let address = Prepared::Ready(Address::read("http://h/").unwrap());
            Webhook { address, shown: String::new(), negated }
        };
        for (reply, negated, expected) in [
            (json!({"pass": true}), false, "true 1 the webhook says pass: true, score: 1"),
            (json!({"pass": true, "score": null, "reason": "fine"}), false, "true 1 fine"),
            (
                json!({"pass": false, "score": 0.25, "reason": " "}),
                true,
                "false 0.75 the webhook says pass: false, score: 0.25",
            ),
            (
                json!({"pass": "yes"}),
                false,
                r#"the webhook http://h/ must reply with `pass`, true or false, and it replied "{"pass":"yes"}""#,
            ),
            (json!([]), true, r#"the webhook http://h/ must reply with `pass`, true or false, and it replied "[]""#),
            (
                json!({"pass": true, "score": "1"}),
                false,
                r#"the webhook http://h/ must reply with a number as `score`, and it replied "{"pass":true,"score":"1"}""#,
            ),
        ] {
            let found = webhook(negated).finding(&reply, "http://h/");
            let said = found.map_or_else(|error| error, |f| format!("{} {} {}", f.pass, f.score, f.reason));
            assert_eq!(said, expected, "{reply}");
        }
    }
}
