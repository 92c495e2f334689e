//! The cache files of this program's Python ancestor: a pickle of
//! `{"embeddings": [{"id", "question", "answer", "question_embedding", "answer_embedding"}, ..],
//! "metadata": {"embedding_model", "embedding_dimension"}, "timestamp": seconds since 1970}`.

use std::sync::Arc;

use super::pickle::{Plain, Value};
use super::{Refused, RefusedWhy, TransferError};
use crate::cache::row::{MAX_DIMENSION, Row, RowFault};
use crate::cache::{CacheKey, PAIR, QUERY};
use crate::clock::now_ms;

/// A text of an item, the vector that belongs to it, and the units under which this program looks such a text up: a question
/// is asked, and is a text of the set as well.
const VIEWS: [(&str, &str, &[&str]); 2] = [
    ("question", "question_embedding", &[QUERY, PAIR]),
    ("answer", "answer_embedding", &[PAIR]),
];

/// What stands before the name of a server's model here: the ancestor knew no others.
const SERVED: &str = "openai:";

/// Hands the vectors of a file to `each`, in the order of its items.
pub(super) fn import<E: From<TransferError>>(
    bytes: &[u8],
    mut each: impl FnMut(Result<Row, Refused>) -> Result<(), E>,
) -> Result<(), E> {
    let plain = Plain::read(bytes)?;
    let root = plain.root();
    let missing = |what| TransferError::Missing(what);
    let items = root
        .get("embeddings")
        .and_then(Value::list)
        .ok_or(missing("list `embeddings`"))?;
    let metadata = root.get("metadata").ok_or(missing("`metadata`"))?;
    let model = metadata
        .get("embedding_model")
        .and_then(Value::text)
        .ok_or(missing("`embedding_model` in its metadata"))?;
    let dimension = metadata
        .get("embedding_dimension")
        .and_then(Value::number)
        .map(|dimension| dimension as usize)
        .filter(|dimension| (1..=MAX_DIMENSION).contains(dimension))
        .ok_or(missing("`embedding_dimension` in its metadata"))?;
    let stored_at_ms = root
        .get("timestamp")
        .and_then(Value::number)
        .map_or_else(now_ms, |seconds| (seconds * 1e3) as u64);
    let model = format!("{SERVED}{model}");
    for (number, item) in items.enumerate() {
        for (view, vector, units) in VIEWS {
            match read(item, (view, vector), dimension) {
                Ok((text, numbers)) => {
                    for unit in units {
                        let key = CacheKey::new(&model, dimension, unit, text);
                        let row = Row::now(key, model.as_str(), dimension, Arc::clone(&numbers));
                        let row = row.map(|row| Row { stored_at_ms, ..row });
                        let refused = row.is_err();
                        each(row.map_err(|fault| refused_at(number, view, fault.into())))?;
                        // Once is enough.
                        if refused {
                            break;
                        }
                    }
                }
                Err(why) => each(Err(refused_at(number, view, why)))?,
            }
        }
    }
    Ok(())
}

fn refused_at(number: usize, view: &str, why: RefusedWhy) -> Refused {
    Refused {
        place: format!("item {} ({view})", number + 1),
        why,
    }
}

