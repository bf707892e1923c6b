//! The graders of a config.

use std::sync::{Arc, Mutex};

use super::targets::Reader;
use super::{Options, Settings};
use crate::assert::{Assertion, Pick};
use crate::content::{ContentId, Digest};
use crate::diag::{Folder, Problem, Problems, Source};
use crate::env::Env;
use crate::judge::{Grader, Graders, Role};
use crate::plan::Target;
use crate::script::Home;
use crate::yaml::{Kind, Node};

/// Who is asked where nobody is named and a key for them is there.
const DEFAULTS: [(Role, &str); 3] = [
    (Role::Text, "openai:chat:gpt-4.1-mini"),
    (Role::Embedding, "openai:embedding:text-embedding-3-large"),
    (Role::Moderation, "openai:moderation:omni-moderation-latest"),
];

/// Knows all graders that a config names; each is one, however often it is named.
pub(super) struct Jury {
    pub(super) base: Folder,
    pub(super) home: Home,
    pub(super) env: Env,
    pub(super) settings: Settings,
    pub(super) options: Options,
    /// The `--grader`, or `commandLineOptions.grader`.
    pub(super) grader: Option<Node>,
    /// The providers of the config: a name of one of them means it.
    pub(super) targets: Vec<Arc<Target>>,
    pub(super) seats: Mutex<Vec<Seat>>,
}

/// A grader, and what the config calls it.
pub(super) struct Seat {
    word: String,
    /// Nothing where it could not be made: the problem was told.
    target: Option<Arc<Target>>,
}

impl Jury {
    /// The graders, in the order of their numbers.
    pub(super) fn graders(&self) -> Vec<Arc<Target>> {
        let Ok(seats) = self.seats.lock() else { return Vec::new() };
        seats.iter().filter_map(|seat| seat.target.clone()).collect()
    }

    fn seat(&self, node: &Node, problems: &mut Problems) -> Option<(Grader, Arc<Target>)> {
        let word = node.to_json().to_string();
        let mut seats = self.seats.lock().ok()?;
        if !seats.iter().any(|seat| seat.word == word) {
            let target = self.known(node).or_else(|| self.build(node, problems));
            seats.push(Seat { word: word.clone(), target });
        }
        let seated = seats.iter().filter(|seat| seat.target.is_some());
        let (place, seat) = seated.enumerate().find(|(_, seat)| seat.word == word)?;
        Some((Grader(place), Arc::clone(seat.target.as_ref()?)))
    }

    fn known(&self, node: &Node) -> Option<Arc<Target>> {
        let name = node.as_str()?;
        self.targets.iter().find(|target| target.answers_to(name)).cloned()
    }

    fn build(&self, node: &Node, problems: &mut Problems) -> Option<Arc<Target>> {
        let reader = Reader {
            base: &self.base,
            home: &self.home,
            env: &self.env,
            settings: &self.settings,
            options: &self.options,
        };
        let mut built = Vec::new();
        reader.entry(node, &mut built, problems);
        built.pop().map(Arc::new)
    }

