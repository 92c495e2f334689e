//! What is known of embedding models without asking them.

/// A model by the name that servers know it by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownModel {
    name: &'static str,
    /// Numbers in a vector, unless fewer are asked for.
    pub dimension: usize,
    /// US dollars for a million tokens; `None` for models that people run themselves.
    pub price_per_million: Option<f64>,
}

/// Sizes from the models' own pages (<https://platform.openai.com/docs/models>, <https://ollama.com/library>,
/// <https://huggingface.co/models>); prices from <https://platform.openai.com/docs/pricing>, standard, not batch.
const KNOWN: [KnownModel; 12] = [
    of("text-embedding-3-small", 1_536, Some(0.02)),
    of("text-embedding-3-large", 3_072, Some(0.13)),
    of("text-embedding-ada-002", 1_536, Some(0.10)),
    of("nomic-embed-text", 768, None),
    of("mxbai-embed-large", 1_024, None),
    of("snowflake-arctic-embed", 1_024, None),
    of("all-minilm", 384, None),
    of("bge-m3", 1_024, None),
    of("bge-large-en-v1.5", 1_024, None),
    of("bge-base-en-v1.5", 768, None),
    of("bge-small-en-v1.5", 384, None),
    of("all-MiniLM-L6-v2", 384, None),
];

const fn of(name: &'static str, dimension: usize, price_per_million: Option<f64>) -> KnownModel {
    KnownModel {
        name,
        dimension,
        price_per_million,
    }
}

/// The model of this name. The owner before it (`openai/`, routers write that) does not count, nor does the tag `latest`
/// behind it; another tag may be of another size, so its model is not known.
pub fn known(name: &str) -> Option<&'static KnownModel> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = name.strip_suffix(":latest").unwrap_or(name);
    KNOWN.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_its_name_with_an_owner_or_the_tag_latest() {
        for name in [
            "nomic-embed-text",
            "nomic-embed-text:latest",
            "nomic-ai/nomic-embed-text",
        ] {
            assert_eq!(known(name).unwrap().dimension, 768, "{name}");
        }
        assert_eq!(known("openai/text-embedding-3-small").unwrap().dimension, 1_536);
    }

    #[test]
    fn a_tag_that_may_be_of_another_size_makes_a_model_unknown() {
        assert_eq!(known("snowflake-arctic-embed:22m"), None);
        assert_eq!(known("text-embedding-3"), None);
    }
}
