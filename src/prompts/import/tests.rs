//! Every kind of source, by example and by chance.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Files in a folder of their own, and what is imported from `name` there.
fn imported(files: &[(&str, &str)], name: &str, role: Role) -> Result<Imports, Problem> {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    import(&folder.path().join(name), name, role)
}

/// One line for each prompt and for each thing that is left out.
fn shown(imports: &Imports) -> String {
    let mut out = String::new();
    for Found { name, version, from, sketch } in &imports.found {
        let messages: Vec<String> = sketch.messages.iter().map(|(role, text)| format!("{role}={text:?}")).collect();
        let version = version.as_deref().unwrap_or("-");
        out += &format!("{name} {version} [{from}] {:?} {}\n", sketch.template_format, messages.join(" "));
    }
    for Skipped { what, why } in &imports.skipped {
        out += &format!("not {what}: {why}\n");
    }
    out
}

fn json_file(value: &Value) -> String {
    shown(&imported(&[("dump.json", &value.to_string())], "dump.json", Role::User).unwrap())
}

#[test]
fn a_folder_of_texts() {
    let files = [
        ("p/customer_support_v1.txt", "You help {{company}}.\r\nBe brief.\r\n"),
        ("p/customer_support_v2.1.txt", "Two"),
        ("p/customer_support_v10.txt", "Ten"),
        ("p/Customer_Support-v2.1.md", "again"),
        ("p/customer_support.txt", "draft"),
        ("p/NAME_v1_2.j2", "{% if a %}b{% endif %}"),
        ("p/v3.txt", "three"),
        ("p/broken.md", "{{ a b }}"),
        ("p/open.md", "{{name}} and {{ then"),
        ("p/empty.txt", "\n"),
        ("p/notes.pdf", ""),
        ("p/sub/a.txt", "x"),
    ];
    insta::assert_snapshot!(shown(&imported(&files, "p", Role::System).unwrap()), @r#"
    customer_support 1.0.0 [p/customer_support_v1.txt] Jinja system="You help {{company}}.\nBe brief."
    customer_support 2.1.0 [p/Customer_Support-v2.1.md] Jinja system="again"
    customer_support 10.0.0 [p/customer_support_v10.txt] Jinja system="Ten"
    customer_support - [p/customer_support.txt] Jinja system="draft"
    name 1.2.0 [p/NAME_v1_2.j2] Jinja system="{% if a %}b{% endif %}"
    p 3.0.0 [p/v3.txt] Jinja system="three"
    not p/broken.md: the system message is no valid template: template syntax: unexpected identifier, expected end of variable block
    not p/customer_support_v2.1.txt: `customer_support` version 2.1.0 is there already, from p/Customer_Support-v2.1.md
    not p/empty.txt: it has no text
    not p/notes.pdf: it is no text: the endings of texts are txt, md, j2
    not p/open.md: the system message: a brace is left open, so that the text counts as no template and its variables stay unfilled
    not p/sub: a folder in a folder is not looked into; import it by itself
    "#);
}

#[test]
fn a_config() {
    let files = [
        (
            "c/promptfooconfig.yaml",
            r#"
prompts:
  - file://prompts/greet.txt
  - Hello {{name}}
  - Bye {{name}}
  - label: Greet!
    raw: '[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{q}}"}]'
    config: {temperature: 0.3}
  - {id: greet, raw: third}
  - file://support.yaml
  - registry://support@2.0.0
  - file://fs.yaml
  - file://alone.yaml
  - file://missing.txt
  - file://rows.csv
  - "{{ a b }}"
"#,
        ),
        ("c/prompts/greet.txt", "one {{x}}\n---\ntwo\n"),
        ("c/rows.csv", "prompt,label\nSay {{a}},First row\nSay {{b}},\n"),
        ("c/support.yaml", "version: '1.0.0'\nsystem_prompt: Help {{company}}\nparameters: {seed: 1}\n"),
        ("c/prompts/support/2.0.0.yaml", "version: '2.0.0'\nsystem_prompt: Help\nuser_prompt: '{{q}}'\n"),
        ("c/fs.yaml", "version: '1.0.0'\ntemplate_format: f-string\nmessages: [{role: user, content: '{q}'}]\n"),
        ("c/alone.yaml", "version: '1.0.0'\nmessages: [{role: system, content: a}]\n"),
    ];
    let imports = imported(&files, "c/promptfooconfig.yaml", Role::User).unwrap();
    insta::assert_snapshot!(shown(&imports), @r#"
    first_row - [c/promptfooconfig.yaml:15:5: First row] Jinja user="Say {{a}}"
    fs 1.0.0 [c/promptfooconfig.yaml:12:5: fs] FString user="{q}"
    greet - [c/promptfooconfig.yaml:3:5: greet] Jinja user="one {{x}}"
    greet_2 - [c/promptfooconfig.yaml:3:5: greet] Jinja user="two"
    greet_3 - [c/promptfooconfig.yaml:7:10: Greet!] Jinja system="Be kind." user="{{q}}"
    greet_4 - [c/promptfooconfig.yaml:9:22: greet] Jinja user="third"
    prompt - [c/promptfooconfig.yaml:4:5] Jinja user="Hello {{name}}"
    prompt_2 - [c/promptfooconfig.yaml:5:5] Jinja user="Bye {{name}}"
    prompt_3 - [c/promptfooconfig.yaml:15:5] Jinja user="Say {{b}}"
    support 1.0.0 [c/promptfooconfig.yaml:10:5: support] Jinja system="Help {{company}}"
    support 2.0.0 [c/promptfooconfig.yaml:11:5: support] Jinja system="Help" user="{{q}}"
    not c/promptfooconfig.yaml:13:5: alone: a draft would not be the same prompt (a system message alone in `messages`): copy its file
    not c/promptfooconfig.yaml:14:5: no prompt file `missing.txt`
    not c/promptfooconfig.yaml:16:5: this prompt is no valid template: template syntax: unexpected identifier, expected end of variable block
    "#);
    let greet = imports.found.iter().find(|found| found.name == "greet_3").unwrap();
    assert_eq!(greet.sketch.parameters.get("temperature"), Some(&json!(0.3)));
}

#[test]
fn the_old_form_of_prompts() {
    let files =
        [("c.yaml", "prompts: {a.txt: My label}\n"), ("a.txt", "A"), ("one.json", r#"{"prompts": "Say {{x}}"}"#)];
    insta::assert_snapshot!(shown(&imported(&files, "c.yaml", Role::System).unwrap()), @r#"my_label - [c.yaml:1:11: My label] Jinja system="A""#);
    insta::assert_snapshot!(shown(&imported(&files, "one.json", Role::System).unwrap()), @r#"prompt - [one.json:1:13] Jinja system="Say {{x}}""#);
}

#[test]
fn a_dump_of_langfuse() {
    let chat = json!([
        {"role": "system", "content": "Help {{company}}."},
        {"type": "placeholder", "name": "history"},
        {"type": "chatmessage", "role": "user", "content": "{{q}}"},
    ]);
    let config = json!({"temperature": 0.2, "model": "m", "top_p": null});
    let dump = json!({"data": [
        {"name": "Support", "version": 10, "type": "chat", "prompt": chat, "config": config,
         "labels": ["production", "latest"], "tags": ["a"], "commitMessage": "history"},
        {"name": "Support", "version": 2, "type": "text", "prompt": "Help", "config": {}, "labels": [], "tags": []},
        {"name": "support", "version": 2, "type": "text", "prompt": "another"},
        {"name": "Support", "version": 2, "type": "text", "prompt": "twice"},
        {"name": "x", "version": 1.5, "prompt": "x"},
        {"name": "x", "prompt": [{"role": "user", "content": ["parts"]}]},
        {"name": "x", "prompt": "@@@langfusePrompt:name=y|version=1@@@"},
        {"name": "x", "versions": [1, 2], "labels": ["production"]},
        {"prompt": "x"},
        7,
    ]});
    insta::assert_snapshot!(json_file(&dump), @r#"
    support 2.0.0 [dump.json, entry 2: Support version 2] Jinja user="Help"
    support 10.0.0 [dump.json, entry 1: Support version 10] Jinja system="Help {{company}}." user="{{q}}"
    support_2 2.0.0 [dump.json, entry 3: support version 2] Jinja user="another"
    not dump.json, entry 1: Support version 10, placeholder `history`: a prompt file has no place for messages that come at run time; the prompt is taken without them
    not dump.json, entry 4: Support version 2: `support` version 2.0.0 is there already, from dump.json, entry 2: Support version 2
    not dump.json, entry 5: x version 1.5: its version 1.5 is no whole number
    not dump.json, entry 6: x: message 1: its `content` is no text, and a prompt file has only texts
    not dump.json, entry 7: x: it refers to another prompt (@@@langfusePrompt); export it with `resolve=true`
    not dump.json, entry 8: x: a list of Langfuse names versions and has no texts; export each version by itself
    not dump.json, entry 9: it has no `name`
    not dump.json, entry 10: it has no `name`
    not labels: production = support 10.0.0: labels are not moved, because they come without evidence: run the versions and promote them
    "#);
    let imports = imported(&[("d.json", &dump.to_string())], "d.json", Role::System).unwrap();
    insta::assert_snapshot!(imports.found[1].sketch.text(), @r#"
    version: "10.0.0"
    description: history

    system_prompt: |-
      Help {{company}}.

    user_prompt: |-
      {{q}}

    parameters:
      temperature: 0.2

    metadata:
      labels: ["production", "latest"]
      tags: ["a"]
      config: {"model": "m"}
    "#);
}

fn object(class: &str, kwargs: &Value) -> Value {
    json!({"lc": 1, "type": "constructor", "id": ["langchain", class], "name": class, "kwargs": kwargs})
}

fn template(text: &str, format: Option<&str>) -> Value {
    object("PromptTemplate", &json!({"template": text, "template_format": format, "partial_variables": {}}))
}

fn chat(messages: &[(&str, Value)]) -> Value {
    let messages: Vec<Value> = messages.iter().map(|(class, kwargs)| object(class, kwargs)).collect();
    object("ChatPromptTemplate", &json!({"messages": messages, "input_variables": ["q"]}))
}

#[test]
fn a_manifest_of_langsmith() {
    let f_string = |text: &str| json!({"prompt": template(text, None)});
    let prompt = chat(&[
        ("SystemMessage", json!({"content": "Answer as {\"a\": 1}"})),
        ("MessagesPlaceholder", json!({"variable_name": "history", "optional": true})),
        ("HumanMessagePromptTemplate", f_string("{q}")),
        ("AIMessage", json!({"content": [{"type": "text", "text": "yes"}], "tool_calls": []})),
        ("ChatMessagePromptTemplate", json!({"role": "human", "prompt": template("{q} {{}}", None)})),
    ]);
    let model =
        object("ChatOpenAI", &json!({"temperature": 0.1, "model": "m", "openai_api_key": {"lc": 1, "type": "secret"}}));
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let bound = object("RunnableBinding", &json!({"bound": model, "kwargs": {"tools": tools, "tool_choice": "f"}}));
    let chain = object("RunnableSequence", &json!({"first": prompt, "last": bound}));
    insta::assert_snapshot!(json_file(&chain), @r#"
    dump - [dump.json] FString system="Answer as {{\"a\": 1}}" user="{q}" assistant="yes" user="{q} {{}}"
    not dump.json, placeholder `history`: a prompt file has no place for messages that come at run time; the prompt is taken without them
    "#);
    let imports = imported(&[("my.json", &chain.to_string())], "my.json", Role::User).unwrap();
    insta::assert_snapshot!(imports.found[0].sketch.text(), @r#"
    version: "1.0.0"
    template_format: f-string

    messages:
      - role: system
        content: |-
          Answer as {{"a": 1}}
      - role: user
        content: |-
          {q}
      - role: assistant
        content: |-
          yes
      - role: user
        content: |-
          {q} {{}}

    parameters:
      temperature: 0.1

    tools:
      - {"type": "function", "function": {"name": "f"}}

    metadata:
      model: m
      model_settings: {"tool_choice": "f"}
    "#);
}

#[test]
fn commits_and_maps_of_langsmith() {
    let commit = |repo: &str, text: &str, at: &str| json!({"repo_handle": repo, "manifest": template(text, None), "commit_hash": format!("c{text}"), "created_at": at});
    let commits = json!([
        commit("me/support", "third", "2026-03-01T00:00:00.5Z"),
        commit("me/support", "second", "2026-03-01T00:00:00Z"),
        commit("me/support", "first", "2026-02-28T23:30:00-00:00"),
        commit("you/support", "{a.b}", "2026-01-01T00:00:00Z"),
        commit("you/support", "{a}", ""),
        {"repo": "x", "manifest": 3},
    ]);
    insta::assert_snapshot!(json_file(&commits), @r#"
    support 1.0.0 [dump.json, entry 3: me/support commit cfirst] FString user="first"
    support 2.0.0 [dump.json, entry 2: me/support commit csecond] FString user="second"
    support 3.0.0 [dump.json, entry 1: me/support commit cthird] FString user="third"
    support_2 2.0.0 [dump.json, entry 5: you/support commit c{a}] FString user="{a}"
    not dump.json, entry 6: it has no manifest
    not dump.json, entry 4: you/support commit c{a.b}: the user message is no valid template: `{a.b}` is not the name of a variable
    "#);
    let map = json!({
        "owner/a": template("{{ x | upper }}", Some("jinja2")),
        "owner/b": template("{{x}} {{{y}}}", Some("mustache")),
        "c": template("{{#x}}y{{/x}}", Some("mustache")),
        "d": chat(&[("SystemMessagePromptTemplate", json!({"prompt": template("{a}", None)})),
                    ("HumanMessagePromptTemplate", json!({"prompt": template("{{a}}", Some("mustache"))}))]),
        "e": object("FewShotPromptTemplate", &json!({})),
        "f": chat(&[("ToolMessage", json!({"content": "x"}))]),
        "g": object("PromptTemplate", &json!({"template": "{a}", "partial_variables": {"a": "b"}})),
        "h": object("StructuredPrompt", &json!({"messages": [object("HumanMessage", &json!({"content": "{{x}}"}))], "schema_": {"type": "object"}})),
        "i": 3,
    });
    insta::assert_snapshot!(json_file(&map), @r#"
    a - [dump.json: owner/a] Jinja user="{{ x | upper }}"
    b - [dump.json: owner/b] Jinja user="{{x}} {{y}}"
    h - [dump.json: h] FString user="{{{{x}}}}"
    not dump.json: c: mustache is taken with plain variables only, and this has `{{#x}}`
    not dump.json: d: its messages are in several template formats (f-string, mustache)
    not dump.json: e: a `FewShotPromptTemplate` is no prompt that can be imported
    not dump.json: f: message 1: a prompt file has no place for a `ToolMessage`
    not dump.json: g: its variable `a` has a value of its own (partial_variables)
    not dump.json: h, the schema of its answers: it is kept under `metadata` and does not reach the model; write `parameters.response_format` for that
    not dump.json: i: it is no manifest of a prompt
    "#);
}

#[test]
fn what_is_no_source_is_told() {
    let files = [
        ("a.txt", "x"),
        ("p.yaml", "version: '1.0.0'\nsystem_prompt: a\n"),
        ("m.yaml", "a: 1\n"),
        ("b.json", "{"),
        ("e.json", "[]"),
        ("n.json", "{\"a\": 1}"),
        ("export", " [1]"),
    ];
    for (name, expected) in [
        ("a.txt", "`a.txt` cannot be imported: it is a file of another kind"),
        ("p.yaml", "`p.yaml` is a prompt file already"),
        ("m.yaml", "`m.yaml` cannot be imported: it is a map without `prompts`"),
        ("b.json", "`b.json` is not valid JSON: EOF while parsing an object at line 1 column 1"),
        ("e.json", "`e.json` cannot be imported: it is an empty list"),
        ("n.json", "`n.json` cannot be imported: it is JSON that is no dump of prompts"),
        ("export", "`export` cannot be imported: it is JSON that is no dump of prompts"),
        ("none", "cannot read `none`: no such file"),
    ] {
        let problem = imported(&files, name, Role::User).expect_err(name);
        assert_eq!(problem.message, expected);
        assert!(problem.hint.is_some() || name == "none", "{name}");
    }
}

/// JSON out of the words that dumps are made of, so that chance comes near to them.
fn dump() -> impl Strategy<Value = Value> {
    const KEYS: [&str; 24] = [
        "lc",
        "id",
        "kwargs",
        "messages",
        "prompt",
        "template",
        "template_format",
        "first",
        "last",
        "name",
        "version",
        "role",
        "content",
        "type",
        "manifest",
        "config",
        "labels",
        "data",
        "variable_name",
        "partial_variables",
        "prompts",
        "raw",
        "label",
        "<<",
    ];
    const WORDS: [&str; 16] = [
        "ChatPromptTemplate",
        "PromptTemplate",
        "SystemMessagePromptTemplate",
        "HumanMessage",
        "MessagesPlaceholder",
        "RunnableSequence",
        "f-string",
        "mustache",
        "jinja2",
        "{a}",
        "{{a}}",
        "{% raw %}",
        "[{",
        "placeholder",
        "",
        "- role: a",
    ];
    let leaf = prop_oneof![
        4 => prop::sample::select(&WORDS[..]).prop_map(|word| json!(word)),
        1 => any::<String>().prop_map(|text| json!(text)),
        1 => any::<u64>().prop_map(|n| json!(n)),
        1 => any::<f64>().prop_map(|n| json!(n)),
        1 => Just(json!(null)),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&KEYS[..]), inner), 0..8).prop_map(|entries| Value::Object(
                entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

fn run(value: Value, read: fn(&Material<'_>, &mut Imports)) -> Imports {
    let source = Source::new("x/dump.json", value.to_string());
    // YAML refuses some of what JSON may say.
    let config = config::is_json(&value).then(|| yaml::parse(&source).ok()).flatten();
    let content = config.map_or(Content::Json(value), Content::Yaml);
    let path = "x/dump.json";
    let material = Material { path: Path::new(path), shown: path, role: Role::System, content };
    let mut imports = Imports::default();
    read(&material, &mut imports);
    imports
}

proptest! {
    #[test]
    fn whatever_the_dump_what_is_found_is_a_prompt(value in dump()) {
        for kind in &KINDS[1..] {
            for value in [value.clone(), json!([value.clone()]), json!({"prompts": value.clone()})] {
                for found in run(value, kind.read).found {
                    prop_assert!(super::super::registry::prompt_name(&found.name).is_ok());
                    prop_assert!(found.sketch.prompt(&found.name).is_ok());
                    for (_, text) in &found.sketch.messages {
                        prop_assert!(found.sketch.template_format.compile(text).is_ok());
                    }
                }
            }
        }
    }

    #[test]
    fn any_message_of_a_manifest_is_taken_or_told(class in "(System|Human|AI)Message(PromptTemplate)?", text in "[a{}%#x \n\"]{0,16}",
                                                    format in prop::sample::select(&["f-string", "mustache", "jinja2"][..])) {
        let manifest = chat(&[(&class, json!({"content": text, "prompt": template(&text, Some(format))}))]);
        let imports = run(manifest, langsmith::read);
        prop_assert_eq!(imports.found.len() + imports.skipped.len(), 1);
    }
}
