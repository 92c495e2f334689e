//! The draft that stood in the composer when the application ended, kept for the next start.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Longer drafts are a paste gone wrong, and not worth the disk.
const LONGEST_BYTES: usize = 1_000_000;

/// Where drafts are kept: the platform's folder for the state of programs.
pub(super) fn path() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "defi-qa")?;
    Some(
        dirs.state_dir()
            .unwrap_or_else(|| dirs.data_local_dir())
            .join("draft.txt"),
    )
}

/// The kept draft, if there is one.
pub(super) fn load(path: &Path) -> Option<String> {
    let draft = fs::read(path).ok()?;
    let draft = crate::text::sanitize_bytes(&draft).into_owned();
    (!draft.trim().is_empty()).then_some(draft)
}

/// Keeps a draft, readable by its owner only; a blank one clears what was kept. A draft that cannot be kept is told to the
/// log and stops nobody from leaving.
pub(super) fn keep(path: &Path, draft: &str) {
    let kept = if draft.trim().is_empty() || draft.len() > LONGEST_BYTES {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    } else {
        write(path, draft)
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "the draft was not kept");
    }
}

fn write(path: &Path, draft: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?.write_all(draft.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_comes_back_until_it_was_asked_or_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/draft.txt");
        assert_eq!(load(&path), None);
        keep(&path, "what is\nTVL");
        assert_eq!(load(&path).as_deref(), Some("what is\nTVL"));
        keep(&path, " \n");
        assert_eq!(load(&path), None);
        keep(&path, "");
        assert!(!path.exists());
    }

    #[test]
    fn a_draft_that_was_tampered_with_is_made_safe() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("draft.txt");
        std::fs::write(&path, b"what \x1b]0;x\x07is\xff TVL").unwrap();
        assert_eq!(load(&path).as_deref(), Some("what is\u{fffd} TVL"));
    }
}
