//! `prompteval audit verify`.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::audit::{Checkpoint, Finding, Kind, PublicKey, Standing};
use crate::cli::args::TextOrJson;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::project::RegistryArgs;
use crate::cli::screen::{Ink, Screen, thousands};
use crate::cli::signing::public;
use crate::diag::io_reason;
use crate::env::Env;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct VerifyCommand {
    /// A file with checkpoints, such as a CI log that they were printed into; `-` for stdin (repeatable)
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// A public key that checkpoints may be signed with, or a file with it (repeatable)
    #[arg(long, value_name = "KEY", requires = "checkpoint")]
    key: Vec<String>,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn verify(command: &VerifyCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let opened = command.registry.existing(env, cwd, screen)?;
    let keys = command.key.iter().map(|word| public(word, cwd)).collect::<Result<Vec<PublicKey>, Failure>>()?;
    let mut checkpoints = Vec::new();
    for path in &command.checkpoint {
        checkpoints.extend(read(path, cwd)?);
    }
    let (trusted, forged) = sorted(checkpoints, &keys);
    let audit = opened.registry.audit(&trusted)?;
    let entries = audit.entries.len();
    let findings = &audit.findings;
    if entries == 0 && findings.is_empty() {
        let failure = Failure::new(ExitStatus::Nothing, "there is no log to verify");
        return Err(failure.hint("`prompteval prompt release` writes its first entry"));
    }
    if command.format == TextOrJson::Json {
        let all: Vec<_> =
            findings.iter().map(|f| json!({"kind": f.kind.word(), "line": f.line, "words": f.words})).collect();
        let head = audit.head.as_ref().map(|head| &head.hash);
        screen.json(&json!({"entries": entries, "head": head, "findings": all, "checkpoints": trusted.len(), "forged_checkpoints": forged.len()}));
    } else {
        tell(findings, &forged, screen);
        if forged.is_empty() || !findings.is_empty() {
            conclude(entries, findings, &trusted, &keys, screen);
        }
    }
    Ok(if findings.is_empty() && forged.is_empty() { ExitStatus::Success } else { ExitStatus::Altered })
}

fn read(path: &Path, cwd: &Path) -> Result<Vec<Checkpoint>, Failure> {
    let mut text = String::new();
    let shown = path.display();
    let done = match path.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(drop),
        _ => std::fs::read(cwd.join(path)).map(|bytes| text = String::from_utf8_lossy(&bytes).into_owned()),
    };
    done.map_err(|e| Failure::new(ExitStatus::Usage, format!("cannot read `{shown}`: {}", io_reason(&e))))?;
    let found = Checkpoint::all_in(&text);
    if found.is_empty() {
        let failure = Failure::new(ExitStatus::Usage, format!("there is no checkpoint in `{shown}`"));
        return Err(failure.hint("promote prints one, and --checkpoint FILE of promote keeps it"));
    }
    Ok(found)
}

/// Those that can be believed, and those whose signature is wrong.
fn sorted(all: Vec<Checkpoint>, keys: &[PublicKey]) -> (Vec<Checkpoint>, Vec<Checkpoint>) {
    all.into_iter().partition(|checkpoint| standing(checkpoint, keys) != Standing::Forged)
}

/// What a checkpoint's signature is worth to somebody who trusts these keys.
fn standing(checkpoint: &Checkpoint, keys: &[PublicKey]) -> Standing {
    let own = keys.iter().find(|key| checkpoint.key.as_deref() == Some(key.to_string().as_str()));
    checkpoint.standing(own.or(keys.first()))
}

fn tell(findings: &[Finding], forged: &[Checkpoint], screen: &Screen) {
    for finding in findings {
        let file = if finding.kind == Kind::Labels { "labels.yaml" } else { "audit.jsonl" };
        let place = finding.line.map(|line| format!("{file}:{line}: ")).unwrap_or_default();
        let word = screen.paint(Ink::Bad, finding.kind.word());
        screen.wrapped(&format!("{word}  "), "  ", &screen.line(&format!("{place}{}", finding.words), 500));
    }
    for checkpoint in forged {
        let word = screen.paint(Ink::Bad, "checkpoint");
        screen.out(&format!(
            "{word}  that of {} is not signed by a key that you gave, or was changed",
            screen.line(&checkpoint.time, 40)
        ));
    }
}

/// What the result is worth.
fn conclude(entries: usize, findings: &[Finding], trusted: &[Checkpoint], keys: &[PublicKey], screen: &Screen) {
    let count = thousands(entries as u64);
    if findings.is_empty() && screen.quiet {
        return;
    }
    if findings.iter().all(|finding| finding.kind == Kind::Labels) && !findings.is_empty() {
        screen.out(&format!("the log of {count} entries holds, and the labels are not what it tells"));
        if !screen.quiet {
            screen.err("hint: `prompteval audit repair` writes the labels that the log tells; `git log -p` says who edited them");
        }
        return;
    }
    if !findings.is_empty() {
        screen.out("the log does not hold");
        if findings.iter().any(|finding| finding.kind == Kind::Forked) && !screen.quiet {
            screen
                .err("hint: after a merge of two branches, `prompteval audit rebase` puts one chain behind the other");
        }
        if findings.iter().any(|finding| finding.kind == Kind::Torn) && !screen.quiet {
            screen.err("hint: after a crash, `prompteval audit repair` takes the torn line out and keeps it");
        }
        return;
    }
    let latest = trusted.iter().max_by_key(|checkpoint| checkpoint.size);
    let Some(latest) = latest else {
        screen.out(&format!(
            "{}: {count} entries, each as it was chained, and the labels are what they say",
            screen.paint(Ink::Good, "the log holds")
        ));
        if !screen.quiet {
            screen.err("without a --checkpoint a cut tail or a rewritten log cannot be seen");
        }
        return;
    };
    let signed = match standing(latest, keys) {
        Standing::Trusted => "signed by a key you gave".to_owned(),
        Standing::Signed(key) => format!("signed by {key}, which nobody vouched for: give --key"),
        Standing::Unsigned | Standing::Forged => "not signed".to_owned(),
    };
    let words = format!(
        "{}: {count} entries, the first {} as in the checkpoint of {}, {signed}; the labels are what they say",
        screen.paint(Ink::Good, "the log holds"),
        thousands(latest.size),
        latest.time
    );
    screen.wrapped("", "", &words);
}
