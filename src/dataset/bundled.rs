//! The set inside the program: one file a topic under `data/knowledge`.

use rayon::prelude::*;

use super::{Dataset, DatasetError, Pair, json, read};

macro_rules! topics {
    ($($topic:literal),* $(,)?) => {
        /// The topics of the bundled set, in its order; each is the name of one file.
        pub const TOPICS: &[&str] = &[$($topic),*];

        /// The files' texts, parallel to [`TOPICS`].
        const TEXTS: &[&str] = &[$(include_str!(concat!("../../data/knowledge/", $topic, ".json"))),*];
    };
}

topics!(
    "amm",
    "stableswap",
    "lending",
    "stablecoins",
    "staking",
    "perps",
    "options",
    "yield",
    "aggregators",
    "bridges",
    "oracles",
    "mev",
    "l2",
    "governance",
    "security",
    "flash-loans",
    "rwa",
    "insurance",
    "wallets",
    "token-standards",
    "privacy",
    "analytics",
    "risk",
    "regulation",
    "vaults",
    "launch",
    "non-evm",
);

/// Read as fast as it goes, three times as fast as with the reader for files that people write, which knows the line of
/// everything.
pub(super) fn read() -> Result<Dataset, DatasetError> {
    let topics: Result<Vec<Vec<Pair>>, serde_json::Error> =
        TEXTS.par_iter().map(|text| serde_json::from_str(text)).collect();
    match topics {
        Ok(topics) => Ok(Dataset::new("bundled", topics.into_iter().flatten().collect())),
        Err(_) => read_with_origins(),
    }
}

/// With the place of each pair, and with an error that names the place of the fault.
pub(super) fn read_with_origins() -> Result<Dataset, DatasetError> {
    let mut dataset = Dataset::new("bundled", Vec::new());
    let files = TOPICS.par_iter().zip(TEXTS).map(|(topic, text)| {
        let file = format!("data/knowledge/{topic}.json");
        let pairs = json::array(text, &file)?;
        Ok((file, pairs))
    });
    for (file, pairs) in files.collect::<Result<Vec<_>, DatasetError>>()? {
        read::append(&mut dataset, &file, pairs);
    }
    read::not_empty(dataset, "The bundled data set")
}

#[cfg(test)]
mod tests {
    use super::super::{Strictness, validate};
    use super::*;

    #[test]
    fn the_folder_and_the_table_name_the_same_topics() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/knowledge");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut expected: Vec<String> = TOPICS.iter().map(|topic| format!("{topic}.json")).collect();
        expected.sort();
        assert_eq!(files, expected);
    }

    #[test]
    fn read_fast_it_is_what_it_is_read_with_care() {
        assert_eq!(read().unwrap().pairs, read_with_origins().unwrap().pairs);
    }

    #[test]
    fn every_topic_of_the_bundled_set_has_pairs_and_the_house_style() {
        let dataset = Dataset::bundled().unwrap();
        let counted: Vec<String> = super::super::stats(&dataset)
            .topics
            .into_iter()
            .map(|(topic, _)| topic)
            .collect();
        assert_eq!(counted, TOPICS);
        let findings: Vec<String> = validate(&dataset, Strictness::HouseStyle)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            findings.is_empty(),
            "{} findings:\n{}",
            findings.len(),
            findings.join("\n")
        );
    }
}
