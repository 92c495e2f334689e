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

#[cfg(test)]
mod tests {
    use super::super::{Level, Worked};
    use super::*;

    /// Writes files into a new folder.
    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    fn load(name: &str, bytes: &[u8]) -> Result<Dataset, DatasetError> {
        let folder = folder(&[(name, bytes)]);
        Dataset::load(&folder.path().join(name))
    }

    /// The error's sentence, with the folder left out.
    fn sentence(name: &str, bytes: &[u8]) -> String {
        let folder = folder(&[(name, bytes)]);
        let error = Dataset::load(&folder.path().join(name)).unwrap_err();
        error
            .to_string()
            .replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn a_full_object_is_read_with_every_field() {
        let dataset = load(
            "house.json",
            br#"[
  {
    "id": "amm-il", "question": "What is IL?", "answer": "It is 5.7% here.", "topic": "amm", "level": "expert",
    "aliases": ["a", "b"], "sources": ["s"], "as_of": "2025-06",
    "worked": [{"formula": "0.057", "result": 0.057, "shown": "5.7%"}], "unknown": null
  }
]"#,
        )
        .unwrap();
        assert_eq!(dataset.name, "house");
        assert_eq!(
            dataset.pairs,
            [Pair {
                id: "amm-il".into(),
                question: "What is IL?".into(),
                answer: "It is 5.7% here.".into(),
                topic: Some("amm".into()),
                level: Some(Level::Expert),
                aliases: vec!["a".into(), "b".into()],
                sources: vec!["s".into()],
                as_of: Some("2025-06".into()),
                worked: vec![Worked {
                    formula: "0.057".into(),
                    result: 0.057,
                    shown: "5.7%".into(),
                }],
            }]
        );
        assert_eq!(dataset.origin(0).unwrap().line, 2);
    }

    #[test]
    fn older_sets_with_numbers_for_ids_are_read() {
        let dataset = load("old.json", br#"[{"id": 1, "question": "q?", "answer": "a"}]"#).unwrap();
        assert_eq!(dataset.pairs[0].id, "1");
    }

    #[test]
    fn json_lines_and_csv_read_like_json() {
        let json = load(
            "set.json",
            br#"[{"id":"x","question":"q, r?","answer":"a","level":"basic","aliases":["b","c"],"sources":["s"]},
                {"id":"y","question":"z?","answer":"w"}]"#,
        );
        let lines = load(
            "set.jsonl",
            b"{\"id\":\"x\",\"question\":\"q, r?\",\"answer\":\"a\",\"level\":\"basic\",\"aliases\":[\"b\",\"c\"],\"sources\":[\"s\"]}\r\n\n{\"id\":\"y\",\"question\":\"z?\",\"answer\":\"w\"}",
        );
        let csv = load(
            "set.csv",
            b"ID,question,answer,level,aliases,sources\r\nx,\"q, r?\",a,basic,b | c,s\r\ny,z?,w,,,\r\n",
        );
        let json = json.unwrap();
        assert_eq!(lines.as_ref().unwrap().pairs, json.pairs);
        assert_eq!(csv.as_ref().unwrap().pairs, json.pairs);
        assert_eq!(lines.unwrap().origin(1).unwrap().line, 3);
        assert_eq!(csv.unwrap().origin(1).unwrap().line, 3);
    }

