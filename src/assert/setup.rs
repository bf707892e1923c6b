//! How a config is read: what assertions find around them.

use std::fmt;

use crate::diag::{Folder, Problem, Problems};
use crate::judge::{Graders, Role};
use crate::script::Home;
use crate::yaml::Node;

/// Who knows the graders of a config.
pub trait Pick {
    /// The graders that a `provider` of the config names, for these roles.
    fn pick(&self, node: &Node, roles: &[Role], problems: &mut Problems) -> Option<Graders>;
}

/// How a config is read.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The folder that `file://` values are relative to.
    pub base: &'a Folder,
    /// Whether unknown keys are warnings only.
    pub lenient: bool,
    /// Who knows the graders.
    pub graders: &'a dyn Pick,
    /// Where scripts run.
    pub home: &'a Home,
}

impl fmt::Debug for Setup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("base", &self.base).field("lenient", &self.lenient).finish_non_exhaustive()
    }
}

/// No graders at all.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Pick for Nobody {
    fn pick(&self, node: &Node, _: &[Role], problems: &mut Problems) -> Option<Graders> {
        problems.push(Problem::error("there are no graders here").at(&node.span));
        None
    }
}
