//! A/B tests with the real binary.

use serde_json::Value;

use crate::project::{Project, Ran};

const PLAN: &str = "
prompt: support
arms:
  - {name: plain, version: '2.0.0', weight: 5000}
  - {name: warm, version: '2.1.0', weight: 5000}
success: [{metric: rating, scale: [1, 5]}]
guardrails: [{metric: resolved, scale: [0, 1], margin: 0.1}]
forced: {tester: warm}
";

fn shelf() -> Project {
    let project = Project::new();
    let home = project.path().join("home").display().to_string();
    project.env("XDG_CONFIG_HOME", &home).env("USER", "ada")
}

/// Two released versions, and an experiment that was not started.
fn planned(plan: &str) -> Project {
    let project = shelf().file("experiments/tone.yaml", plan);
    for version in ["2.0.0", "2.1.0", "2.2.0"] {
        project.write("prompts/support.yaml", format!("version: '0.1.0'\nsystem_prompt: be {version}\n"));
        project.run(&["prompt", "release", "support", version, "-m", "new"]).code(0);
    }
    project
}

fn running() -> Project {
    let project = planned(PLAN);
    project.run(&["ab", "start", "tone"]).code(0).says("started tone, phase 1");
    project
}

/// What becomes of users.
fn assigned(project: &Project, users: &[String]) -> Vec<Value> {
    project.write("users.txt", users.join("\n"));
    let ran = project.run(&["ab", "assign", "tone", "--users", "users.txt"]).code(0);
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn users(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("user-{n}")).collect()
}

/// A CSV in which the warm arm is so much better, in points of the rating.
fn ratings(project: &Project, n: usize, better: usize) {
    let mut csv = "user,rating,resolved\n".to_owned();
    for (n, line) in assigned(project, &users(n)).iter().enumerate() {
        let warm = usize::from(line["arm"] == "warm") * better;
        csv +=
            &format!("{},{},{}\n", line["user"].as_str().unwrap(), (1 + n % 3 + warm).min(5), usize::from(n % 10 > 1));
    }
    project.write("ratings.csv", csv);
}

fn analysis(project: &Project) -> Value {
    let ran = project.run(&["ab", "analyze", "tone", "--format", "json"]);
    serde_json::from_str(&ran.out).unwrap()
}

/// Runs the console blocks of a page; what stands below a command is said by it.
fn follow(page: &str, project: &Project) {
    for block in page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        let mut ran: Option<Ran> = None;
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => ran = Some(shell(command, project)),
                None => ran = ran.map(|ran| line.split("  ").fold(ran, |ran, words| ran.says(words.trim()))),
            }
        }
    }
}

fn shell(command: &str, project: &Project) -> Ran {
    if let Some(rest) = command.strip_prefix("cp ") {
        let (from, to) = rest.split_once(' ').unwrap();
        project.write(to, project.read(from));
        return project.run(&["ab", "list"]);
    }
    let mut words = Vec::new();
    for (n, part) in command.split('"').enumerate() {
        if n % 2 == 1 { words.push(part) } else { words.extend(part.split_whitespace()) }
    }
    project.run(&words[1..]).code(0)
}

#[test]
fn the_story_of_the_example_is_true() {
    const FILES: [(&str, &str); 6] = [
        ("prompts/support.yaml", include_str!("../../examples/ab/prompts/support.yaml")),
        ("warm.yaml", include_str!("../../examples/ab/warm.yaml")),
        ("experiments/tone.yaml", include_str!("../../examples/ab/experiments/tone.yaml")),
        ("ratings-week1.csv", include_str!("../../examples/ab/ratings-week1.csv")),
        ("ratings-week2.csv", include_str!("../../examples/ab/ratings-week2.csv")),
        ("prompteval.yaml", include_str!("../../examples/ab/prompteval.yaml")),
    ];
    let project = FILES.iter().fold(shelf(), |project, (name, text)| project.file(name, text));
    follow(include_str!("../../examples/ab/README.md"), &project);
    // Users speak for it, but no run was judged, and the log says so for ever.
    project.run(&["audit", "export"]).code(0).says("promote,ungated").says("tone phase 1");
    let shown = project.run(&["label", "show", "staging"]).code(0);
    shown.says("this label asks for no evidence").says("tone phase 1: warm is better");
}

