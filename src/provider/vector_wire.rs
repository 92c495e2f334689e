//! The bytes of the embeddings API: what is sent, and a reading of what comes that many servers satisfy.
//!
//! The names are OpenAI's (<https://platform.openai.com/docs/api-reference/embeddings>). Vectors are asked for as base64,
//! which is a quarter of the bytes of decimal digits; a server that does not know the word sends digits, which are read too.

use std::fmt;
use std::sync::Arc;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::vector_cut::Decoded;

/// The body of a request.
#[derive(Debug, Serialize)]
pub(super) struct VectorBody<'a> {
    pub(super) model: &'a str,
    pub(super) input: &'a [String],
    pub(super) encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dimensions: Option<usize>,
}

/// The answer: all fields are optional, unknown ones are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VectorAnswer {
    data: Option<Vec<Item>>,
    usage: Option<WireUsage>,
    error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    /// Some servers leave it out and mean the place in the list.
    index: Option<u64>,
    embedding: Option<Numbers>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

/// A vector in either form.
#[derive(Debug, PartialEq)]
enum Numbers {
    /// The number of the one that was cut out here.
    Cut(usize),
    Read(Vec<f32>),
    Broken(&'static str),
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(EitherForm)
    }
}

struct EitherForm;

impl<'de> Visitor<'de> for EitherForm {
    type Value = Numbers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64 or a list of numbers")
    }

    fn visit_str<E>(self, text: &str) -> Result<Numbers, E> {
        // Any other text would have been cut out, were its name not written in a strange way.
        Ok(text.parse().map_or(Numbers::Broken("is no base64"), Numbers::Cut))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Numbers, A::Error> {
        let mut numbers = Vec::with_capacity(list.size_hint().unwrap_or(0).min(4_096));
        // JSON has no word for "not a number", and `null` stands where one was.
        while let Some(number) = list.next_element::<Option<f32>>()? {
            numbers.push(number.unwrap_or(f32::NAN));
        }
        Ok(Numbers::Read(numbers))
    }
}

impl VectorAnswer {
    /// The error that the server reports in place of vectors, as it wrote it.
    pub(super) fn error(&self) -> Option<Value> {
        let error = self.error.as_ref().filter(|error| !error.is_null())?;
        Some(serde_json::json!({ "error": error }))
    }

    /// Tokens as the server counted them.
    pub(super) fn tokens(&self) -> Option<u64> {
        let usage = self.usage?;
        usage.total_tokens.or(usage.prompt_tokens)
    }

    /// One vector for each of `sent` texts, in their order, as the server computed them; `cut` are those that were cut out.
    ///
    /// # Errors
    /// Which item is wrong and how, from 0 as the server counts.
    pub(super) fn vectors(self, mut cut: Vec<Decoded>, sent: usize) -> Result<Vec<Arc<[f32]>>, String> {
        let items = self.data.ok_or_else(|| "it has no list of vectors".to_owned())?;
        let mut vectors: Vec<Option<Arc<[f32]>>> = vec![None; sent];
        for (place, item) in items.into_iter().enumerate() {
            let index = item
                .index
                .map_or(Some(place), |index| usize::try_from(index).ok());
            let slot = index.and_then(|index| vectors.get_mut(index));
            let slot = slot.ok_or_else(|| {
                let index = item.index.unwrap_or(place as u64);
                format!("item {place} has the index {index}, and {sent} texts were sent")
            })?;
            let numbers = match item.embedding {
                Some(Numbers::Read(numbers)) => Ok(numbers.into()),
                Some(Numbers::Cut(number)) => cut.get_mut(number).map_or(Err("is no base64"), |decoded| {
                    std::mem::replace(decoded, Err("is that of an item before it"))
                }),
                Some(Numbers::Broken(why)) => Err(why),
                None => return Err(format!("item {place} has no vector")),
            };
            let numbers = numbers.map_err(|why| format!("the vector of item {place} {why}"))?;
            if slot.replace(numbers).is_some() {
                let index = index.unwrap_or(place);
                return Err(format!("item {place} has the index {index} of an item before it"));
            }
        }
        let missing = vectors.iter().position(Option::is_none);
        if let Some(missing) = missing {
            return Err(format!(
                "the item of index {missing} is missing, and {sent} texts were sent"
            ));
        }
        Ok(vectors.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::super::vector_cut::Cut;
    use super::*;

    fn read(items: &str, sent: usize) -> Result<Vec<Arc<[f32]>>, String> {
        let mut cut = Cut::default();
        cut.take(format!("{{\"data\": {items}}}").as_bytes());
        let (rest, cut) = cut.end();
        let answer: VectorAnswer = serde_json::from_slice(&rest).unwrap();
        answer.vectors(cut, sent)
    }

    fn base64(numbers: &[f32]) -> String {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    #[test]
    fn vectors_come_in_the_order_of_their_indexes_whatever_their_form() {
        let items = format!(
            r#"[{{"index": 1, "embedding": [0.5, -2]}}, {{"index": 0, "embedding": "{}"}}]"#,
            base64(&[1.5, 3.25])
        );
        assert_eq!(
            read(&items, 2).unwrap(),
            [Arc::from([1.5, 3.25]), Arc::from([0.5, -2.0])]
        );
    }

    #[test]
    fn without_indexes_the_order_of_the_list_counts() {
        let items = r#"[{"embedding": [1]}, {"embedding": [2]}]"#;
        assert_eq!(read(items, 2).unwrap(), [Arc::from([1.0]), Arc::from([2.0])]);
    }

    #[test]
    fn what_is_not_a_number_is_kept_as_such_and_not_taken_for_zero() {
        let vectors = read(r#"[{"index": 0, "embedding": [1, null]}]"#, 1).unwrap();
        assert!(vectors[0][1].is_nan());
    }

    #[test]
    fn every_wrong_item_is_named() {
        let cases = [
            (
                r#"[{"index": 0, "embedding": [1]}, {"index": 2, "embedding": [1]}]"#,
                "item 1 has the index 2, and 2 texts were sent",
            ),
            (
                r#"[{"index": 1, "embedding": [1]}, {"index": 1, "embedding": [1]}]"#,
                "item 1 has the index 1 of an item before it",
            ),
            (
                r#"[{"index": 1, "embedding": [1]}]"#,
                "the item of index 0 is missing, and 2 texts were sent",
            ),
            (
                r#"[{"index": 0, "embedding": "%%%%"}, {"index": 1, "embedding": [1]}]"#,
                "the vector of item 0 is no base64",
            ),
            (
                r#"[{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": [1]}]"#,
                "the vector of item 0 is no whole number of 4-byte numbers",
            ),
            (
                r#"[{"\u0065mbedding": "AAAA"}, {"\u0065mbedding": "7"}]"#,
                "the vector of item 0 is no base64",
            ),
            (
                r#"[{"embedding": "AACAPw=="}, {"\u0065mbedding": "0"}]"#,
                "the vector of item 1 is that of an item before it",
            ),
            (r#"[{"index": 0}]"#, "item 0 has no vector"),
            ("null", "it has no list of vectors"),
        ];
        for (items, why) in cases {
            assert_eq!(read(items, 2).unwrap_err(), why, "{items}");
        }
    }
}
