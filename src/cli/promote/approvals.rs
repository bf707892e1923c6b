//! Who agrees.

use super::{Missing, Promotion, Wanted};
use crate::audit::same_person;

/// What is missing of the people who have to agree.
pub(super) fn missing(promotion: &Promotion<'_>, wanted: &[Wanted]) -> Option<Missing> {
    let policy = &promotion.policy;
    let mut counted: Vec<&str> = Vec::new();
    let mut left_out = Vec::new();
    for name in promotion.command.approvers() {
        if counted.iter().any(|other| same_person(other, name)) {
            continue;
        }
        match own(name, promotion, wanted).filter(|_| !policy.self_approval) {
            Some(why) => left_out.push(format!("{name} {why}")),
            None => counted.push(name),
        }
    }
    let short = policy.approvers.saturating_sub(counted.len());
    if short == 0 {
        return None;
    }
    let people = |n: usize| if n == 1 { "1 approver".to_owned() } else { format!("{n} approvers") };
    let except = if left_out.is_empty() { String::new() } else { format!(" ({})", left_out.join(", ")) };
    let what = format!(
        "{} asks for {}, and has {}{except}",
        promotion.command.how.to,
        people(policy.approvers),
        counted.len()
    );
    Some(Missing::new(what).remedy("add --approver NAME for everybody who agrees"))
}

/// Why an approver does not count.
fn own(name: &str, promotion: &Promotion<'_>, wanted: &[Wanted]) -> Option<&'static str> {
    if wanted.iter().any(|wanted| same_person(&wanted.frozen.release.author, name)) {
        return Some("wrote it");
    }
    let actor = &promotion.who.actor;
    let names = [actor.git_author.as_deref(), actor.os_user.as_deref(), Some(actor.name())];
    if names.into_iter().flatten().any(|own| same_person(own, name)) {
        return Some("promotes it");
    }
    let released = |wanted: &Wanted| wanted.frozen.released_by.iter().any(|own| same_person(own, name));
    wanted.iter().any(released).then_some("released it")
}