#[test]
fn starting_refuses_what_cannot_be_trusted() {
    for (from, to, says) in [
        ("2.1.0", "3.0.0", "3.0.0"),
        ("weight: 5000}\nsuccess", "weight: 4000}\nsuccess", "the weights of the arms are 9000 together, not 10000"),
        ("rating, scale", "rating, scael", "unknown key `scael`"),
        ("forced: {tester: warm}", "forced: {tester: hot}", "no arm is called `hot`"),
        ("margin: 0.1", "margin: 1", "`resolved` guards nothing"),
        ("metric: rating", "metric: ''", "`` cannot be a metric: it is empty"),
        ("metric: rating", "metric: a=b", "`a=b` cannot be a metric: records are written metric=value"),
        ("metric: rating", "metric: arm", "`arm` cannot be a metric: a column of every file is called so"),
        ("forced:", "holdout: {name: all, to: 10000}\nforced:", "nobody could be in any arm"),
        (
            "5000}\n  - {name: warm, version: '2.1.0', weight: 5000",
            "0}\n  - {name: warm, version: '2.1.0', weight: 10000",
            "only one arm has a weight",
        ),
        ("'2.1.0'", "2.10", "`2.10` is no version\n --> experiments/tone.yaml:5:5"),
        ("[{metric: rating, scale: [1, 5]}]", "[rating]", "`success` must be a map, found text"),
    ] {
        planned(&PLAN.replacen(from, to, 1)).run(&["ab", "start", "tone"]).code(2).says(says);
    }
    let project = planned(PLAN);
    project.run(&["prompt", "withdraw", "support", "2.1.0", "-m", "rude"]).code(0);
    project.run(&["ab", "start", "tone"]).code(2).says("support@2.1.0 is withdrawn");
    project.run(&["ab", "assign", "tone", "--user", "x"]).code(2).says("no experiment `tone` was started");
    project.run(&["ab", "list", "--registry", "nope"]).code(2).says("there is no registry in `nope`");
    project.run(&["ab", "start", "tune"]).code(2).says("there is no `experiments/tune.yaml`").says("`tone`?");
    project.write("prompts/support/2.0.0.yaml", "version: '2.0.0'\nsystem_prompt: edited\n");
    project.run(&["ab", "start", "tone"]).code(103).says("was edited after it was released");
}

