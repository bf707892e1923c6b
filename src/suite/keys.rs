//! The keys of a config. These tables make the errors, the hints and the JSON Schema.

use super::gate::GATE;
use crate::assert::ASSERTION;
use crate::yaml::{Key, Shape, Table};

const ANY_MAP: Shape = Shape::MapOf(&Shape::Any);
const SCALARS: Shape = Shape::MapOf(&Shape::Scalar);
const TEXTS: Shape = Shape::List(&Shape::Text);
const ONE_OR_MANY: Shape = Shape::OneOf(&[Shape::Text, TEXTS]);
const COUNT: Shape = Shape::Int(0, u64::MAX);
const MILLIS: Shape = Shape::Int(1, u64::MAX);
const MIN_PASS: &str = "how many repeats must pass for the test to pass; default: all";
const SHARE: Shape = Shape::Num(0.0, 1.0);

/// The config file.
pub static SUITE: Table = Table {
    name: "the config",
    open: false,
    keys: &[
        Key::new("$schema", Shape::Text, "for editors"),
        Key::new("description", Shape::Text, "what this suite is about"),
        Key::new("tags", SCALARS, "labels of the run, kept in the config part of JSON reports"),
        Key::new(
            "prompts",
            Shape::OneOf(&[
                Shape::Text,
                Shape::List(&Shape::OneOf(&[Shape::Text, ANY_MAP])),
                Shape::MapOf(&Shape::Text),
            ]),
            "the prompts: texts, file:// paths, globs, registry:// references, or maps with id, label, raw",
        ),
        Key::new("providers", PROVIDERS, "what to ask: ids, or maps with id, label, config"),
        Key::new("targets", PROVIDERS, "another name for providers"),
        Key::new("tests", TESTS, "the cases: tests, or file:// paths of datasets"),
        Key::new("defaultTest", Shape::Object(&DEFAULT_TEST), "merged into every test; may be a file:// path"),
        Key::new("evaluateOptions", Shape::Object(&EVALUATE), "how to run"),
        Key::new("commandLineOptions", Shape::Object(&COMMAND_LINE), "defaults for command line options"),
        Key::new("env", SCALARS, "environment variables for providers and {{env.NAME}}"),
        Key::new("outputPath", ONE_OR_MANY, "report files, as with -o"),
        Key::new("metadata", ANY_MAP, "metadata of every test"),
        Key::new("registry", Shape::Text, "folder of the prompt registry; default: prompts"),
        Key::new("max_cost_usd", Shape::Num(0.0, f64::INFINITY), "US dollars that a run may cost"),
        Key::new("max_requests", Shape::Int(1, u64::MAX), "requests that a run may send, repeated ones counted"),
        Key::new("max_tokens", Shape::Int(1, u64::MAX), "tokens that a run may use, of prompts and answers"),
        Key::new("cache_ttl_hours", Shape::Num(0.0, f64::INFINITY), "age up to which cached answers are used; 0: any"),
        Key::unsupported("scenarios", "write the combinations as tests, or lists of values under vars"),
        Key::new("derivedMetrics", Shape::List(&Shape::Object(&DERIVED)), "metrics reckoned from the sums of others"),
        Key::unsupported("nunjucksFilters", "filters written in JavaScript cannot be loaded"),
        Key::unsupported("extensions", "hooks are not run"),
        Key::new(
            "gate",
            Shape::OneOf(&[Shape::Text, Shape::Elsewhere(&GATE)]),
            "when a candidate may ship; or a file:// of it",
        ),
        Key::ignored("sharing", "nothing is uploaded"),
        Key::ignored("tracing", "there is no tracing"),
        Key::ignored("redteam", "red teaming is left to promptfoo"),
        Key::ignored("writeLatestResults", "results go to the files you name"),
    ],
};

const PROVIDERS: Shape = Shape::OneOf(&[Shape::Text, Shape::List(&Shape::OneOf(&[Shape::Text, ANY_MAP]))]);
const TESTS: Shape =
    Shape::OneOf(&[Shape::Text, Shape::List(&Shape::OneOf(&[Shape::Text, Shape::Elsewhere(&TEST)])), ANY_MAP]);

const VARS: Shape = Shape::OneOf(&[Shape::Text, ANY_MAP, TEXTS]);
const ASSERTIONS: Shape = Shape::List(&Shape::Elsewhere(&ASSERTION));