/// A text and its numbers.
fn read<'a>(
    item: Value<'a, '_>,
    (view, vector): (&'static str, &'static str),
    dimension: usize,
) -> Result<(&'a str, Arc<[f32]>), RefusedWhy> {
    let text = item
        .get(view)
        .and_then(Value::text)
        .ok_or(RefusedWhy::Lacks(view))?;
    let numbers = item
        .get(vector)
        .and_then(Value::list)
        .ok_or(RefusedWhy::Lacks(vector))?;
    if numbers.len() != dimension {
        return Err(RowFault::Size {
            found: numbers.len() * size_of::<f32>(),
            expected: dimension * size_of::<f32>(),
        }
        .into());
    }
    // What is no number is not finite either, and refused as such.
    let numbers = numbers
        .map(|number| number.number().unwrap_or(f64::NAN) as f32)
        .collect();
    Ok((text, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(out: &mut Vec<u8>, text: &str) {
        out.push(b'X');
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }

    fn numbers(out: &mut Vec<u8>, numbers: &[f64]) {
        out.extend_from_slice(b"](");
        for number in numbers {
            out.push(b'G');
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.push(b'e');
    }

    /// A file of items, each with the vectors of its question and its answer, of two dimensions.
    fn file(items: &[(&[f64], &[f64])]) -> Vec<u8> {
        let mut out = b"\x80\x04}(".to_vec();
        text(&mut out, "embeddings");
        out.extend_from_slice(b"](");
        for (n, (question, answer)) in items.iter().enumerate() {
            out.extend_from_slice(b"}(");
            text(&mut out, "question");
            text(&mut out, &format!("Q{n}?"));
            text(&mut out, "answer");
            text(&mut out, &format!("A{n}."));
            text(&mut out, "question_embedding");
            numbers(&mut out, question);
            text(&mut out, "answer_embedding");
            numbers(&mut out, answer);
            out.push(b'u');
        }
        out.push(b'e');
        text(&mut out, "metadata");
        out.extend_from_slice(b"}(");
        text(&mut out, "embedding_model");
        text(&mut out, "a-model");
        text(&mut out, "embedding_dimension");
        out.extend_from_slice(b"K\x02u");
        text(&mut out, "timestamp");
        out.push(b'G');
        out.extend_from_slice(&1_752_195_045.25_f64.to_be_bytes());
        out.extend_from_slice(b"u.");
        out
    }

    fn imported(bytes: &[u8]) -> (Vec<Row>, Vec<String>, Result<(), String>) {
        let (mut rows, mut refused) = (Vec::new(), Vec::new());
        let done = import(bytes, |row| {
            match row {
                Ok(row) => rows.push(row),
                Err(bad) => refused.push(format!("{}: {}", bad.place, bad.why)),
            }
            Ok::<(), TransferError>(())
        });
        (rows, refused, done.map_err(|error| error.to_string()))
    }

    #[test]
    fn every_item_gives_the_vectors_of_its_question_and_its_answer() {
        let (rows, refused, done) =
            imported(&file(&[(&[0.6, 0.8], &[1.0, 0.0]), (&[0.0, 1.0], &[0.8, 0.6])]));
        assert_eq!((refused, done), (Vec::new(), Ok(())));
        let keys: Vec<CacheKey> = rows.iter().map(|row| row.key.clone()).collect();
        let key = |unit, text| CacheKey::new("openai:a-model", 2, unit, text);
        assert_eq!(
            keys,
            [
                key("query", "Q0?"),
                key("pair", "Q0?"),
                key("pair", "A0."),
                key("query", "Q1?"),
                key("pair", "Q1?"),
                key("pair", "A1.")
            ]
        );
        assert_eq!(rows[5].vector().unwrap()[..], [0.8, 0.6]);
        assert_eq!(rows[0].stored_at_ms, 1_752_195_045_250);
        assert_eq!(rows[0].model, "openai:a-model", "as this program names it");
    }

    #[test]
    fn a_bad_vector_is_named_and_the_others_come_in() {
        let (rows, refused, done) = imported(&file(&[
            (&[0.6, 0.8], &[1.0]),
            (&[0.0, 0.0], &[f64::NAN, 1.0]),
            (&[1e300, 1.0], &[1.0, 0.0]),
        ]));
        assert_eq!(
            rows.len(),
            3,
            "the first question under two units, the last answer"
        );
        assert_eq!(
            refused,
            [
                "item 1 (answer): it has 4 bytes of numbers and should have 8",
                "item 2 (question): its length is 0 and should be 1",
                "item 2 (answer): number 1 is not finite",
                "item 3 (question): number 1 is not finite",
            ]
        );
        assert_eq!(done, Ok(()));
    }

    #[test]
    fn a_pickle_of_something_else_is_refused() {
        let (_, _, done) = imported(b"\x80\x04}.");
        assert_eq!(
            done.unwrap_err(),
            "the file has no list `embeddings`: it is not an .embeddings file that can be imported"
        );
    }
}
