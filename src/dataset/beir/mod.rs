//! Retrieval benchmarks as BEIR lays them out: N. Thakur et al., "BEIR: A Heterogeneous Benchmark for Zero-shot
//! Evaluation of Information Retrieval Models", NeurIPS 2021, <https://github.com/beir-cellar/beir/wiki>.
//!
//! ```text
//! DIR/corpus.jsonl     {"_id": "d1", "title": "may be empty or absent", "text": "..."}
//! DIR/queries.jsonl    {"_id": "q1", "text": "..."}
//! DIR/qrels/test.tsv   query-id <tab> corpus-id <tab> score, with or without that first line
//! ```

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Dataset, Pair};

/// The judgements that are read when nobody says which.
const SPLIT: &str = "test";

/// A benchmark, checked as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Beir {
    /// Each document as a pair without a question, its answer being title and text.
    pub documents: Dataset,
    /// Those with a judgement, in the order of their file.
    pub queries: Vec<BeirQuery>,
    /// The name of the judgements.
    pub split: String,
}

/// A query and what was judged for it.
#[derive(Clone, Debug, PartialEq)]
pub struct BeirQuery {
    pub id: String,
    pub text: String,
    /// Ids of documents and their grades, 0 for one that does not help.
    pub grades: Vec<(String, u8)>,
}

/// Why a benchmark was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BeirError {
    #[error("{} could not be read ({source}); a BEIR folder holds corpus.jsonl, queries.jsonl and qrels/*.tsv", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{file}:{line}: {why}; {instead}")]
    Line {
        file: String,
        line: usize,
        why: String,
        instead: &'static str,
    },
    #[error("{file} holds nothing; {instead}")]
    Empty { file: String, instead: &'static str },
    #[error("{} has no judgements named {split}: it has {known}; name one of them with --split", folder.display())]
    Split {
        folder: PathBuf,
        split: String,
        known: String,
    },
}

const DOCUMENT: &str = r#"write one JSON object a line, as in {"_id": "d1", "title": "", "text": "..."}"#;
const QUERY: &str = r#"write one JSON object a line, as in {"_id": "q1", "text": "..."}"#;
const JUDGEMENT: &str = "write a query's id, a document's id and a grade from 0 to 255, with tabs between";

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: Option<String>,
    text: String,
}

#[derive(Deserialize)]
struct Query {
    #[serde(rename = "_id")]
    id: String,
    text: String,
}

impl Beir {
    /// Whether a path is a folder in this form.
    pub fn is_at(folder: &Path) -> bool {
        folder.join("corpus.jsonl").is_file()
    }

    /// Reads a whole benchmark with the judgements of a split: `test`, or the only one there is.
    ///
    /// # Errors
    /// Names the file, the line, what is wrong and what to write instead; also for an empty query, an id that is used
    /// twice and a judgement of something that is not there.
    pub fn load(folder: &Path, split: Option<&str>) -> Result<Self, BeirError> {
        let documents = Self::documents(folder)?;
        let (path, split) = judgements(folder, split)?;
        let file = path.display().to_string();
        let known: HashSet<&str> = documents.pairs.iter().map(|pair| pair.id.as_str()).collect();
        let mut queries = queries(&folder.join("queries.jsonl"))?;
        let places: HashMap<String, usize> = queries.iter().map(|query| query.id.clone()).zip(0..).collect();
        let mut judged = HashSet::new();
        let mut read = 0;
        for (line, number) in lines(&path)?.zip(1..) {
            let wrong = |why: String, instead| BeirError::Line {
                file: file.clone(),
                line: number,
                why,
                instead,
            };
            let line = line.map_err(|error| wrong(error.to_string(), JUDGEMENT))?;
            let fields: Vec<&str> = line
                .trim_end_matches(['\r', '\n'])
                .split('\t')
                .map(str::trim)
                .collect();
            if fields.iter().all(|field| field.is_empty())
                || (number == 1 && fields.first() == Some(&"query-id"))
            {
                continue;
            }
            let [query, document, grade] = fields.as_slice() else {
                let why = format!("a judgement has 3 fields, this line has {}", fields.len());
                return Err(wrong(why, JUDGEMENT));
            };
            let grade: u8 = grade
                .parse()
                .map_err(|_| wrong(format!("{:?} is no grade", cut(grade)), JUDGEMENT))?;
            let place = places.get(*query).and_then(|place| queries.get_mut(*place));
            let Some(place) = place else {
                let why = format!("queries.jsonl has no query {:?}", cut(query));
                return Err(wrong(why, "add it there or delete its judgements"));
            };
            if !known.contains(document) {
                let why = format!("corpus.jsonl has no document {:?}", cut(document));
                return Err(wrong(why, "add it there or delete the judgement"));
            }
            if !judged.insert(((*query).to_owned(), (*document).to_owned())) {
                let why = format!(
                    "the document {:?} is judged twice for {:?}",
                    cut(document),
                    cut(query)
                );
                return Err(wrong(why, "keep one of the judgements"));
            }
            place.grades.push(((*document).to_owned(), grade));
            read += 1;
        }
        if read == 0 {
            return Err(BeirError::Empty {
                file,
                instead: JUDGEMENT,
            });
        }
        queries.retain(|query| query.grades.iter().any(|(_, grade)| *grade > 0));
        Ok(Self {
            documents,
            queries,
            split,
        })
    }

