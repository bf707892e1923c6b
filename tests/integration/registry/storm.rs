//! Many processes at once, some of them killed in the middle: nothing is lost, torn or out of step.

#![expect(clippy::disallowed_methods, reason = "the environment says how large it is, and the clock when it ends")]

use std::collections::HashMap;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{draft, entries, files, release, shelf};
use crate::project::Project;

/// Prompts that the storm is about.
const PROMPTS: usize = 4;

/// What became of the processes.
#[derive(Debug, Default)]
struct Tally {
    started: AtomicU64,
    killed: AtomicU64,
    done: AtomicU64,
    refused: AtomicU64,
    /// The label was there already.
    idle: AtomicU64,
}

/// What a process was told, by the reason that its entry must carry.
type Done = Vec<String>;

fn size(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap())
}

/// A registry of a few prompts with two versions each, and a label that asks for nothing.
fn field() -> Project {
    let project = shelf().file("prompteval.yaml", "labels: {staging: {gated: false}}\n");
    for n in 0..PROMPTS {
        let name = format!("p{n}");
        release(&project, &name, "0.1.0", "first");
        release(&project, &name, "0.2.0", "second");
        draft(&project, &name, "draft");
        project.run(&["promote", &name, "0.1.0", "--to", "staging"]).code(0);
    }
    // The key is made anew in the storm, by whoever comes first.
    std::fs::remove_dir_all(project.path().join("home")).unwrap();
    project
}

/// One command, by its number; each has a reason of its own.
fn command(project: &Project, number: u64, random: &mut fastrand::Rng) -> (Child, String) {
    let reason = format!("storm {number}");
    let name = format!("p{}", random.usize(..PROMPTS));
    let (own, other) = (format!("1.{number}.0"), random.choice(["0.1.0", "0.2.0"]).unwrap());
    let args: Vec<&str> = match random.u8(..10) {
        0..4 => vec!["prompt", "release", &name, &own, "-m", &reason],
        4..7 => {
            let anyway = ["--override", "--approver", "bob"];
            [&["promote", &name, other, "--to", "staging", "-m", &reason], &anyway[..]].concat()
        }
        7..9 => vec!["rollback", &name, "--label", "staging", "-m", &reason],
        _ => vec!["prompt", "withdraw", &name, other, "-m", &reason],
    };
    let mut command = project.command(&args);
    (command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), reason)
}

/// Why a command may be refused where others do the same at the same time.
const REFUSALS: [&str; 4] =
    ["decide again with the same command", "that it could go back to", "is withdrawn already", "takes it back"];

/// Starts processes one after the other until the time is up, and kills about a fifth of them, each at a
/// random moment of the time that they take.
fn worker(project: &Project, seed: u64, until: Instant, tally: &Tally) -> Done {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut done = Done::new();
    let mut usual = Duration::from_millis(40);
    while Instant::now() < until {
        let number = tally.started.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let (mut child, reason) = command(project, number, &mut random);
        let doomed = random.u8(..5) == 0;
        if doomed {
            std::thread::sleep(usual.mul_f64(random.f64()));
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        if !doomed {
            usual = begun.elapsed();
        }
        let said =
            |text: &str| [&output.stdout, &output.stderr].iter().any(|all| String::from_utf8_lossy(all).contains(text));
        match output.status.code() {
            None => drop(tally.killed.fetch_add(1, Ordering::Relaxed)),
            Some(0) if said("already") => drop(tally.idle.fetch_add(1, Ordering::Relaxed)),
            Some(0) => {
                tally.done.fetch_add(1, Ordering::Relaxed);
                done.push(reason);
            }
            Some(_) if REFUSALS.into_iter().any(said) => drop(tally.refused.fetch_add(1, Ordering::Relaxed)),
            Some(code) => panic!("{reason} ended with {code}: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    done
}

#[test]
fn whatever_happens_at_once_and_whoever_is_killed_nothing_is_lost() {
    let (seconds, processes) = (size("PROMPTEVAL_STORM_SECONDS", 3), size("PROMPTEVAL_STORM_PROCESSES", 16));
    let project = field();
    let tally = Tally::default();
    let until = Instant::now() + Duration::from_secs(seconds);
    let work = |seed| worker(&project, seed, until, &tally);
    let work = &work;
    let done: Done = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..processes).map(|seed| scope.spawn(move || work(seed))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let started = tally.started.load(Ordering::Relaxed);
    assert!(tally.done.load(Ordering::Relaxed) > 0, "{tally:?}");
    // One more command, which finishes what the last of those that were killed left.
    draft(&project, "p0", "after the storm");
    project.run(&["prompt", "release", "p0", "2.0.0", "-m", "after the storm"]).code(0);
    project.run(&["audit", "verify"]).code(0);
    project.run(&["prompt", "verify"]).code(0);
    let all = entries(&project);
    let mut count: HashMap<&str, usize> = HashMap::new();
    for entry in &all {
        *count.entry(entry["reason"].as_str().unwrap_or_default()).or_default() += 1;
    }
    for reason in &done {
        assert_eq!(count.get(reason.as_str()), Some(&1), "{reason} of {tally:?}");
    }
    assert!((0..started).all(|n| count.get(format!("storm {n}").as_str()).is_none_or(|n| *n == 1)), "twice: {tally:?}");
    let left: Vec<String> = files(&project.path().join("prompts")).into_iter().map(|(name, _)| name).collect();
    let torn = |name: &&String| name.contains(".new") || name.contains("pending") || name.contains(".tmp");
    assert!(!left.iter().any(|name| torn(&name)), "{left:?}");
    let entered = count.keys().filter(|reason| reason.starts_with("storm ")).count();
    let beyond = entered - done.len();
    println!("{tally:?}; {} entries, {beyond} of them by processes that were killed or refused", all.len());
}
