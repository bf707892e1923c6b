//! Settings of a run that stand in several places of a config.

use std::sync::Arc;

use super::Options;
use crate::diag::{Problem, Problems};
use crate::plan::Target;
use crate::transport::Caps;
use crate::yaml::Node;

/// How many requests may be under way at a provider when nobody says otherwise.
const DEFAULT_WIDTH: usize = 4;
/// How long a cached answer is good when the config does not say: two weeks, as in promptfoo.
const DEFAULT_TTL_HOURS: f64 = 336.0;

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) description: Option<String>,
    pub(super) repeat: u32,
    pub(super) width: usize,
    pub(super) delay_ms: u64,
    pub(super) timeout_ms: Option<u64>,
    pub(super) outputs: Vec<String>,
    pub(super) progress: bool,
    pub(super) caps: Caps,
    pub(super) cache: CacheSettings,
}

/// Whether and how long answers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSettings {
    /// Whether answers of earlier runs are used.
    pub on: bool,
    /// Up to which age, in milliseconds; `None` for any.
    pub ttl_ms: Option<u64>,
}

impl Settings {
    /// The command line beats `commandLineOptions` beats `evaluateOptions`.
    pub(super) fn read(root: &Node, options: &Options) -> Self {
        let of = |section: &str, key: &str| root.get(section).and_then(|s| s.get(key)).cloned();
        let either = |key: &str| of("commandLineOptions", key).or_else(|| of("evaluateOptions", key));
        let number = |key: &str| either(key).and_then(|n| n.as_u64());
        let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let outputs = root.get("outputPath").map(Node::one_or_many).unwrap_or_default();
        let described = || root.get("description").and_then(Node::as_str).map(Into::into);
        Self {
            description: options.description.clone().or_else(described),
            repeat: options.repeat.or_else(|| number("repeat").and_then(|n| u32::try_from(n).ok())).unwrap_or(1),
            width: options.width.or_else(|| number("maxConcurrency").map(small)).unwrap_or(DEFAULT_WIDTH),
            delay_ms: number("delay").unwrap_or(0),
            timeout_ms: number("timeoutMs").filter(|ms| *ms > 0),
            outputs: outputs.iter().filter_map(Node::as_str).map(Into::into).collect(),
            progress: of("evaluateOptions", "showProgressBar").and_then(|n| n.as_bool()).unwrap_or(true),
            caps: caps(root, options.caps),
            cache: CacheSettings {
                on: either("cache").and_then(|n| n.as_bool()).unwrap_or(true),
                ttl_ms: ttl_ms(root.get("cache_ttl_hours").and_then(Node::as_f64)),
            },
        }
    }
}

fn caps(root: &Node, given: Caps) -> Caps {
    let number = |key: &str| root.get(key).and_then(Node::as_u64);
    Caps {
        cost_usd: given.cost_usd.or_else(|| root.get("max_cost_usd").and_then(Node::as_f64)),
        requests: given.requests.or_else(|| number("max_requests")),
        tokens: given.tokens.or_else(|| number("max_tokens")),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a saturating cast is what is meant")]
fn ttl_ms(hours: Option<f64>) -> Option<u64> {
    let hours = hours.unwrap_or(DEFAULT_TTL_HOURS);
    (hours > 0.0).then_some((hours * 3_600_000.0) as u64)
}

/// A limit can only be kept where the most that a request takes is known.
pub(super) fn check_caps(caps: Caps, targets: &[Arc<Target>], problems: &mut Problems) {
    for target in targets.iter().filter(|target| !target.provider.is_local()) {
        let id = &target.id;
        if caps.cost_usd.is_some() && target.provider.price().is_none() {
            let message = format!("the price of `{id}` is not known, so max_cost_usd could not be kept");
            let hint = "write `price: {input: …, output: …}` (US dollars per million tokens) beside its id";
            problems.push(Problem::error(message).at(&target.at).hint(hint));
        }
        if (caps.cost_usd.is_some() || caps.tokens.is_some()) && target.provider.max_tokens().is_none() {
            let message = format!("`{id}` has no limit of answer tokens, so the budget could not be kept");
            problems.push(Problem::error(message).at(&target.at).hint("set max_tokens in its config"));
        }
    }
}
