//! Reading: from config files to a plan in which nothing can fail for a reason the files showed.
//!
//! Order of work: find → parse → merge → fill in `env` → check keys and shapes → prompts → providers
//! → tests (with defaults, files, variables, assertions) → plan. All problems are collected; nothing
//! is requested while there is an error among them.

mod believe;
mod build;
mod case_options;
mod csv_rows;
mod dataset;
mod defaults;
mod derived;
mod environment;
mod filter;
mod gate;
mod graders;
mod keys;
mod locate;
mod merge;
mod rows;
mod settings;
mod targets;
mod vars;

pub use filter::{Failing, Filter};
pub use gate::{Gate, GateOptions};
pub use keys::{PROVIDER, SUITE};
pub use locate::{NAMES, registry};
pub use settings::CacheSettings;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::assert::Setup;
use crate::diag::{Folder, Problem, Problems, Source};
use crate::env::Env;
use crate::plan::{Plan, Target};
use crate::prompts::{Prompt, Sources};
use crate::script::{Home, WorkerEnv};
use crate::stats::gate::Policy;
use crate::transport::Caps;
use crate::yaml::{Kind, Node, Shape, check, include};
use graders::Jury;
use settings::Settings;

/// What the command line says about the config.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Config files; empty means: look for one.
    pub configs: Vec<PathBuf>,
    /// The working folder.
    pub cwd: PathBuf,
    /// Unknown keys are warnings.
    pub lenient: bool,
    /// `--description`.
    pub description: Option<String>,
    /// `--repeat`.
    pub repeat: Option<u32>,
    /// `--max-concurrency`.
    pub width: Option<usize>,
    /// `--var name=value`.
    pub vars: Vec<(String, String)>,
    /// Which cells to take.
    pub filter: Filter,
    /// What the run may cost, where the command line says so.
    pub caps: Caps,
    /// Nothing will be sent, so no key is needed.
    pub offline: bool,
    /// The grader where the config names none: `--grader`.
    pub grader: Option<String>,
    /// What it says of the gate.
    pub gate: GateOptions,
}

/// A config, believed.
pub struct Suite {
    /// What to do.
    pub plan: Arc<Plan>,
    /// What was strange but can be run.
    pub warnings: Problems,
    /// `outputPath` of the config.
    pub outputs: Vec<String>,
    /// The real paths of the files that the suite was read from.
    pub inputs: BTreeSet<PathBuf>,
    /// `evaluateOptions.showProgressBar`.
    pub progress: bool,
    /// What the run may cost.
    pub caps: Caps,
    /// Whether and how long answers are kept.
    pub cache: CacheSettings,
    /// The rules by which a candidate may ship.
    pub gate: Option<Gate>,
    /// The folder of the prompt registry.
    pub registry: PathBuf,
    /// The environment with `.env` and the config's `env` over it.
    pub env: Env,
}

/// Loads the config files.
///
/// # Errors
/// All problems, when one of them is an error.
pub fn load(options: &Options, env: &Env) -> Result<Suite, Problems> {
    let mut problems = Problems::new();
    let result = Loader { options, problems: &mut problems }.load(env);
    match result {
        Some(suite) if !problems.has_errors() => Ok(Suite { warnings: problems, ..suite }),
        _ => Err(problems),
    }
}

struct Loader<'a> {
    options: &'a Options,
    problems: &'a mut Problems,
}