#[test]
fn a_changed_plan_is_another_phase_and_moves_nobody_who_need_not() {
    let project = planned(
        &PLAN
            .replace("2.0.0', weight: 5000", "2.0.0', weight: 9000")
            .replace("2.1.0', weight: 5000", "2.1.0', weight: 1000"),
    );
    project.run(&["ab", "start", "tone"]).code(0);
    let before = assigned(&project, &users(2000));
    project.run(&["ab", "start", "tone"]).code(0).says("runs as planned already, phase 1");
    project.write(
        "experiments/tone.yaml",
        PLAN.replace("2.0.0', weight: 5000", "2.0.0', weight: 7500")
            .replace("2.1.0', weight: 5000", "2.1.0', weight: 2500"),
    );
    project.run(&["ab", "start", "tone"]).code(0).says("started tone, phase 2");
    let after = assigned(&project, &users(2000));
    let left = before.iter().zip(&after).filter(|(b, a)| b["arm"] == "warm" && a["arm"] != "warm").count();
    let came = before.iter().zip(&after).filter(|(b, a)| b["arm"] != "warm" && a["arm"] == "warm").count();
    assert_eq!((left, &after[0]["phase"]), (0, &Value::from(2)));
    assert!((200..400).contains(&came), "{came}");
    project.run(&["ab", "analyze", "tone", "--phase", "1"]).code(0).says("phase 1, 2").says(" to 2");
    project.run(&["ab", "analyze", "tone", "--phase", "3"]).code(2).says("no phase 3 of `tone`");
    project.write("experiments/tone.yaml", format!("{}key: another\n", project.read("experiments/tone.yaml")));
    project.run(&["ab", "start", "tone"]).code(0).says("of all users get another version than before");
    // Who is forced is nobody's phase.
    project
        .write("experiments/tone.yaml", project.read("experiments/tone.yaml").replace("tester: warm", "other: plain"));
    project.run(&["ab", "start", "tone"]).code(0).says("changed tone, phase 3 goes on");
    project.run(&["audit", "verify"]).code(0);
    let now = || prompteval::env::format_time(prompteval::env::Clock::real().now_millis());
    let during = now();
    project.run(&["ab", "stop", "tone", "-m", "enough"]).code(0);
    let dealt = project.run(&["at", &during]).code(0).says("nothing was live");
    dealt.says("experiment tone, phase 3: plain support@2.0.0 75 %, warm support@2.1.0 25 %");
    project.run(&["at", &now()]).code(0).never_says("experiment tone");
    project.run(&["ab", "assign", "tone", "--user", "x"]).code(0).says("the experiment was stopped");
    project.run(&["ab", "stop", "tone", "-m", "enough"]).code(2).says("no experiment `tone` runs");
}

#[test]
fn records_are_believed_or_refused_with_their_line() {
    let project = running();
    for (pair, says) in [
        ("csat=4", "`csat` is no metric of this experiment; it has rating, resolved"),
        ("rating=9", "9 lies outside the scale of `rating`, 1 to 5"),
        ("rating=NaN", "NaN is no number to reckon with"),
        ("rating=good", "`good` is no number"),
    ] {
        project.run(&["ab", "record", "tone", "--user", "u", "--metric", pair]).code(2).says(says);
    }
    project.run(&["ab", "record", "tone", "--user", "tester", "--metric", "rating=4"]).code(0).says("is a tester");
    let arm = assigned(&project, &["u1".to_owned()])[0]["arm"].as_str().unwrap().to_owned();
    let other = if arm == "warm" { "plain" } else { "warm" };
    project.write("bad.csv", format!("user,rating,arm\nu1,4,{arm}\nu1,7,\nu1,3,{other}\n,3,\n"));
    let ran = project.run(&["ab", "import", "tone", "bad.csv"]).code(2);
    let ran = ran
        .says("bad.csv:3: 7 lies outside")
        .says("bad.csv:4: the user `u1` is in the arm")
        .says("bad.csv:5: there is no user");
    ran.says("3 lines of `bad.csv` refused; nothing is imported");
    assert_eq!(analysis(&project)["analysis"]["ratios"][0]["users"], serde_json::json!([0, 0]));
    project.run(&["ab", "import", "tone", "bad.csv", "--skip-refused"]).code(0).says("1 record imported");
    project.run(&["ab", "import", "tone", "bad.csv", "--skip-refused"]).code(0).says("1 record known already");
    project.write("more.jsonl", "{\"customer\": \"u2\", \"stars\": 5, \"event\": \"e1\"}\n{\"customer\": \"u2\", \"stars\": 5, \"event\": \"e1\"}\n");
    let mapped = ["ab", "import", "tone", "more.jsonl", "--map", "user=customer", "--map", "rating=stars"];
    project.run(&mapped).code(0).says("1 record imported").says("1 record known already");
    project.write("sheet.csv", "\u{feff}user;rating;event\r\n u3 ;4;e\r\n\"u;4\";5;e\r\n");
    project.run(&["ab", "import", "tone", "sheet.csv"]).code(0).says("2 records imported");
    let (blank, bare) = (&assigned(&project, &[" u3 ".to_owned()])[0], &assigned(&project, &["u3".to_owned()])[0]);
    assert_eq!((&blank["user"], &bare["user"]), (&Value::from(" u3 "), &Value::from("u3")));
    project.run(&["ab", "import", "tone", "more.jsonl", "--map", "rate=stars"]).code(2).says("`rate` is neither");
}