    #[test]
    fn a_byte_order_mark_is_tolerated_in_every_form() {
        assert!(
            load(
                "a.json",
                b"\xef\xbb\xbf[{\"id\":1,\"question\":\"q\",\"answer\":\"a\"}]"
            )
            .is_ok()
        );
        assert!(
            load(
                "a.jsonl",
                b"\xef\xbb\xbf{\"id\":1,\"question\":\"q\",\"answer\":\"a\"}"
            )
            .is_ok()
        );
        assert!(load("a.csv", b"\xef\xbb\xbfid,question,answer\n1,q,a\n").is_ok());
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_its_names() {
        let folder = folder(&[
            ("b.jsonl", b"{\"id\":\"2\",\"question\":\"q\",\"answer\":\"a\"}"),
            ("a.csv", b"id,question,answer\n1,pool,a\n"),
            ("notes.txt", b"not a set"),
        ]);
        let dataset = Dataset::load(folder.path()).unwrap();
        assert_eq!(
            dataset
                .pairs
                .iter()
                .map(|pair| pair.id.as_str())
                .collect::<Vec<_>>(),
            ["1", "2"]
        );
        assert_eq!(
            Some(dataset.name.as_str()),
            folder.path().file_name().unwrap().to_str()
        );
    }

    #[test]
    fn every_error_names_the_place_and_the_way_out() {
        let cases: &[(&str, &[u8], &str)] = &[
            ("a.json", b"[]", "a.json holds no pair; add at least one object with `id`, `question` and `answer`"),
            ("a.csv", b"", "a.csv:1:1: the field `id` has no column; the first row must name at least id, question and answer"),
            (
                "a.txt",
                b"x",
                "a.txt ends in none of .json, .jsonl, .ndjson, .csv, so its form is unknown; rename it by its form",
            ),
            (
                "a.json",
                b"[\n{\"id\": \"\xff\"}]",
                "a.json:2: the text is not valid UTF-8; save the file as UTF-8 and load it again",
            ),
            (
                "a.json",
                b"[\n  {\"id\": 1,}\n]",
                "a.json:2:12: the JSON is broken here (trailing comma); correct it and load the file again",
            ),
            (
                "a.jsonl",
                b"{\"id\":1,\"question\":\"q\",\"answer\":\"a\"}\n{\"id\"\n",
                "a.jsonl:3:0: the JSON is broken here (EOF while parsing an object); correct it and load the file again",
            ),
            (
                "a.json",
                b"{\"id\": 1}",
                "a.json:1:1: expected an array `[...]` of objects; a file with one object a line must end in .jsonl",
            ),
            (
                "a.json",
                b"[\n\n  3]",
                "a.json:3:3: expected an object with `id`, `question` and `answer`, found a number",
            ),
            (
                "a.json",
                b"[{\"id\":1,\"question\":\"q\"}]",
                "a.json:1:2: the field `answer` is missing; add it as a string",
            ),
            (
                "a.json",
                b"[{\"id\":1,\"question\":\"\\\"answer\\\": x\",\n  \"answer\" : [1]}]",
                "a.json:2:3: the field `answer` is an array; write a string instead",
            ),
            (
                "a.json",
                b"[{\"id\":1,\"question\":\"q\",\"answer\":\"a\",\"aliases\":[\"x\",2]}]",
                "a.json:1:38: the field `aliases` holds a number; every item must be a string",
            ),
            (
                "a.json",
                b"[{\"id\":1,\"question\":\"q\",\"answer\":\"a\",\"level\":\"hard\"}]",
                "a.json:1:38: the field `level` is \"hard\"; use one of basic, intermediate, expert or leave it out",
            ),
            (
                "a.csv",
                b"id,question,answer\n1,q,a\n2,q\n",
                "a.csv:3:1: the row has 2 cells and the header has 3; put text that holds commas or line breaks between \
                 double quotes",
            ),
            (
                "a.csv",
                b"id,question,answer,level\n1,q,a,hard\n",
                "a.csv:2:4: the field `level` is \"hard\"; use one of basic, intermediate, expert or leave the cell empty",
            ),
            (
                "a.json",
                b"[{\"id\":1,\"question\":\"gas\",\"answer\":\"a\"},\n{\"id\":1,\"question\":\"\",\"answer\":\"a\"}]",
                "a.json:2: pair \"1\": the field `question` is empty; fill it or remove the pair. \
                 One more error: `defi-qa dataset validate` lists both.",
            ),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(sentence(name, bytes), *expected);
        }
    }

    #[test]
    fn a_path_that_is_not_there_and_an_empty_folder_are_told_apart() {
        let folder = folder(&[]);
        let missing = Dataset::load(&folder.path().join("none.json"))
            .unwrap_err()
            .to_string();
        assert!(missing.starts_with("the data set "), "{missing}");
        assert!(
            missing.ends_with("; check the path and its permissions"),
            "{missing}"
        );
        let empty = Dataset::load(folder.path()).unwrap_err().to_string();
        assert!(
            empty.ends_with(" holds no .json, .jsonl or .csv file; name a folder that does, or one file"),
            "{empty}"
        );
    }

    #[test]
    fn what_is_read_leniently_is_left_to_the_validation() {
        let folder = folder(&[("a.csv", b"id,question,answer\n1,q,\n1,q,\n")]);
        let dataset = Dataset::read(&folder.path().join("a.csv")).unwrap();
        assert_eq!(dataset.pairs.len(), 2);
    }
}
