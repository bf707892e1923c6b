//! One result on each line.

use std::io::BufRead;
use std::path::Path;

use super::{HINT, NEWER, ReadError, Reading, unreadable};

pub(super) fn read(path: &Path, mut text: impl BufRead, reading: &mut Reading<'_>) -> Result<(), ReadError> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if text.read_until(b'\n', &mut line).map_err(|error| unreadable(path, &error))? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let item = serde_json::from_slice(line.trim_ascii_end());
        let item = item.map_err(|error| reading.broken(path, &error, number))?;
        if !reading.result(item) {
            if reading.enough {
                break;
            }
            let problem = reading.problem.take().unwrap_or_default();
            let message = format!("`{}` has a result without {problem} (line {number})", path.display());
            return Err(ReadError::new(message).hint(if reading.maker.count == 0 { HINT } else { NEWER }));
        }
    }
    Ok(())
}