#[test]
fn a_file_is_read_as_what_it_is_or_refused() {
    let project = running();
    for (text, says) in [
        ("", "`f` is empty"),
        ("\u{feff}\n\n", "`f` is empty"),
        ("[{\"user\": \"u\"}]", "`f` is one JSON array"),
        ("name,rating\nu,4\n", "has no column of users: it has name, rating"),
        ("user,rating,rating\nu,4,4\n", "has two columns `rating`"),
        ("user,stars\nu,4\n", "has no column of any metric: it has user, stars"),
        ("user,rating,resloved\nu,4,1\n", "`resloved` is neither a column nor a metric: did you mean `resolved`?"),
        ("{\"user\": \"u\", \"rating\": 4, \"resloved\": 1}\n", "f:1: `resloved` is neither a column nor a metric"),
        ("{\"user\": \"u\", \"rating\": 4, \"rating\": 3}\n", "`rating` stands twice"),
        ("{\"user\": 123456789012345678901, \"rating\": 4}\n", "is no id: write it as text"),
        ("{\"user\": true, \"rating\": 4}\n", "`true` is no id: write it as text"),
        ("user,metric,value,rating\nu,rating,1,5\n", "a `metric`, and a value under `rating` too"),
        ("user,rating\r\n\r\nu,4\r\nu2,9\r\n", "f:4: 9 lies outside"),
        ("user,rating\nu,\x1b[31mx\n", "f:2: `rating`: `\u{fffd}[31mx` is no number"),
        ("user;rating\nu;3,5\n", "f:2: `rating`: `3,5` is no number: write 3.5"),
        ("user,rating\nu,4,1\n", "f:2: there are 3 cells, and the header has 2"),
        ("user,rating\nu,4\nu2\n", "f:3: there is 1 cell, and the header has 2"),
        ("{\"user\": \"u\", \"rating\": 4}\n\n[1]\n", "f:3: this is no JSON object"),
        ("{\"user\": \"u\", \"rating\": 4}\n{\"user\"\n", "f:2: this is no JSON object: "),
    ] {
        project.write("f", text);
        project.run(&["ab", "import", "tone", "f"]).code(2).says(says);
    }
    project.write("f", "{\"user\": \"u\", \"rating\": 4, \"experiment\": \"tone\"}\n");
    project.run(&["ab", "import", "f"]).code(0).says("1 record imported");
    project.write("f", "user,rating,experiment\nu,4,tune\n");
    project.run(&["ab", "import", "f"]).code(2).says("f:2: this belongs to the experiment `tune`, not to `tone`");
    project.write("f", "user,rating\nu,4\n");
    project.run(&["ab", "import", "tone", "f", "--map", "rating=stars"]).code(2).says("has no column `stars`");
    project.run(&["ab", "import", "tone", "."]).code(2).says("cannot read `.`");
    for (text, says) in [
        ("user,rating\nu1,4\n\"u2,4\nu3,5\nu4,5\n", "f:3: a quote is opened here and never closed; nothing"),
        ("user,rating\nu,9\nu,8\n", "2 lines of `f` refused; nothing is imported"),
    ] {
        project.write("f", text);
        project.run(&["ab", "import", "tone", "f", "--skip-refused"]).code(2).says(says);
    }
    project.write("f", "user,rating,country\nu9,4,LV\n");
    project.run(&["ab", "import", "tone", "f"]).code(0).says("1 record imported").says("not read: country");
}