impl Loader<'_> {
    /// The folder of the prompts: what the config says, else the project's file, else `prompts`.
    fn registry(&mut self, root: &Node, base: &Folder) -> Option<PathBuf> {
        if let Some(folder) = root.get("registry").and_then(Node::as_str) {
            return Some(base.path().join(folder));
        }
        let named = locate::of_project(&self.options.cwd).map_err(|problem| self.problems.push(problem)).ok()?;
        Some(named.unwrap_or_else(|| base.path().join(locate::REGISTRY)))
    }

    fn load(&mut self, env: &Env) -> Option<Suite> {
        let files = locate::find(&self.options.configs, &self.options.cwd).map_err(|p| self.problems.push(p)).ok()?;
        let first = files.first()?;
        let base = first.folder();
        let config_path: Arc<str> = first.shown.as_str().into();
        let mut root = merge::merge(self.roots(&files, &base)?);
        environment::learn_secrets(&root, env);
        let config = root.to_json();
        let env = environment::of(&root, env, self.problems);
        environment::fill(&mut root, &env, self.problems);
        check(&root, &Shape::Object(&SUITE), "the config", self.options.lenient, self.problems);
        let settings = Settings::read(&root, self.options);
        let registry = self.registry(&root, &base)?;
        let sources = Sources { base: base.clone(), registry: registry.clone() };
        let filter = &self.options.filter;
        let all_prompts = self.prompts(&root, &sources);
        let home = Home::new(&base, WorkerEnv::new(env.clone(), base.path()));
        let reader =
            targets::Reader { base: &base, home: &home, env: &env, settings: &settings, options: self.options };
        let all_targets = reader.load(&root, self.problems);
        let jury = Arc::new(self.jury(&root, (&base, &home), &env, &settings, &all_targets));
        let setup = Setup { base: &base, lenient: self.options.lenient, graders: &*jury, home: &home };
        let defaults = defaults::read(&root, &setup, self.options, self.problems);
        let builder = self.builder(&base, defaults, &jury);
        let prompts: Vec<_> = all_prompts.iter().filter(|p| filter.takes_prompt(p)).cloned().collect();
        let targets: Vec<_> = all_targets.iter().filter(|t| filter.takes_target(t)).cloned().collect();
        settings::check_caps(settings.caps, &targets, self.problems);
        let dataset = dataset::load(&root, builder, &env, filter, self.problems);
        let mut plan = Plan {
            description: settings.description.map(Into::into),
            repeat: settings.repeat,
            environment: Arc::new(environment::for_prompts(&env)),
            config: Arc::new(config),
            config_path,
            scripts: Some(home.clone()),
            ..Plan::of(prompts, targets)
        };
        let gate = gate::read(&root, &base, self.options, self.problems);
        let wanted = gate.as_ref().map(|gate| gate.policy.must_pass.clone()).unwrap_or_default();
        let checks = believe::Checks::new(&mut plan, all_prompts, all_targets, wanted);
        plan.cases = Arc::new(dataset.believe(checks, &mut plan, self.problems));
        plan.graders = jury.graders();
        home.believe(self.problems);
        derived::believe(&root, &plan, self.problems);
        settings::check_caps(settings.caps, &plan.graders, self.problems);
        if let Some(gate) = &gate {
            gate::believe(gate, &plan, filter, self.problems);
        }
        Some(Suite {
            plan: Arc::new(plan),
            warnings: Problems::new(),
            outputs: settings.outputs,
            inputs: base.named().into_iter().chain(files.iter().filter_map(|f| f.path.canonicalize().ok())).collect(),
            progress: settings.progress,
            caps: settings.caps,
            cache: settings.cache,
            gate,
            registry,
            env,
        })
    }

    fn jury(
        &self,
        root: &Node,
        (base, home): (&Folder, &Home),
        env: &Env,
        settings: &Settings,
        targets: &[Arc<Target>],
    ) -> Jury {
        let of_config = root.get("commandLineOptions").and_then(|options| options.get("grader")).cloned();
        let of_line = self.options.grader.as_ref().map(|word| {
            let span = Source::new("--grader", word.as_str()).span();
            Node { span, kind: Kind::Str(word.clone()) }
        });
        Jury {
            base: base.clone(),
            home: home.clone(),
            env: env.clone(),
            settings: settings.clone(),
            options: self.options.clone(),
            grader: of_line.or(of_config),
            targets: targets.to_vec(),
            seats: Mutex::default(),
        }
    }

    fn builder(&self, base: &Folder, defaults: defaults::Defaults, jury: &Arc<Jury>) -> build::Builder {
        build::Builder {
            base: base.clone(),
            defaults,
            lenient: self.options.lenient,
            jury: Arc::clone(jury),
            repeat_is_given: self.options.repeat.is_some(),
        }
    }

    /// The parsed config files, each with its `defaultTest` read in, so that they can be merged.
    fn roots(&mut self, files: &[locate::Found], base: &Folder) -> Option<Vec<Node>> {
        let mut roots = Vec::new();
        for file in files {
            let root = locate::read(file).and_then(|mut root| {
                if let Some(entry) = root.entry_mut("defaultTest").filter(|e| e.value.as_str().is_some()) {
                    entry.value = include(&entry.value, base)?;
                }
                Ok(root)
            });
            match root {
                Ok(root) => roots.push(root),
                Err(problem) => self.problems.push(problem),
            }
        }
        (roots.len() == files.len()).then_some(roots)
    }

    fn prompts(&mut self, root: &Node, sources: &Sources) -> Vec<Arc<Prompt>> {
        let all = match root.get("prompts") {
            Some(node) => {
                if node.one_or_many().is_empty() {
                    self.problems.push(Problem::error("`prompts` is empty").at(&node.span));
                }
                crate::prompts::load(node, sources, self.options.lenient, self.problems)
            }
            None => self.pass_through(root, sources),
        };
        for prompt in &all {
            crate::provider::check_parameters(&prompt.parameters, &prompt.at, self.options.lenient, self.problems);
        }
        all.into_iter().map(Arc::new).collect()
    }

    /// Without prompts the variable `prompt` is the prompt.
    fn pass_through(&mut self, root: &Node, sources: &Sources) -> Vec<Prompt> {
        self.problems.push(
            Problem::warning("the config has no `prompts`: the variable `prompt` of each test is used")
                .at(&root.span.source().at(0..0)),
        );
        let source = crate::diag::Source::new("<default prompt>", "'{{prompt}}'");
        crate::yaml::parse(&source)
            .map(|node| crate::prompts::load(&node, sources, true, self.problems))
            .unwrap_or_default()
    }
}

/// The rules of the policy file that the options name.
///
/// # Errors
/// When it cannot be read or believed.
pub fn policy_of(options: &Options) -> Result<Policy, Problems> {
    let mut problems = Problems::new();
    let root = crate::yaml::Node { span: Source::new("<none>", "").span(), kind: crate::yaml::Kind::Map(Vec::new()) };
    let base = Folder::new(options.cwd.clone(), PathBuf::new());
    match gate::read(&root, &base, options, &mut problems) {
        Some(gate) if !problems.has_errors() => Ok(gate.policy),
        _ => Err(problems),
    }
}

/// The JSON Schema of the config.
pub fn schema() -> Value {
    crate::yaml::json_schema(&SUITE, "prompteval config")
}
