//! Who grades an assertion, and what is read there.

use super::kind::{Spec, Subject};
use crate::diag::Problems;
use crate::judge::{BuiltIn, Grader, Graders, Judge, Role, Rubric};

/// What a rubric may read beside the variables of the case.
pub const PUT_IN: [&str; 9] =
    ["output", "rubric", "input", "ideal", "completion", "criteria", "outputs", "query", "context"];

/// Who is asked, where the assertion says it, and what is read there.
pub struct Panel {
    /// The graders of its `provider`.
    pub own: Graders,
    /// What it needs graders for.
    pub roles: Vec<Role>,
    rubric: Option<Rubric>,
    /// The variables that every case must have.
    needs: Vec<&'static str>,
}

impl Panel {
    /// A panel that reads our words.
    pub fn new(own: Graders, roles: Vec<Role>) -> Self {
        Self { own, roles, rubric: None, needs: Vec::new() }
    }

    /// The assertion's `provider` and `rubricPrompt`.
    pub fn of(spec: &Spec<'_>, roles: &[Role], problems: &mut Problems) -> Option<Self> {
        let own = match spec.node.get("provider") {
            Some(node) => spec.setup.graders.pick(node, roles, problems)?,
            None => Graders::default(),
        };
        let rubric = match spec.rubric(problems) {
            Some(node) => {
                let rubric = Rubric::read(&node).map_err(|problem| problems.push(problem)).ok()?;
                rubric.warn_if_blind(&node, problems);
                Some(rubric)
            }
            None => None,
        };
        Some(Self { own, roles: roles.to_vec(), rubric, needs: Vec::new() })
    }

    /// With variables that every case must have.
    pub fn needing(self, needs: Vec<&'static str>) -> Self {
        Self { needs, ..self }
    }

    /// The variables that every case must have.
    pub fn needs(&self) -> &[&'static str] {
        &self.needs
    }

    /// The variables that its rubric reads, but for those that are put in.
    pub fn reads(&self) -> Vec<String> {
        let names = self.rubric.as_ref().map(Rubric::names).unwrap_or_default();
        names.into_iter().filter(|name| !PUT_IN.contains(&name.as_str())).collect()
    }

    /// The roles that somebody else must fill.
    pub fn open(&self) -> Vec<Role> {
        self.roles.iter().copied().filter(|role| self.own.get(*role).is_none()).collect()
    }

    /// The grader for a role, and the way to it.
    pub fn seat<'a>(&self, subject: &Subject<'a>, role: Role) -> Result<(&'a dyn Judge, Grader), String> {
        let missing = || format!("no grader is configured for this ({})", role.name());
        let asked = subject.asked.ok_or_else(missing)?;
        let grader = self.own.over(asked.grading.graders).get(role).ok_or_else(missing)?;
        asked.judge.map(|judge| (judge, grader)).ok_or_else(missing)
    }

    /// The rubric: the assertion's, the test's, or ours.
    pub fn rubric<'a>(&'a self, subject: &Subject<'a>, ours: BuiltIn) -> &'a Rubric {
        let of_test = subject.asked.and_then(|asked| asked.grading.rubric.as_deref());
        self.rubric.as_ref().or(of_test).unwrap_or_else(|| ours.rubric())
    }

    /// Whether the assertion's own words read a variable.
    pub fn rubric_reads(&self, name: &str) -> bool {
        self.rubric.as_ref().is_some_and(|rubric| rubric.names().iter().any(|known| known == name))
    }

    /// Whether the assertion has words of its own.
    pub fn has_rubric(&self) -> bool {
        self.rubric.is_some()
    }

    /// Whether the grader reads the user's words.
    pub fn is_custom(&self, subject: &Subject<'_>) -> bool {
        self.rubric.is_some() || subject.asked.is_some_and(|asked| asked.grading.rubric.is_some())
    }
}
