//! The set inside the program: one file a topic under `data/knowledge`.

use super::{Dataset, DatasetError, json, read};

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

pub(super) fn read() -> Result<Dataset, DatasetError> {
    let mut dataset = Dataset::new("bundled", Vec::new());
    for (topic, text) in TOPICS.iter().zip(TEXTS) {
        let file = format!("data/knowledge/{topic}.json");
        let pairs = json::array(text, &file)?;
        read::append(&mut dataset, &file, pairs);
    }
    read::not_empty(dataset, "The bundled data set")
}
