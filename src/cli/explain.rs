//! `prompteval explain`.

use super::exit::{ExitStatus, Failure};
use super::screen::{Ink, Screen};
use crate::assert;
use crate::diag::did_you_mean;
use crate::provider::KINDS as PROVIDERS;
use crate::report::FORMATS;
use crate::suite::PROVIDER;
use crate::yaml::Use;

pub(super) fn explain(name: Option<&str>, markdown: bool, screen: &Screen) -> Result<ExitStatus, Failure> {
    if markdown {
        screen.out(assert::reference().trim_end());
        return Ok(ExitStatus::Success);
    }
    let Some(name) = name else {
        list(screen);
        return Ok(ExitStatus::Success);
    };
    let wanted = name.strip_prefix("not-").unwrap_or(name);
    if let Some(kind) = assert::find(wanted) {
        assertion(kind, screen);
    } else if let Some(kind) = PROVIDERS.iter().find(|k| k.is_called(wanted)) {
        provider(kind, screen);
    } else if let Some(format) = FORMATS.iter().find(|f| f.name == wanted) {
        let endings = format.endings.join(", ");
        screen.out(&format!(
            "{}  (report format)\n  {}\n  files: {endings}",
            screen.paint(Ink::Strong, format.name),
            format.about
        ));
    } else if assert::is_lacking(wanted) {
        screen.out(&format!("{wanted}  (assertion)\n  promptfoo has it; this version has not"));
    } else {
        let hint = did_you_mean(wanted, names()).unwrap_or_else(|| "`prompteval explain` lists all names".into());
        return Err(Failure::new(ExitStatus::Usage, format!("nothing is called `{name}`")).hint(hint));
    }
    Ok(ExitStatus::Success)
}

fn names() -> impl Iterator<Item = &'static str> {
    assert::kinds().map(|k| k.name).chain(PROVIDERS.iter().map(|k| k.name)).chain(FORMATS.iter().map(|f| f.name))
}

fn list(screen: &Screen) {
    let section = |title: &str, rows: &mut dyn Iterator<Item = (&'static str, &'static str)>| {
        screen.out(&screen.paint(Ink::Strong, title));
        let rows: Vec<_> = rows.collect();
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, about) in rows {
            screen.out(&format!("  {name:<width$} {about}"));
        }
        screen.out("");
    };
    let plain: Vec<_> = assert::kinds().filter(|kind| !kind.negatable).map(|kind| kind.name).collect();
    section(
        &format!("assertions (also as not-…, but for {})", plain.join(", ")),
        &mut assert::kinds().map(|k| (k.name, k.about)),
    );
    section("providers", &mut PROVIDERS.iter().map(|k| (k.name, k.about)));
    section("report formats", &mut FORMATS.iter().map(|f| (f.name, f.about)));
    screen.out("prompteval explain NAME says more");
}

fn assertion(kind: &assert::Kind, screen: &Screen) {
    screen.out(&format!("{}  (assertion)\n  {}", screen.paint(Ink::Strong, kind.name), kind.about));
    let line = |what: &str, text: &str| {
        if !text.is_empty() {
            screen.out(&format!("  {} {text}", screen.paint(Ink::Dim, &format!("{what:<10}"))));
        }
    };
    line("value", kind.value);
    line("threshold", kind.threshold);
    if let Some(threshold) = kind.default_threshold {
        line("default", &format!("threshold {threshold}"));
    }
    line("score", kind.score);
    line("negation", if kind.negatable { "put not- before it" } else { "none" });
    for (word, example) in [("passes", &kind.passes), ("fails", &kind.fails)] {
        screen.out("");
        let answer = if example.response.is_empty() { example.output } else { example.response };
        line(word, &format!("- {}", example.assertion));
        line("answer", answer);
        if !example.grader.is_empty() {
            line("grader", example.grader);
        }
    }
}

fn provider(kind: &crate::provider::Kind, screen: &Screen) {
    screen.out(&format!("{}  (provider)\n  {}", screen.paint(Ink::Strong, kind.name), kind.about));
    let keys: Vec<_> = kind.config.keys.iter().filter(|k| k.usage == Use::Read).collect();
    if !keys.is_empty() {
        screen.out("\n  config:");
        for key in keys {
            screen.out(&format!("    {:<22} {}", key.name, key.about));
        }
    }
    let beside: Vec<_> = PROVIDER.keys.iter().filter(|k| k.usage == Use::Read && k.name != "config").collect();
    screen.out("\n  beside config:");
    for key in beside {
        screen.out(&format!("    {:<22} {}", key.name, key.about));
    }
    for example in kind.examples {
        screen.out(&format!("\n{}", example.lines().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")));
    }
}