    /// Reads the documents alone.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn documents(folder: &Path) -> Result<Dataset, BeirError> {
        let path = folder.join("corpus.jsonl");
        let mut ids = HashSet::new();
        let mut pairs = Vec::new();
        for (number, document) in objects::<Document>(&path, DOCUMENT)? {
            let title = document.title.as_deref().unwrap_or_default().trim();
            let text = format!("{title} {}", document.text.trim());
            let why = if text.trim().is_empty() {
                "the document is empty".to_owned()
            } else if !ids.insert(document.id.clone()) {
                format!("the id {:?} is used twice", cut(&document.id))
            } else {
                pairs.push(Pair {
                    id: document.id,
                    answer: text.trim().to_owned(),
                    ..Pair::default()
                });
                continue;
            };
            return Err(BeirError::Line {
                file: path.display().to_string(),
                line: number,
                why,
                instead: "correct or delete the line",
            });
        }
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        Ok(Dataset::new(name.to_string_lossy(), pairs))
    }
}

fn queries(path: &Path) -> Result<Vec<BeirQuery>, BeirError> {
    let mut ids = HashSet::new();
    let mut queries = Vec::new();
    for (number, query) in objects::<Query>(path, QUERY)? {
        let wrong = |why: String| BeirError::Line {
            file: path.display().to_string(),
            line: number,
            why,
            instead: "correct or delete the line",
        };
        if query.text.trim().is_empty() {
            return Err(wrong(format!("the query {:?} is empty", cut(&query.id))));
        }
        if !ids.insert(query.id.clone()) {
            return Err(wrong(format!("the id {:?} is used twice", cut(&query.id))));
        }
        queries.push(BeirQuery {
            id: query.id,
            text: query.text,
            grades: Vec::new(),
        });
    }
    Ok(queries)
}

/// The file of a split and its name.
fn judgements(folder: &Path, split: Option<&str>) -> Result<(PathBuf, String), BeirError> {
    let qrels = folder.join("qrels");
    let unreadable = |source| BeirError::Unreadable {
        path: qrels.clone(),
        source,
    };
    let mut known = Vec::new();
    for entry in std::fs::read_dir(&qrels).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == "tsv") {
            known.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    known.sort_unstable();
    let wanted = match (split, known.as_slice()) {
        (Some(split), _) => split,
        (None, [only]) => only.as_str(),
        (None, _) => SPLIT,
    };
    if !known.iter().any(|name| name == wanted) {
        return Err(BeirError::Split {
            split: cut(wanted),
            known: if known.is_empty() {
                "no .tsv at all".to_owned()
            } else {
                known.join(", ")
            },
            folder: qrels,
        });
    }
    Ok((qrels.join(format!("{wanted}.tsv")), wanted.to_owned()))
}

/// The objects of a file of JSON Lines with the line of each.
fn objects<T: DeserializeOwned>(path: &Path, instead: &'static str) -> Result<Vec<(usize, T)>, BeirError> {
    let file = path.display().to_string();
    let mut objects = Vec::new();
    for (line, number) in lines(path)?.zip(1..) {
        let wrong = |why: String| BeirError::Line {
            file: file.clone(),
            line: number,
            why,
            instead,
        };
        let line = line.map_err(|error| wrong(error.to_string()))?;
        let line = line.strip_prefix('\u{feff}').unwrap_or(&line);
        if !line.trim().is_empty() {
            let object = serde_json::from_str(line).map_err(|error| wrong(cut(&error.to_string())))?;
            objects.push((number, object));
        }
    }
    if objects.is_empty() {
        return Err(BeirError::Empty { file, instead });
    }
    Ok(objects)
}

fn lines(path: &Path) -> Result<std::io::Lines<BufReader<File>>, BeirError> {
    let opened = File::open(path).map_err(|source| BeirError::Unreadable {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(BufReader::new(opened).lines())
}

/// As much of a text as an error sentence repeats.
fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests;
