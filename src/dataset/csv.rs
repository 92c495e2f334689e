//! Pairs written as CSV: a header row, then one pair a row; a list is one cell with `|` between its items.

use super::read::Placed;
use super::{DatasetError, Level, Pair};

pub(super) fn rows(text: &str, file: &str) -> Result<Vec<Placed>, DatasetError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| broken(&error, 1, file))?.clone();
    let column = |name: &str| header.iter().position(|title| title.eq_ignore_ascii_case(name));
    let required = |name: &str| {
        column(name).ok_or_else(|| DatasetError::Field {
            file: file.to_owned(),
            line: 1,
            column: 1,
            field: name.to_owned(),
            problem: "has no column; the first row must name at least id, question and answer".to_owned(),
        })
    };
    let (id, question, answer) = (required("id")?, required("question")?, required("answer")?);
    let (topic, level, aliases) = (column("topic"), column("level"), column("aliases"));
    let (sources, as_of) = (column("sources"), column("as_of"));

    let mut lines = Lines {
        text,
        offset: 0,
        line: 1,
    };
    let mut pairs = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error, lines.at(error.position()), file))?;
        let line = lines.at(record.position());
        let cell = |index: usize| record.get(index).unwrap_or_default().to_owned();
        let filled = |index: Option<usize>| index.map(cell).filter(|text| !text.trim().is_empty());
        let list = |index: Option<usize>| {
            let items = filled(index).unwrap_or_default();
            let items = items.split('|').map(str::trim).filter(|item| !item.is_empty());
            items.map(str::to_owned).collect::<Vec<_>>()
        };
        let level_of = |name: String| {
            name.trim().parse::<Level>().map_err(|()| DatasetError::Field {
                file: file.to_owned(),
                line,
                column: level.map_or(1, |index| index + 1),
                field: "level".to_owned(),
                problem: format!(
                    "is \"{name}\"; use one of basic, intermediate, expert or leave the cell empty"
                ),
            })
        };
        let pair = Pair {
            id: cell(id).trim().to_owned(),
            question: cell(question),
            answer: cell(answer),
            topic: filled(topic),
            level: filled(level).map(level_of).transpose()?,
            aliases: list(aliases),
            sources: list(sources),
            as_of: filled(as_of),
            worked: Vec::new(),
        };
        pairs.push((pair, line));
    }
    Ok(pairs)
}

/// Counts lines up to where rows begin, going forward only. The reader's own count stops before a line end of two
/// characters and before blank lines.
struct Lines<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
}

impl Lines<'_> {
    fn at(&mut self, position: Option<&csv::Position>) -> usize {
        let start = position
            .and_then(|position| usize::try_from(position.byte()).ok())
            .unwrap_or(self.offset);
        let rest = self.text.get(start..).unwrap_or_default();
        let start = start + rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let passed = self.text.get(self.offset..start).unwrap_or_default();
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.offset = start.max(self.offset);
        self.line
    }
}

fn broken(error: &csv::Error, line: usize, file: &str) -> DatasetError {
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!(
            "the row has {len} cells and the header has {expected_len}; \
             put text that holds commas or line breaks between double quotes"
        ),
        _ => format!("the row cannot be read as CSV ({error}); correct it and load the file again"),
    };
    DatasetError::Syntax {
        file: file.to_owned(),
        line,
        column: 1,
        problem,
    }
}