/// A test.
pub(super) static TEST: Table = Table {
    name: "a test",
    open: false,
    keys: &[
        Key::new("id", Shape::Scalar, "a stable name of the case; default: made from its inputs"),
        Key::new("description", Shape::Text, "what this case is about"),
        Key::new("vars", VARS, "the inputs; a list of texts makes a case for each"),
        Key::new("assert", ASSERTIONS, "what must hold"),
        Key::new("threshold", Shape::Num(f64::NEG_INFINITY, f64::INFINITY), "the weighted mean that suffices"),
        Key::new("metadata", ANY_MAP, "for filters and reports"),
        Key::new("options", Shape::Elsewhere(&OPTIONS), "prefix, suffix, parameters, …"),
        Key::new("prompts", TEXTS, "run only with these prompts"),
        Key::new("providers", TEXTS, "run only at these providers"),
        Key::new("providerOutput", Shape::Any, "a recorded answer: nothing is requested"),
        Key::unsupported("provider", "name providers with `providers`"),
        Key::new(
            "assertScoringFunction",
            Shape::Text,
            "a script that makes the verdict of `namedScores` and `context`",
        ),
        Key::new("min_pass", Shape::Int(1, 100_000), MIN_PASS),
        Key::new("cluster", Shape::Scalar, "tests of one cluster share a source and count as one unit in statistics"),
    ],
};

/// `defaultTest`.
pub(super) static DEFAULT_TEST: Table = Table {
    name: "defaultTest",
    open: false,
    keys: &[
        Key::new("vars", VARS, "inputs of every test"),
        Key::new("assert", ASSERTIONS, "assertions of every test, before its own"),
        Key::new("threshold", Shape::Num(f64::NEG_INFINITY, f64::INFINITY), "the weighted mean that suffices"),
        Key::new("min_pass", Shape::Int(1, 100_000), MIN_PASS),
        Key::new("metadata", ANY_MAP, "metadata of every test"),
        Key::new("options", Shape::Elsewhere(&OPTIONS), "options of every test"),
        Key::new("prompts", TEXTS, "run only with these prompts"),
        Key::new("providers", TEXTS, "run only at these providers"),
        Key::ignored("provider", "name the grader under `options`, and providers with `providers`"),
        Key::new(
            "assertScoringFunction",
            Shape::Text,
            "a script that makes the verdict of `namedScores` and `context`",
        ),
    ],
};

/// `options` of a test; parameters of providers may stand here too.
pub(super) static OPTIONS: Table = Table {
    name: "options",
    open: true,
    keys: &[
        Key::new("prefix", Shape::Text, "text before the prompt"),
        Key::new("suffix", Shape::Text, "text after the prompt"),
        Key::new("disableDefaultAsserts", Shape::Bool, "leave out the assertions of defaultTest"),
        Key::new("disableVarExpansion", Shape::Bool, "a list is one value, not several cases"),
        Key::new("repeat", Shape::Int(1, 100_000), "how often this case is asked"),
        Key::new("transform", Shape::Text, "a script that makes what is judged of the `output`"),
        Key::new("postprocess", Shape::Text, "the old name of transform"),
        Key::new("transformVars", Shape::Text, "a script that returns variables to be put over `vars`"),
        Key::new("storeOutputAs", Shape::Text, "the name under which later cases read this case's output"),
        Key::new("provider", Shape::Any, "the grader: an id, a map, or a map of roles (text, embedding, …)"),
        Key::new("rubricPrompt", Shape::Any, "what graders read, instead of our words: a text or messages"),
        Key::new("factuality", Shape::Object(&WEIGHTS), "what the categories of factuality are worth"),
        Key::ignored("runSerially", "cases that read earlier answers wait for them by themselves"),
        Key::new("disableConversationVar", Shape::Bool, "take no part in the `_conversation` of the prompt"),
    ],
};

/// An entry of `derivedMetrics`.
static DERIVED: Table = Table {
    name: "a derived metric",
    open: false,
    keys: &[
        Key::new("name", Shape::Text, "what it is called"),
        Key::new("value", Shape::Text, "a formula over metrics, `__count` and Math's functions; powers with ^"),
    ],
};

