//! Files that are there whole or not at all.

use std::io::Write as _;
use std::path::Path;
use std::{fs, io};

/// Writes a file under its name only once it is whole and on the disk; until then the older one stays. Folders are made.
///
/// # Errors
/// Those of the file system; nothing is left behind.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::create_dir_all(folder.unwrap_or(Path::new(".")))?;
    let neighbour = path.with_extension(format!("{}.part", std::process::id()));
    let mut file = fs::File::create(&neighbour)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let moved = written.and_then(|()| fs::rename(&neighbour, path));
    if moved.is_err() {
        // What is left is of no use, and the error that matters is the one above.
        let _ = fs::remove_file(&neighbour);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_replaces_the_old_one_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/file.bin");
        write(&path, b"old").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
        assert!(write(folder.path(), b"a folder is no file").is_err());
    }
}
