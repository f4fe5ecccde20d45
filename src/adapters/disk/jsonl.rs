//! Files of one JSON object per line: appended by several processes, repaired when a crash tore the last line.
//!
//! A batch is one write to a file opened for appending, so lines of two processes never mix. A torn last line
//! is closed by the newline the next batch begins with; readers pass over what is not a whole object.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::adapters::disk::perms;

/// Appends whole lines; each must end with a newline.
///
/// # Errors
/// Whatever the system says.
pub fn append(path: &Path, lines: &str) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        perms::private_dir(directory)?;
    }
    let mut file = perms::private_file().read(true).append(true).create(true).open(path)?;
    if ends_torn(&mut file)? {
        file.write_all(format!("\n{lines}").as_bytes())
    } else {
        file.write_all(lines.as_bytes())
    }
}

fn ends_torn(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != [b'\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_is_closed_before_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("usage/l.jsonl");

        append(&path, "{\"a\":1}\n").unwrap();
        std::fs::write(&path, "{\"a\":1}\n{\"b\"").unwrap();
        append(&path, "{\"c\":3}\n").unwrap();

        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\":1}\n{\"b\"\n{\"c\":3}\n");
    }
}