#[test]
fn an_event_that_is_known_otherwise_is_refused() {
    let project = running();
    let record = |pair: &str| project.run(&["ab", "record", "tone", "--user", "u", "--event", "e", "--metric", pair]);
    record("rating=4").code(0);
    record("rating=4").code(0).says("this event is known");
    record("rating=5").code(2).says("the event `e` is known with 4, and 5 is said here");
    project.write("f", "user,event,rating\nu,e,4\nu,e,3\nu2,e,3\n");
    let refused = project.run(&["ab", "import", "tone", "f"]).code(2);
    refused.says("f:3: the event `e` is known with 4, and 3 is said here").says("nothing is imported");
    let rest = project.run(&["ab", "import", "tone", "f", "--skip-refused"]).code(0);
    rest.says("1 record imported").says("1 record known already").says("1 line refused");
}

#[test]
fn what_came_of_one_phase_is_not_counted_in_another() {
    let project = running();
    let log = project.run(&["ab", "list", "--format", "json"]).code(0);
    let list: Value = serde_json::from_str(&log.out).unwrap();
    let since = list["experiments"][0]["since"].as_str().unwrap().to_owned();
    project.write("experiments/tone.yaml", PLAN.replace("2.1.0", "2.2.0"));
    project.run(&["ab", "start", "tone"]).code(0).says("phase 2");
    let mut csv = "user,time,rating\n".to_owned();
    for user in users(200) {
        csv += &format!("{user},{since},5\n");
    }
    project.write("f", format!("{csv}late,,4\n"));
    let untimed = project.run(&["ab", "import", "tone", "f", "--expose"]).code(2);
    untimed.says("f:202: this has no time, and could belong to a phase before 2: --at says it of all");
    let now = prompteval::env::format_time(prompteval::env::Clock::real().now_millis());
    project.run(&["ab", "import", "tone", "f", "--expose", "--at", &now]).code(0).says("201 records imported");
    let counted = |words: &[&str]| -> u64 {
        let ran = project.run(&[&["ab", "analyze", "tone", "--format", "json"], words].concat());
        let said: Value = serde_json::from_str(&ran.out).unwrap();
        said["analysis"]["ratios"][0]["users"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum()
    };
    assert_eq!((counted(&[]), counted(&["--phase", "1"])), (1, 200));
    project.write("f", format!("{csv}old,2026-01-01,5\nnew,2126-01-01,5\n"));
    let refused = project.run(&["ab", "import", "tone", "f"]).code(2);
    refused.says("f:202: at 2026-01-01T00:00:00.000Z the experiment had not begun").says("f:203: 2126-01-01");
}

#[test]
fn values_that_add_up_or_follow_each_other_must_be_told_apart() {
    let extra = "guardrails: [{metric: cost, aggregate: sum, margin: 1}, {metric: mood, aggregate: last, margin: 1}]";
    let project = planned(&PLAN.replace("guardrails: [{metric: resolved, scale: [0, 1], margin: 0.1}]", extra));
    project.run(&["ab", "start", "tone"]).code(0);
    for (text, says) in [
        ("user,cost\nu,7.5\nu,7.5\n", "f:2: `cost` is a sum: without an `event`"),
        ("user,mood\nu,5\nu,1\n", "f:2: the last `mood` counts: without a `time`"),
    ] {
        project.write("f", text);
        project.run(&["ab", "import", "tone", "f"]).code(2).says(says);
    }
    project.write("f", "user,cost,event\nu,7.5,a\nu,7.5,b\n");
    project.run(&["ab", "import", "tone", "f"]).code(0).says("2 records imported");
    project.run(&["ab", "record", "tone", "--user", "-u", "--metric", "mood=2"]).code(0);
    project.run(&["ab", "record", "tone", "--user", "u", "--metric", "mod=2"]).code(2).says("did you mean `mood`?");
}

#[test]
fn exposures_are_as_old_as_what_they_brought_about() {
    let project = running();
    project.write("f", "user,rating\nu1,4\nu2,4\nu3,4\n");
    project.run(&["ab", "import", "tone", "f"]).code(0);
    project
        .run(&["ab", "import", "tone", "f", "--expose"])
        .code(0)
        .says("3 records known already")
        .says("3 users logged");
    let known = |at: usize| {
        let users = analysis(&project)["analysis"]["ratios"][at]["users"].clone();
        users.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((known(0), known(1)), (3, 3));
    // Applications tell whole seconds, and their users are quick.
    project.run(&["ab", "assign", "tone", "--user", "u4", "--expose"]).code(0);
    let second = (prompteval::env::Clock::real().now_millis() / 1000).to_string();
    project.run(&["ab", "record", "tone", "--user", "u4", "--metric", "rating=4", "--at", &second]).code(0);
    assert_eq!((known(0), known(1)), (4, 4));
}

#[test]
fn after_the_end_nobody_is_exposed_and_only_who_was_counts() {
    let project = running();
    project.run(&["ab", "stop", "tone", "-m", "keep plain"]).code(0);
    project.write("f", "user,rating\nu1,4\nu2,4\n");
    project
        .run(&["ab", "import", "tone", "f", "--expose"])
        .code(2)
        .says("nobody was exposed after the experiment was stopped");
    project.run(&["ab", "import", "tone", "f"]).code(0).says("2 records imported");
    project
        .run(&["ab", "record", "tone", "--user", "u3", "--metric", "rating=4"])
        .code(0)
        .says("the experiment was stopped");
    project.run(&["ab", "analyze", "tone"]).code(0).says("rating: plain 0, warm 0");
}

#[test]
fn a_winner_that_loses_later_is_not_promoted() {
    let project = running();
    project.write("prompteval.yaml", "labels: {staging: {gated: false}}\n");
    ratings(&project, 1200, 2);
    project.run(&["ab", "import", "tone", "ratings.csv", "--expose"]).code(0);
    project.run(&["ab", "analyze", "tone"]).code(0).says("→ better");
    let mut csv = "user,rating,resolved\n".to_owned();
    let more: Vec<String> = (0..6000).map(|n| format!("late-{n}")).collect();
    for line in assigned(&project, &more) {
        let (rating, resolved) = if line["arm"] == "warm" { (1, 0) } else { (5, 1) };
        csv += &format!("{},{rating},{resolved}\n", line["user"].as_str().unwrap());
    }
    project.write("late.csv", csv);
    project.run(&["ab", "import", "tone", "late.csv", "--expose"]).code(0);
    project.run(&["ab", "analyze", "tone"]).code(0).says("→ better").says("BUT NOW:");
    project.run(&["prompt", "withdraw", "support", "2.1.0", "-m", "rude"]).code(0).says("the experiment tone runs on");
    project.run(&["ab", "list"]).code(0).says("warm 2.1.0 withdrawn");
    let refused = project.run(&["ab", "promote", "tone", "--to", "staging"]).code(102);
    refused.says("showed that warm is better, and shows the contrary now: guard");
}

#[test]
fn who_was_never_exposed_is_left_out_and_counted() {
    let project = running();
    project.run(&["ab", "assign", "tone", "--user", "u1", "--expose"]).code(0);
    project.write("f", "user,rating\nu1,4\nu2,4\nu3,4\n");
    project.run(&["ab", "import", "tone", "f"]).code(0);
    assert_eq!(analysis(&project)["analysis"]["ratios"][1]["leftOut"], 2);
    project.run(&["ab", "analyze", "tone"]).says("; 2 left out: not exposed before");
}

#[test]
fn an_analysis_says_what_may_be_said() {
    let project = running();
    project.run(&["ab", "analyze", "tone"]).code(0).says("no data").says("keep collecting");
    ratings(&project, 80, 2);
    project.run(&["ab", "import", "tone", "ratings.csv", "--expose"]).code(0);
    project.run(&["ab", "analyze", "tone"]).code(0).says("still collecting").says("keep collecting");
    ratings(&project, 1500, 2);
    project.run(&["ab", "import", "tone", "ratings.csv", "--expose"]).code(0);
    let ran = project.run(&["ab", "analyze", "tone"]).code(0);
    ran.says("valid however often you look").says("valid only had you planned").says("→ better");
    assert_eq!(analysis(&project)["analysis"]["arms"][0]["verdict"], "better");
    let page = project.run(&["ab", "analyze", "tone", "--format", "html"]).code(0);
    page.says("<h2>warm against plain</h2>").never_says("<script");
    project.run(&["ab", "analyze", "tone", "--format", "markdown"]).code(0).says("## warm against plain");
    // What was decided stays so, whatever comes.
    let mut csv = "user,event,rating\n".to_owned();
    for (n, line) in assigned(&project, &users(1500)).iter().enumerate() {
        let rating = if line["arm"] == "warm" { 1 } else { 5 };
        (0..9).for_each(|again| csv += &format!("{},late-{n}-{again},{rating}\n", line["user"].as_str().unwrap()));
    }
    project.write("late.csv", csv);
    project.run(&["ab", "import", "tone", "late.csv"]).code(0);
    project.run(&["ab", "analyze", "tone"]).code(0).says("→ better").says("(decided ");
}

#[test]
fn users_who_came_in_another_proportion_show_nothing() {
    let project = running();
    ratings(&project, 2000, 2);
    let all = project.read("ratings.csv");
    let warm: Vec<bool> = assigned(&project, &users(2000)).iter().map(|line| line["arm"] == "warm").collect();
    let mut lines = all.lines();
    let mut csv = lines.next().unwrap().to_owned() + "\n";
    // A third of the warm users is lost on the way.
    for (n, line) in lines.enumerate().filter(|(n, _)| !(warm[*n] && n % 3 == 0)) {
        csv += &format!("{line}{}", if n < 2000 { "\n" } else { "" });
    }
    project.write("ratings.csv", csv);
    project.run(&["ab", "import", "tone", "ratings.csv", "--expose"]).code(0);
    project
        .run(&["ab", "analyze", "tone"])
        .code(102)
        .says("INVALID")
        .says("are not split as planned")
        .never_says("better");
    project.run(&["ab", "promote", "tone", "--to", "staging"]).code(2);
    project.write("prompteval.yaml", "labels: {staging: {gated: false}}\n");
    let refused = project.run(&["ab", "promote", "tone", "--to", "staging"]).code(102);
    refused.says("does not show that warm is better: the exposed users are not split");
    project.run(&["audit", "log"]).code(0).says("promote.denied");
}

#[test]
fn users_are_never_dealt_out_by_guesswork() {
    let project = running();
    let log = project.read("prompts/audit.jsonl");
    for (from, to) in [("growthbook-v2", "growthbook-v3"), ("\"allocation\":", "\"allotment\":")] {
        project.write("prompts/audit.jsonl", log.replace(from, to));
        let refused = project.run(&["ab", "assign", "tone", "--user", "u"]).code(103);
        refused.says("entry 3 of the log tells of an experiment that this version cannot run").never_says("support@");
    }
}

#[test]
fn experiments_of_a_namespace_share_no_users() {
    let space = |from: u32, to: u32| format!("{PLAN}namespace: {{name: checkout, from: {from}, to: {to}}}\n");
    let project = planned(&space(0, 5000)).file("experiments/other.yaml", &space(4000, 9000));
    project.run(&["ab", "start", "tone"]).code(0);
    project.run(&["ab", "start", "other"]).code(2).says("runs on places 0 to 5000 of the namespace `checkout` already");
    project.write("experiments/other.yaml", space(5000, 10_000));
    project.run(&["ab", "start", "other"]).code(0).says("25 %  support@2.0.0");
    let arms = |name: &str| -> Vec<bool> {
        project.write("users.txt", users(500).join("\n"));
        let ran = project.run(&["ab", "assign", name, "--users", "users.txt"]).code(0);
        ran.out.lines().map(|line| !serde_json::from_str::<Value>(line).unwrap()["arm"].is_null()).collect()
    };
    // Users who could be in both must not be dealt out alike.
    project.write("experiments/third.yaml", format!("{PLAN}key: tone\n"));
    project.run(&["ab", "start", "third"]).code(2).says("`tone` runs with the key `tone` too");
    let (one, other) = (arms("tone"), arms("other"));
    assert!(one.iter().zip(&other).all(|(one, other)| one != other), "each user is in one of the two");
}

#[test]
fn a_simulation_shows_what_to_expect_and_makes_users_that_can_be_imported() {
    let project = running();
    let words = ["ab", "simulate", "tone", "--effect", "0.8", "--base", "rating=3", "--runs", "40", "--csv", "s.csv"];
    let ran = project.run(&words).code(0).says("no difference").says("better by 0.8").says("half of the decisions");
    let found = ran.out.split("better by").nth(1).unwrap().trim().lines().nth(1).unwrap().trim().to_owned();
    assert!(found.ends_with("%  an arm is found better") && !found.starts_with('0'), "{found}");
    assert_eq!(project.run(&words).code(0).out, ran.out, "the same seed makes the same users");
    project.run(&["ab", "import", "tone", "s.csv"]).code(0).says("2,000 records imported");
    project.run(&["ab", "analyze", "tone"]).code(0).says("rating: 3.").never_says("INVALID");
    for effect in ["99", "nan", "-3"] {
        project
            .run(&["ab", "simulate", "tone", "--effect", effect])
            .code(2)
            .says(&format!("--effect {}", effect.replace("nan", "NaN")));
    }
    project.run(&["ab", "simulate", "tone", "--base", "rating=9"]).code(2).says("9 lies outside the scale of `rating`");
}

#[test]
fn a_process_answers_each_user_at_once_and_logs_them_first() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::Stdio;
    let project = running();
    let mut command = project.command(&["ab", "assign", "tone", "--users", "-", "--expose"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut ask = |text: &str| -> Vec<Value> {
        stdin.write_all(text.as_bytes()).unwrap();
        let lines = text.matches('\n').count();
        let mut line = || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            serde_json::from_str::<Value>(&line).unwrap()
        };
        (0..lines).map(|_| line()).collect()
    };
    let exposed = || {
        analysis(&project)["analysis"]["ratios"][0]["users"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(ask("u1\n")[0]["user"], "u1");
    assert_eq!(exposed(), 1);
    let answers = ask("josé\n用户\n🦀 with blanks \n\n");
    assert_eq!((&answers[2]["user"], &answers[3]["why"]), (&Value::from("🦀 with blanks "), &Value::from("no_id")));
    assert_eq!(exposed(), 4);
    // It notices what happens to the experiment.
    project.write("experiments/tone.yaml", PLAN.replace("2.1.0", "2.2.0"));
    project.run(&["ab", "start", "tone"]).code(0);
    assert_eq!(ask("u1\n")[0]["phase"], 2);
    assert_eq!(exposed(), 1);
    project.run(&["ab", "stop", "tone", "-m", "enough"]).code(0);
    assert_eq!(ask("u1\n")[0]["why"], "stopped");
    stdin.write_all(b"\xff\n").unwrap();
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.contains("\"why\":\"no_utf8\""), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn many_write_at_once() {
    let project = running();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let project = &project;
            scope.spawn(move || {
                for user in 0..5 {
                    let user = format!("u{n}-{user}");
                    project
                        .run(&["ab", "record", "tone", "--user", &user, "--metric", "rating=4", "--event", "e"])
                        .code(0);
                }
            });
        }
    });
    let users = analysis(&project)["analysis"]["ratios"][0]["users"].clone();
    assert_eq!(users[0].as_u64().unwrap() + users[1].as_u64().unwrap(), 40);
}
