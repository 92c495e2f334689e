//! From bytes on disk to a set: finds the files, checks the encoding, picks the reader by the name's ending.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Dataset, DatasetError, Origin, Pair, csv, json};

/// A pair and the line on which it begins.
pub(super) type Placed = (Pair, usize);

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    JsonLines,
    Csv,
}

impl Form {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// Reads a file or the files of a folder (not of its subfolders), in the order of their names.
pub(super) fn path(path: &Path) -> Result<Dataset, DatasetError> {
    let unreadable = |source| DatasetError::Unreadable {
        path: path.to_path_buf(),
        source,
    };
    let files = if fs::metadata(path).map_err(unreadable)?.is_dir() {
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            if Form::of(&file).is_some() && file.is_file() {
                files.push(file);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(DatasetError::EmptyFolder {
                path: path.to_path_buf(),
            });
        }
        files
    } else {
        vec![path.to_path_buf()]
    };

    let mut dataset = Dataset::new(name_of(path), Vec::new());
    for file in files {
        append_file(&mut dataset, file)?;
    }
    not_empty(dataset, &path.display().to_string())
}

fn append_file(dataset: &mut Dataset, path: PathBuf) -> Result<(), DatasetError> {
    let name = path.display().to_string();
    let Some(form) = Form::of(&path) else {
        return Err(DatasetError::UnknownForm { file: name });
    };
    let bytes = fs::read(&path).map_err(|source| DatasetError::Unreadable { path, source })?;
    let text = decode(&bytes, &name)?;
    let pairs = match form {
        Form::Json => json::array(text, &name)?,
        Form::JsonLines => json::lines(text, &name)?,
        Form::Csv => csv::rows(text, &name)?,
    };
    append(dataset, &name, pairs);
    Ok(())
}

/// Adds the pairs of one file to a set.
pub(super) fn append(dataset: &mut Dataset, file: &str, pairs: Vec<Placed>) {
    let file: Arc<str> = file.into();
    for (pair, line) in pairs {
        dataset.pairs.push(pair);
        dataset.origins.push(Origin {
            file: Arc::clone(&file),
            line,
        });
    }
}

/// Refuses a set without pairs: an answer could never come of it.
pub(super) fn not_empty(dataset: Dataset, file: &str) -> Result<Dataset, DatasetError> {
    if dataset.pairs.is_empty() {
        return Err(DatasetError::Empty {
            file: file.to_owned(),
        });
    }
    Ok(dataset)
}

/// The bytes as text, without the byte order mark that some editors and spreadsheets put first.
fn decode<'a>(bytes: &'a [u8], file: &str) -> Result<&'a str, DatasetError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or(bytes);
            Err(DatasetError::NotUtf8 {
                file: file.to_owned(),
                line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            })
        }
    }
}

fn name_of(path: &Path) -> String {
    let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let name = if absolute.is_dir() {
        absolute.file_name()
    } else {
        absolute.file_stem()
    };
    name.map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