/// `options.factuality`.
static WEIGHTS: Table = Table {
    name: "factuality",
    open: false,
    keys: &[
        Key::new("subset", SHARE, "A: a part of the expected facts; 1"),
        Key::new("superset", SHARE, "B: the expected facts and more; 1"),
        Key::new("agree", SHARE, "C: the expected facts; 1"),
        Key::new("disagree", SHARE, "D: something against them; 0"),
        Key::new("differButFactual", SHARE, "E: other words, and no other facts; 1"),
    ],
};

/// `evaluateOptions`.
static EVALUATE: Table = Table {
    name: "evaluateOptions",
    open: false,
    keys: &[
        Key::new("maxConcurrency", Shape::Int(1, 100_000), "requests under way at once, for each provider"),
        Key::new("repeat", Shape::Int(1, 100_000), "how often each case is asked"),
        Key::new("delay", COUNT, "milliseconds to wait after each request"),
        Key::new("timeoutMs", COUNT, "milliseconds until a request is given up"),
        Key::new("showProgressBar", Shape::Bool, "whether to show progress"),
        Key::new("cache", Shape::Bool, "whether answers of earlier runs are used"),
        Key::ignored("generateSuggestions", "prompts are not rewritten"),
        Key::ignored("suggestionsCount", "prompts are not rewritten"),
        Key::unsupported("maxEvalTimeMs", "runs have no time limit"),
        Key::unsupported("filterRange", "use --filter-pattern or -n"),
    ],
};

/// `commandLineOptions`.
static COMMAND_LINE: Table = Table {
    name: "commandLineOptions",
    open: false,
    keys: &[
        Key::new("maxConcurrency", Shape::Int(1, 100_000), "as -j"),
        Key::new("repeat", Shape::Int(1, 100_000), "as --repeat"),
        Key::new("delay", COUNT, "milliseconds to wait after each request"),
        Key::new("cache", Shape::Bool, "whether answers of earlier runs are used; as --no-cache"),
        Key::ignored("share", "nothing is uploaded"),
        Key::new("grader", Shape::Any, "as --grader"),
        Key::ignored("verbose", "use -v"),
        Key::ignored("table", "use --no-table"),
        Key::ignored("tableCellMaxLength", "cells fit the terminal"),
        Key::ignored("envPath", "use --env-file"),
        Key::ignored("tags", "write tags at the top level"),
        Key::ignored("write", "results go to the files you name"),
        Key::ignored("progressBar", "use --no-progress-bar"),
    ],
};

/// A provider that is written as a map.
pub static PROVIDER: Table = Table {
    name: "a provider",
    open: false,
    keys: &[
        Key::new("id", Shape::Text, "kind and model, such as openai:gpt-4o"),
        Key::new("label", Shape::Text, "what reports call it"),
        Key::new("config", ANY_MAP, "parameters of the provider"),
        Key::new("prompts", TEXTS, "run only these prompts"),
        Key::new("delay", COUNT, "milliseconds to wait after each request"),
        Key::new("env", SCALARS, "environment variables for this provider"),
        Key::new("max_concurrency", Shape::Int(1, 100_000), "requests under way at once"),
        Key::new("timeout_ms", MILLIS, "milliseconds until a request is given up"),
        Key::new("connect_timeout_ms", MILLIS, "milliseconds until a connection must stand"),
        Key::new("first_byte_timeout_ms", MILLIS, "milliseconds from a sent request to the beginning of its answer"),
        Key::new("idle_timeout_ms", MILLIS, "milliseconds that an answer which has begun may stand still"),
        Key::new("price", Shape::Object(&PRICE), "US dollars per million tokens"),
        Key::new("transform", Shape::Text, "a script that makes what is judged of the `output`"),
        Key::new("rpm", Shape::Int(1, u64::MAX), "requests a minute at most"),
        Key::new("tpm", Shape::Int(1, u64::MAX), "tokens a minute at most, limits of answers counted"),
        Key::ignored("inputs", "red teaming is left to promptfoo"),
    ],
};

static PRICE: Table = Table {
    name: "price",
    open: false,
    keys: &[
        Key::new("input", Shape::Num(0.0, f64::INFINITY), "US dollars per million prompt tokens"),
        Key::new("output", Shape::Num(0.0, f64::INFINITY), "US dollars per million answer tokens"),
    ],
};
