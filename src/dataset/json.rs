//! Pairs written as JSON: an array of objects, or one object a line.
//!
//! The fields are taken by hand and not by a derive, so that an error names the field and stands at its line.

use serde_json::{Map, Value};

use super::read::Placed;
use super::{DatasetError, Level, Pair, Worked};

/// Reads `[{..}, {..}]`.
pub(super) fn array(text: &str, file: &str) -> Result<Vec<Placed>, DatasetError> {
    let place = Place {
        file,
        text,
        offset: 0,
    };
    let values: Vec<Value> = match serde_json::from_str(text) {
        Ok(Value::Array(values)) => values,
        Ok(_) => {
            return Err(place.syntax(
                text.len() - text.trim_start().len(),
                "expected an array `[...]` of objects; a file with one object a line must end in .jsonl"
                    .to_owned(),
            ));
        }
        Err(error) => return Err(place.broken(&error)),
    };
    // Lines are counted from one element to the next: from the start each time, a large file would take forever.
    let (mut line, mut counted) = (1, 0);
    element_offsets(text)
        .into_iter()
        .zip(values)
        .map(|(offset, value)| {
            line += lines_in(text.get(counted..offset).unwrap_or_default());
            counted = offset;
            Ok((pair(value, Place { file, text, offset })?, line))
        })
        .collect()
}

/// Reads one object a line; blank lines are skipped.
pub(super) fn lines(text: &str, file: &str) -> Result<Vec<Placed>, DatasetError> {
    let mut pairs = Vec::new();
    let mut offset = 0;
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        let place = Place { file, text, offset };
        offset += line.len();
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(line).map_err(|error| place.broken(&error))?;
        pairs.push((pair(value, place)?, number));
    }
    Ok(pairs)
}

fn lines_in(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// Byte offsets at which the elements of a well-formed top-level array begin.
fn element_offsets(text: &str) -> Vec<usize> {
    let mut offsets = Vec::new();
    let (mut depth, mut in_string, mut escaped, mut expects) = (0_usize, false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        if expects && depth == 1 && !byte.is_ascii_whitespace() && byte != b']' {
            offsets.push(at);
            expects = false;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                expects |= depth == 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => expects = true,
            _ => {}
        }
    }
    offsets
}

/// Where in a file the object being read begins.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    text: &'a str,
    offset: usize,
}

impl Place<'_> {
    /// Line and column (both from 1, the column in characters) of a byte offset of the file.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = 1 + lines_in(before);
        let column = 1 + before.rsplit('\n').next().map_or(0, |last| last.chars().count());
        (line, column)
    }

    fn syntax(&self, offset: usize, problem: String) -> DatasetError {
        let (line, column) = self.position(offset);
        DatasetError::Syntax {
            file: self.file.to_owned(),
            line,
            column,
            problem,
        }
    }

    /// An error of the JSON reader, which counts lines from where it began to read.
    fn broken(&self, error: &serde_json::Error) -> DatasetError {
        let (first, _) = self.position(self.offset);
        let message = error.to_string();
        let what = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(what, _)| what);
        DatasetError::Syntax {
            file: self.file.to_owned(),
            line: first + error.line().saturating_sub(1),
            column: error.column(),
            problem: format!("the JSON is broken here ({what}); correct it and load the file again"),
        }
    }

    /// An error of one field, at the field when it is there and at the object when it is missing. A quotation mark
    /// inside a JSON string is always escaped, so `"name"` before a colon can only be a key.
    fn field(&self, name: &str, problem: String) -> DatasetError {
        let key = format!("\"{name}\"");
        let object = self.text.get(self.offset..).unwrap_or_default();
        let at = object
            .match_indices(&key)
            .find(|(at, _)| {
                object
                    .get(at + key.len()..)
                    .is_some_and(|rest| rest.trim_start().starts_with(':'))
            })
            .map_or(0, |(at, _)| at);
        let (line, column) = self.position(self.offset + at);
        DatasetError::Field {
            file: self.file.to_owned(),
            line,
            column,
            field: name.to_owned(),
            problem,
        }
    }
}

fn pair(value: Value, place: Place<'_>) -> Result<Pair, DatasetError> {
    let object = match value {
        Value::Object(object) => object,
        other => {
            return Err(place.syntax(
                place.offset,
                format!(
                    "expected an object with `id`, `question` and `answer`, found {}",
                    kind(&other)
                ),
            ));
        }
    };
    let mut object = Object { object, place };
    let level = match object.optional("level")? {
        None => None,
        Some(name) => Some(name.parse::<Level>().map_err(|()| {
            place.field(
                "level",
                format!("is \"{name}\"; use one of basic, intermediate, expert or leave it out"),
            )
        })?),
    };
    Ok(Pair {
        id: object.id()?,
        question: object.text("question")?,
        answer: object.text("answer")?,
        topic: object.optional("topic")?,
        level,
        aliases: object.list("aliases")?,
        sources: object.list("sources")?,
        as_of: object.optional("as_of")?,
        worked: object.worked()?,
    })
}

/// An object whose fields are taken out of it one by one.
struct Object<'a> {
    object: Map<String, Value>,
    place: Place<'a>,
}

impl Object<'_> {
    /// `null` counts as left out.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    fn wrong(&self, name: &str, expected: &str, found: &Value) -> DatasetError {
        self.place
            .field(name, format!("is {}; write {expected} instead", kind(found)))
    }

    fn text(&mut self, name: &str) -> Result<String, DatasetError> {
        let missing = |place: Place<'_>| place.field(name, "is missing; add it as a string".to_owned());
        self.optional(name)?.ok_or_else(|| missing(self.place))
    }

    fn optional(&mut self, name: &str) -> Result<Option<String>, DatasetError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, "a string", &other)),
        }
    }

    /// Ids may be numbers: older sets count their pairs.
    fn id(&mut self) -> Result<String, DatasetError> {
        match self.object.get("id") {
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => self.text("id"),
        }
    }

    fn list(&mut self, name: &str) -> Result<Vec<String>, DatasetError> {
        let items = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.wrong(name, "an array of strings", &other)),
        };
        let text = |item| match item {
            Value::String(text) => Ok(text),
            other => {
                let problem = format!("holds {}; every item must be a string", kind(&other));
                Err(self.place.field(name, problem))
            }
        };
        items.into_iter().map(text).collect()
    }

    fn worked(&mut self) -> Result<Vec<Worked>, DatasetError> {
        let expected = "an array of objects with `formula`, `result` (a number) and `shown`";
        let items = match self.take("worked") {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.wrong("worked", expected, &other)),
        };
        let example = |item: &Value| {
            let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
            Some(Worked {
                formula: text("formula")?,
                result: item.get("result")?.as_f64()?,
                shown: text("shown")?,
            })
        };
        let incomplete = || format!("holds an incomplete example; write {expected}");
        items
            .iter()
            .map(|item| example(item).ok_or_else(|| self.place.field("worked", incomplete())))
            .collect()
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
