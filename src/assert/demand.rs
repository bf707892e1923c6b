//! What an assertion asks of a suite: graders, variables, metrics.

use super::assertion::Assertion;
use super::panel::Panel;
use super::set::Set;
use super::value::Text;
use crate::judge::{Graders, Role};

impl Assertion {
    /// Whether it can make a cell fail: a weight of 0 only measures.
    pub fn counts(&self) -> bool {
        self.weight > 0.0 && self.check.can_fail() && self.check.as_set().is_none_or(Set::can_fail)
    }

    /// The metrics that it and its members count for; `None` stands for one whose name is a template.
    pub fn metrics(&self) -> Vec<Option<&str>> {
        self.each(&|assertion| {
            let own = assertion.metric.as_ref().map(|metric| match metric {
                Text::Fixed(name) => Some(name.as_str()),
                Text::Template(_) => None,
            });
            // A script may name scores of its own.
            own.into_iter().chain(assertion.check.names_scores().then_some(None)).collect()
        })
    }

    /// The graders that it and its members have of their own.
    pub fn graders(&self) -> Vec<Graders> {
        self.each(&|assertion| assertion.panel().map(|panel| panel.own).into_iter().collect())
    }

    /// How many of its verdicts, those of its members included, are a grader's.
    pub fn graded(&self) -> u64 {
        self.graders().len() as u64
    }

    /// The roles that it and its members need a grader for, and have none of their own.
    pub fn roles(&self) -> Vec<Role> {
        self.each(&|assertion| assertion.panel().map(Panel::open).unwrap_or_default())
    }

    /// The variables without which it or a member cannot judge a case.
    pub fn needs(&self) -> Vec<&'static str> {
        self.each(&|assertion| assertion.panel().map(|panel| panel.needs().to_vec()).unwrap_or_default())
    }

    /// The variables that it and its members read.
    pub fn reads(&self) -> Vec<&str> {
        self.each(&|assertion| assertion.reads.iter().map(String::as_str).collect())
    }

    fn panel(&self) -> Option<&Panel> {
        self.check.panel()
    }

    /// What it says, and then its members.
    fn each<'a, T>(&'a self, say: &dyn Fn(&'a Self) -> Vec<T>) -> Vec<T> {
        let members = self.check.as_set().map(Set::members_list).unwrap_or_default();
        let mut all = say(self);
        all.extend(members.iter().flat_map(|member| member.each(say)));
        all
    }
}
