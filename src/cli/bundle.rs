//! `prompteval bundle`.

use std::path::{Path, PathBuf};

use super::baseline::LIVE;
use super::exit::{ExitStatus, Failure};
use super::keep::shorter;
use super::project::RegistryArgs;
use super::screen::{Ink, Screen, count};
use super::signing::{self, public};
use crate::diag::io_reason;
use crate::env::{Env, format_time};
use crate::prompts::label_name;
use crate::registry::{Bundle, BundleTrouble};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct BundleCommand {
    #[command(subcommand)]
    action: Option<BundleAction>,
    /// The label whose prompts go into it
    #[arg(long, value_name = "LABEL", default_value = LIVE)]
    label: String,
    /// Where to write it; `-` for stdout
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, clap::Subcommand)]
enum BundleAction {
    /// Is it as it was signed, and every text what its hash says?
    Verify {
        /// The bundle
        file: PathBuf,
        /// The public key that it must be signed with, or a file with it
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
}

pub(super) fn bundle(command: &BundleCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    match &command.action {
        Some(BundleAction::Verify { file, key }) => verify(file, key.as_deref(), cwd, screen),
        None => write(command, env, cwd, screen),
    }
}

fn write(command: &BundleCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    label_name(&command.label).map_err(|why| Failure::new(ExitStatus::Usage, why))?;
    let opened = command.registry.existing(env, cwd, screen)?;
    let key = signing::key(&opened.env, screen)?;
    let bundle = Bundle::of(&opened.registry, &command.label, format_time(env.clock.now_millis()), &key)?;
    let text = bundle.text();
    if command.output.as_os_str() == "-" {
        screen.out(text.trim_end());
        return Ok(ExitStatus::Success);
    }
    let path = cwd.join(&command.output);
    let shown = shorter(&path, cwd).display().to_string();
    let written = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(cwd);
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        file.as_file().sync_data()?;
        file.persist(&path).map_err(|e| e.error).map(drop)
    };
    written().map_err(|e| Failure::new(ExitStatus::Failed, format!("cannot write `{shown}`: {}", io_reason(&e))))?;
    screen.out(&format!("wrote {shown}: {} of {}", count(bundle.prompts.len() as u64, "prompt"), command.label));
    Ok(ExitStatus::Success)
}

fn verify(file: &Path, key: Option<&str>, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let shown = file.display();
    let key = key.map(|word| public(word, cwd)).transpose()?;
    let bytes = std::fs::read(cwd.join(file))
        .map_err(|e| Failure::new(ExitStatus::Usage, format!("cannot read `{shown}`: {}", io_reason(&e))))?;
    let altered =
        |what: &str| Err(Failure::new(ExitStatus::Altered, format!("`{shown}` is not to be trusted: {what}")));
    match Bundle::verify(&bytes, key.as_ref()) {
        Ok(bundle) => {
            let signer = if key.is_some() {
                "the key you gave".into()
            } else {
                format!("{}, which nobody vouched for: give --key", bundle.key)
            };
            let prompts = count(bundle.prompts.len() as u64, "prompt");
            let word = screen.paint(Ink::Good, "the bundle holds");
            screen.wrapped(
                "",
                "",
                &format!("{word}: {prompts} of {} as of {}, signed by {signer}", bundle.label, bundle.created),
            );
            Ok(ExitStatus::Success)
        }
        Err(BundleTrouble::Unreadable(why)) => {
            Err(Failure::new(ExitStatus::Usage, format!("`{shown}` is no bundle: {why}")))
        }
        Err(BundleTrouble::Signature) => altered("it is not signed by this key, or was changed after signing"),
        Err(BundleTrouble::Content(prompt)) => altered(&format!("the text of {prompt} is not what its hash says")),
        Err(BundleTrouble::Checkpoint) => altered("its checkpoint is not signed by its key"),
    }
}
