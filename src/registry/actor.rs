//! Who does something, as far as the machine knows.

use std::path::Path;

use super::session::Who;
use crate::audit::{Actor, Ci, Commit};
use crate::env::{Env, git, git_author};

/// A CI service: how it shows, and where it says who, where and which job.
struct Service {
    name: &'static str,
    mark: &'static str,
    user: &'static [&'static str],
    project: &'static str,
    run: &'static [&'static str],
}

/// The services by the variables that their documentation names; the first whose mark is set counts.
static SERVICES: &[Service] = &[
    Service {
        name: "github",
        mark: "GITHUB_ACTIONS",
        user: &["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"],
        project: "GITHUB_REPOSITORY",
        run: &["GITHUB_RUN_ID"],
    },
    Service {
        name: "gitlab",
        mark: "GITLAB_CI",
        user: &["GITLAB_USER_LOGIN"],
        project: "CI_PROJECT_PATH",
        run: &["CI_JOB_URL", "CI_JOB_ID"],
    },
    Service {
        name: "buildkite",
        mark: "BUILDKITE",
        user: &["BUILDKITE_BUILD_CREATOR_EMAIL", "BUILDKITE_BUILD_CREATOR"],
        project: "BUILDKITE_PIPELINE_SLUG",
        run: &["BUILDKITE_BUILD_URL"],
    },
    Service {
        name: "circleci",
        mark: "CIRCLECI",
        user: &["CIRCLE_USERNAME"],
        project: "CIRCLE_PROJECT_REPONAME",
        run: &["CIRCLE_BUILD_URL"],
    },
    Service {
        name: "azure",
        mark: "TF_BUILD",
        user: &["BUILD_REQUESTEDFOREMAIL", "BUILD_REQUESTEDFOR"],
        project: "BUILD_REPOSITORY_NAME",
        run: &["BUILD_BUILDID"],
    },
    Service {
        name: "jenkins",
        mark: "JENKINS_URL",
        user: &["BUILD_USER_ID", "CHANGE_AUTHOR"],
        project: "JOB_NAME",
        run: &["BUILD_URL", "BUILD_NUMBER"],
    },
    Service { name: "ci", mark: "CI", user: &[], project: "", run: &[] },
];

impl Who {
    /// Who gives a command in a folder.
    pub fn here(env: &Env, cwd: &Path) -> Self {
        let os_user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| env.get(name)).map(str::to_owned);
        let actor = Actor { os_user, git_author: git_author(cwd), ci: ci(env) };
        let git = git(cwd).map(|(commit, dirty)| Commit { commit, dirty });
        Self { actor, git, clock: env.clock }
    }
}

fn ci(env: &Env) -> Option<Ci> {
    let set = |name: &str| env.get(name).filter(|value| !matches!(*value, "false" | "0"));
    let service = SERVICES.iter().find(|service| set(service.mark).is_some())?;
    let first =
        |names: &[&str]| names.iter().find_map(|name| env.get(name)).map(|text| env.redactor.clean(text).into());
    Some(Ci {
        system: service.name.to_owned(),
        user: first(service.user),
        project: first(&[service.project]),
        run: first(service.run),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Clock;

    fn read(pairs: &[(&str, &str)]) -> Option<Ci> {
        ci(&Env::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(), Clock::fixed(0)))
    }

    #[test]
    fn ci_services_are_known_by_their_variables() {
        let github = [("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GITHUB_ACTOR", "ada"), ("GITHUB_RUN_ID", "7")];
        let found = read(&github).unwrap();
        assert_eq!(
            (found.system.as_str(), found.user.as_deref(), found.run.as_deref()),
            ("github", Some("ada"), Some("7"))
        );
        assert_eq!(read(&[("CI", "1")]).unwrap().system, "ci");
        assert_eq!(read(&[("CI", "false")]), None);
        assert_eq!(read(&[]), None);
    }
}
