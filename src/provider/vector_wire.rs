//! The bytes of the embeddings API: what is sent, and a reading of what comes that many servers satisfy.
//!
//! The names are OpenAI's (<https://platform.openai.com/docs/api-reference/embeddings>). Vectors are asked for as base64,
//! which is a quarter of the bytes of decimal digits; a server that does not know the word sends digits, which are read too.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Base64 as servers write it, with the `=` at the end or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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
        Ok(decoded(text))
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

/// Base64 letters that are decoded at once: a whole number of groups of four letters and of numbers of four bytes, small
/// enough that the bytes stay in the nearest cache.
const LETTERS: usize = 4_096;

/// The f32 numbers, little endian, of a base64 text.
fn decoded(text: &str) -> Numbers {
    let mut bytes = [0; LETTERS / 4 * 3];
    let mut numbers = Vec::with_capacity(text.len() / 4 * 3 / 4 + 1);
    for letters in text.as_bytes().chunks(LETTERS) {
        let Some(bytes) = BASE64
            .decode_slice(letters, &mut bytes)
            .ok()
            .and_then(|length| bytes.get(..length))
        else {
            return Numbers::Broken("is no base64");
        };
        // Only the last part can be of another length.
        let (whole, []) = bytes.as_chunks::<4>() else {
            return Numbers::Broken("is no whole number of 4-byte numbers");
        };
        numbers.extend(whole.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    }
    Numbers::Read(numbers)
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

    /// One vector for each of `sent` texts, in their order, as the server computed them.
    ///
    /// # Errors
    /// Which item is wrong and how, from 0 as the server counts.
    pub(super) fn vectors(self, sent: usize) -> Result<Vec<Vec<f32>>, String> {
        let items = self.data.ok_or_else(|| "it has no list of vectors".to_owned())?;
        let mut vectors: Vec<Option<Vec<f32>>> = vec![None; sent];
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
                Some(Numbers::Read(numbers)) => numbers,
                Some(Numbers::Broken(why)) => return Err(format!("the vector of item {place} {why}")),
                None => return Err(format!("item {place} has no vector")),
            };
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
    use super::*;

    fn read(items: &str, sent: usize) -> Result<Vec<Vec<f32>>, String> {
        let answer: VectorAnswer = serde_json::from_str(&format!("{{\"data\": {items}}}")).unwrap();
        answer.vectors(sent)
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
        assert_eq!(read(&items, 2).unwrap(), [vec![1.5, 3.25], vec![0.5, -2.0]]);
    }

    #[test]
    fn without_indexes_the_order_of_the_list_counts() {
        let items = r#"[{"embedding": [1]}, {"embedding": [2]}]"#;
        assert_eq!(read(items, 2).unwrap(), [vec![1.0], vec![2.0]]);
    }

    #[test]
    fn base64_without_padding_is_read() {
        let text = base64(&[1.0, 2.0]);
        assert!(text.ends_with('='));
        assert_eq!(decoded(text.trim_end_matches('=')), Numbers::Read(vec![1.0, 2.0]));
    }

    #[test]
    fn a_vector_of_several_parts_is_read_whole_and_a_fault_in_any_of_them_found() {
        let numbers: Vec<f32> = (0..3_072_u16).map(f32::from).collect();
        let text = base64(&numbers);
        assert!(text.len() > 3 * LETTERS);
        assert_eq!(decoded(&text), Numbers::Read(numbers));
        for at in [0, LETTERS - 1, LETTERS, text.len() - 1] {
            let mut broken = text.clone();
            broken.replace_range(at..=at, "%");
            assert_eq!(decoded(&broken), Numbers::Broken("is no base64"), "{at}");
        }
        // An end in the middle is no end.
        let padded = format!("{}AAA={}", &text[..LETTERS - 4], &text[LETTERS..]);
        assert!(matches!(decoded(&padded), Numbers::Broken(_)));
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
            (r#"[{"index": 0}]"#, "item 0 has no vector"),
            ("null", "it has no list of vectors"),
        ];
        for (items, why) in cases {
            assert_eq!(read(items, 2).unwrap_err(), why, "{items}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_in_the_place_of_a_vector_is_a_crash(text in ".*") {
            let _ = decoded(&text);
        }
    }
}
