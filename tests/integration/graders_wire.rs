//! What graders ask beside chat models: embeddings, moderations, classifiers.

use serde_json::{Value, json};

use crate::project::Project;
use crate::server::{Reply, Server};

const KEY: &str = "planted-key-0123456789";

/// A suite of one case whose answer is judged as JSON.
fn project(id: &str, config: &str) -> Project {
    Project::with(&format!(
        "prompts: ['{{{{x}}}}']\nproviders: [{{id: '{id}', config: {{{config}}}}}]\ntests: [{{vars: {{x: so good}}, assert: [{{type: is-json}}]}}]\n"
    ))
    .env("OPENAI_API_KEY", KEY)
    .env("HF_TOKEN", KEY)
}

fn openai(server: &Server) -> String {
    format!("apiBaseUrl: '{}', maxRetries: 0", server.url())
}

fn huggingface(server: &Server) -> String {
    format!("apiEndpoint: '{}/predict', maxRetries: 0", server.url())
}

fn serve(body: &Value) -> Server {
    let body = body.to_string();
    Server::start(move |_, _| Reply::Http(200, "", body.clone()))
}

/// The address that was asked, the body, the answer.
fn asked(server: &Server, id: &str, config: &str) -> (String, Value, Value) {
    let (ran, results) = project(id, config).results(&[]);
    ran.code(0).never_says(KEY);
    assert!(server.heads()[0].contains(&format!("Bearer {KEY}")), "{}", server.heads()[0]);
    let path = server.heads()[0].split(' ').nth(1).unwrap().to_owned();
    (path, server.bodies()[0].clone(), results[0]["response"].clone())
}

#[test]
fn an_embedding_is_a_list_of_numbers_with_its_price() {
    let server = serve(&json!({
        "data": [{"embedding": [0.5, -0.5]}], "model": "m", "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
    }));
    let id = "openai:embedding:text-embedding-3-large";
    let (path, body, response) = asked(&server, id, &format!("dimensions: 2, {}", openai(&server)));
    assert_eq!(path, "/v1/embeddings");
    assert_eq!(
        body,
        json!({"model": "text-embedding-3-large", "input": "so good", "encoding_format": "float", "dimensions": 2})
    );
    assert_eq!(response["output"], json!([0.5, -0.5]));
    assert_eq!(response["tokenUsage"]["total"], 1000);
    assert!((response["cost"].as_f64().unwrap() - 0.000_13).abs() < 1e-12, "{response}");
}

#[test]
fn a_moderation_is_its_first_result() {
    let result = json!({"flagged": true, "categories": {"hate": true}, "category_scores": {"hate": 0.9}});
    let server = serve(&json!({"model": "m", "results": [result]}));
    let (path, body, response) = asked(&server, "openai:moderation:omni", &openai(&server));
    assert_eq!(path, "/v1/moderations");
    assert_eq!(body, json!({"model": "omni", "input": "so good"}));
    assert_eq!((&response["output"], &response["cost"]), (&result, &json!(0.0)));
}

#[test]
fn a_classifier_gives_labels_and_an_extractor_one_vector() {
    let server = serve(&json!([[{"label": "joy", "score": 0.75}]]));
    let (path, body, response) = asked(&server, "huggingface:text-classification:me/moods", &huggingface(&server));
    assert_eq!(path, "/v1/predict");
    assert_eq!(body, json!({"inputs": "so good"}));
    assert_eq!(response["output"], json!([{"label": "joy", "score": 0.75}]));
    let server = serve(&json!([[[1.0, 2.0], [3.0, 4.0]]]));
    let (_, _, response) = asked(&server, "huggingface:feature-extraction:me/e5", &huggingface(&server));
    assert_eq!(response["output"], json!([2.0, 3.0]));
}

#[test]
fn answers_are_recalled_like_any_other() {
    let server = serve(&json!({"data": [{"embedding": "AACAPwAAAL8="}]}));
    let project = project("openai:embedding:m", &openai(&server));
    for _ in 0..2 {
        let (ran, results) = project.results(&[]);
        ran.code(0);
        assert_eq!(results[0]["response"]["output"], json!([1.0, -0.5]));
    }
    assert_eq!(server.requests(), 1);
}

#[test]
fn what_is_no_answer_is_an_error_with_a_hint() {
    for (id, body, said) in [
        ("openai:embedding:m", json!({"data": [{"embedding": []}]}), "has an empty vector"),
        ("openai:moderation:m", json!({"results": []}), "has no results"),
        ("huggingface:text-classification:m", json!({"error": "loading"}), "is an error with status 200"),
    ] {
        let server = serve(&body);
        let config = if id.starts_with("openai") { openai(&server) } else { huggingface(&server) };
        let (ran, results) = project(id, &config).results(&[]);
        ran.code(101).says(said).says("is this a model for");
        assert_eq!(results[0]["failureReason"], 2, "{said}");
    }
}

#[test]
fn a_refused_key_is_named_by_its_variable_and_the_address_by_its_setting() {
    let server = Server::start(|_, _| Reply::Http(401, "", json!({"error": format!("no {KEY}")}).to_string()));
    let ran = project("huggingface:feature-extraction:m", &huggingface(&server)).run(&["run"]);
    ran.code(101).says("the key came from HF_TOKEN").never_says(KEY);
    let server = Server::start(|_, _| Reply::Http(404, "", "{}".into()));
    let ran = project("huggingface:feature-extraction:m", &huggingface(&server)).run(&["run"]);
    ran.code(101).says("check apiEndpoint and the model's name");
}

#[test]
fn the_mock_plays_every_part_without_a_network() {
    let (ran, results) = project("mock:embedding", "").results(&[]);
    ran.code(0);
    assert_eq!(results[0]["response"]["output"].as_array().unwrap().len(), 64);
    let judge = "rules: [{contains: good, output: {pass: true, score: 1, reason: it is}}]";
    let (ran, results) = project("mock:judge", judge).results(&[]);
    ran.code(0);
    assert_eq!(results[0]["response"]["output"], json!({"pass": true, "score": 1, "reason": "it is"}));
    let classifier = "default: {output: [{label: joy, score: 0.9}]}";
    let (ran, results) = project("mock:classifier", classifier).results(&[]);
    ran.code(0);
    assert_eq!(results[0]["response"]["output"], json!([{"label": "joy", "score": 0.9}]));
}

#[test]
fn every_kind_explains_itself() {
    let project = Project::new();
    project.run(&["explain", "openai:embeddings"]).code(0).says("dimensions").says("text-embedding-3-small");
    project.run(&["explain", "openai:moderation"]).code(0).says("passthrough");
    project.run(&["explain", "hf:feature-extraction"]).code(0).says("apiEndpoint");
    project.run(&["explain", "mock:embedding"]).code(0).says("rules");
}