    /// One provider for all roles that it can fill.
    fn fill(&self, node: &Node, roles: &[Role], graders: &mut Graders, problems: &mut Problems) -> Option<()> {
        let (grader, target) = self.seat(node, problems)?;
        let able = abilities(&target.id);
        let able: Vec<&Role> = roles.iter().filter(|role| able.contains(role)).collect();
        if able.is_empty() {
            let wanted = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" and ");
            let message = format!("`{}` cannot grade this: it is no provider of {wanted}", target.id);
            problems.push(
                Problem::error(message)
                    .at(&node.span)
                    .hint("name one for each role: `provider: {text: …, embedding: …}`"),
            );
            return None;
        }
        for role in able {
            graders.set(*role, grader);
        }
        Some(())
    }

    /// Sees to it that every role which the assertions need is filled, and says what they are graded with.
    pub(super) fn complete<'a>(
        &self,
        graders: &mut Graders,
        assertions: impl Iterator<Item = &'a Assertion>,
        problems: &mut Problems,
    ) -> Option<Digest> {
        let mut needed: Vec<Role> = Vec::new();
        let mut own: Vec<Grader> = Vec::new();
        for assertion in assertions {
            let named = assertion.graders();
            own.extend(named.iter().flat_map(|graders| Role::ALL.into_iter().filter_map(|role| graders.get(role))));
            for role in assertion.roles() {
                if graders.get(role).is_none() {
                    self.default(role, assertion, graders, problems);
                }
                if !needed.contains(&role) {
                    needed.push(role);
                }
            }
        }
        let all = self.graders();
        let seated = needed.iter().filter_map(|role| graders.get(*role)).chain(own.iter().copied());
        let identities = seated.filter_map(|grader| all.get(grader.0)).map(|target| &*target.identity);
        let id = identities.fold(ContentId::of("graders"), ContentId::with);
        (!(needed.is_empty() && own.is_empty())).then(|| id.digest())
    }

    fn default(&self, role: Role, assertion: &Assertion, graders: &mut Graders, problems: &mut Problems) {
        if let Some(node) = &self.grader {
            self.fill(node, &[role], graders, problems);
        }
        if graders.get(role).is_some() {
            return;
        }
        let id = DEFAULTS.iter().find(|(known, _)| *known == role).map(|(_, id)| *id);
        let has_key = self.options.offline || self.env.get("OPENAI_API_KEY").is_some();
        if let Some(id) = id.filter(|_| has_key) {
            let node = Node { span: Source::new("<default grader>", id).span(), kind: Kind::Str(id.to_owned()) };
            self.fill(&node, &[role], graders, problems);
            return;
        }
        // One that is named and could not be made has its problem already.
        if self.seats.lock().is_ok_and(|seats| seats.iter().any(|seat| seat.target.is_none())) {
            return;
        }
        let message =
            format!("`{}` at {} needs a grader, and none is configured", assertion.name(), assertion.location());
        let example = match role {
            Role::Text => "`provider: openai:gpt-4.1-mini`",
            Role::Embedding => "`provider: {embedding: openai:embedding:text-embedding-3-small}`",
            Role::Classification => "`provider: {classification: huggingface:text-classification:MODEL}`",
            Role::Moderation => "`provider: {moderation: openai:moderation:omni-moderation-latest}`",
        };
        let or_key = if id.is_some() { ", use --grader, or set OPENAI_API_KEY" } else { "" };
        let hint = format!("write {example} under `defaultTest.options`{or_key}");
        problems.push(Problem::error(message).hint(hint));
    }
}

/// The roles that a provider can fill, by what its id says it is.
fn abilities(id: &str) -> &'static [Role] {
    let part = |word: &str| id.split(':').any(|part| part == word);
    match () {
        () if part("embedding") || part("embeddings") || part("feature-extraction") => &[Role::Embedding],
        () if part("moderation") => &[Role::Moderation],
        () if part("text-classification") => &[Role::Classification],
        () if part("mock") => &Role::ALL,
        () => &[Role::Text],
    }
}

impl Pick for Jury {
    fn pick(&self, node: &Node, roles: &[Role], problems: &mut Problems) -> Option<Graders> {
        let mut graders = Graders::default();
        let by_role = |key: &str| Role::ALL.iter().copied().find(|role| role.name() == key);
        let is_map_of_roles = node.is_map() && node.entries().iter().any(|entry| by_role(&entry.key).is_some());
        if !is_map_of_roles {
            self.fill(node, roles, &mut graders, problems)?;
            return Some(graders);
        }
        for entry in node.entries() {
            let Some(role) = by_role(&entry.key) else {
                let hint = "roles are text, embedding, classification, moderation";
                problems
                    .push(Problem::error(format!("`{}` is no role of a grader", entry.key)).at(&entry.at).hint(hint));
                continue;
            };
            if let Some((grader, _)) = self.seat(&entry.value, problems) {
                graders.set(role, grader);
            }
        }
        Some(graders)
    }
}
