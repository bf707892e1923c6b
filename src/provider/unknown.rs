//! Ids that no kind here answers to.

use super::{KINDS, huggingface};
use crate::diag::{Problem, nearest};

/// Hosted services that promptfoo has kinds of its own for; most speak OpenAI's protocol as well.
const HOSTED: &[&str] = &[
    "ai21",
    "aimlapi",
    "alibaba",
    "alicloud",
    "aliyun",
    "anthropic",
    "azure",
    "azureopenai",
    "bedrock",
    "cerebras",
    "cloudera",
    "cloudflare-ai",
    "cohere",
    "cometapi",
    "databricks",
    "dashscope",
    "deepseek",
    "docker",
    "envoy",
    "f5",
    "fal",
    "fireworks",
    "github",
    "google",
    "groq",
    "helicone",
    "hyperbolic",
    "ibm",
    "jfrog",
    "lambdalabs",
    "litellm",
    "llama",
    "llamaapi",
    "llamafile",
    "localai",
    "mistral",
    "nscale",
    "ollama",
    "openrouter",
    "palm",
    "perplexity",
    "portkey",
    "qwen",
    "replicate",
    "sagemaker",
    "snowflake",
    "together",
    "togetherai",
    "truefoundry",
    "vercel",
    "vertex",
    "vllm",
    "voyage",
    "watsonx",
    "xai",
];

/// Kinds of promptfoo that run own code or speak to something other than a model.
const OWN_CODE: &[&str] = &[
    "browser",
    "exec",
    "file",
    "golang",
    "http",
    "https",
    "mcp",
    "package",
    "promptfoo",
    "python",
    "ruby",
    "sequence",
    "slack",
    "webhook",
    "ws",
    "wss",
];

/// Beginnings of names that are models of OpenAI, not kinds.
const MODELS: &[&str] = &["gpt-", "chatgpt-", "o1", "o3", "o4"];

/// Why there is no such kind, and what to write instead.
pub(super) fn problem(id: &str) -> Problem {
    let (name, rest) = id.split_once(':').unwrap_or((id, ""));
    if huggingface::NAMES.contains(&name) {
        return huggingface::unsupported(name, rest);
    }
    if HOSTED.contains(&name) {
        return missing(name)
            .hint("any OpenAI-compatible endpoint works: write `openai:MODEL` and set `apiBaseUrl` in its config");
    }
    if OWN_CODE.contains(&name) {
        return missing(name).hint(
            "own code cannot answer yet; put it behind an OpenAI-compatible endpoint and use `openai:MODEL` with \
             `apiBaseUrl`",
        );
    }
    Problem::error(format!("unknown provider `{id}`"))
        .maybe_hint(MODELS.iter().any(|m| id.starts_with(m)).then(|| format!("did you mean `openai:{id}`?")))
        .maybe_hint(respelt(id, name))
        .maybe_hint(Some(format!("known are {}", names().join(", "))))
}

fn missing(name: &str) -> Problem {
    Problem::error(format!("this version has no provider `{name}`"))
}

/// The id with the nearest kind in front.
fn respelt(id: &str, name: &str) -> Option<String> {
    let kind = nearest(name, names())?;
    Some(format!("did you mean `{kind}{}`?", &id[name.len()..]))
}

/// The first words of all ids, each once.
fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = KINDS.iter().filter_map(|kind| kind.name.split(':').next()).collect();
    names.dedup();
    names
}
