use std::path::Path;

use super::*;

fn load(toml: &str, flags: &Flags, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let file = FileConfig::parse(toml, Path::new("test.toml"))?;
    let lookup = |name: &str| {
        env.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Config::layer(file, None, flags, &lookup)
}

#[test]
fn the_sample_file_is_parsed_and_equals_the_defaults() {
    let sample = load(SAMPLE, &Flags::default(), &[]).unwrap();
    let defaults = load("", &Flags::default(), &[]).unwrap();
    let values = |config: &Config| -> Vec<_> {
        config
            .rows()
            .into_iter()
            .map(|(key, value, _)| (key, value))
            .collect()
    };
    assert_eq!(values(&sample), values(&defaults));
}

#[test]
fn every_key_that_config_show_prints_is_in_the_sample() {
    for (key, _, _) in load("", &Flags::default(), &[]).unwrap().rows() {
        let name = key.rsplit('.').next().unwrap();
        assert!(
            SAMPLE.contains(&format!("{name} =")) || SAMPLE.contains(&format!("[{name}]")),
            "{key} is not in the sample file"
        );
    }
}

#[test]
fn flags_beat_the_environment_which_beats_the_file_which_beats_the_defaults() {
    let toml = "[chat]\nbase_url = \"http://file/v1\"\n";
    let origin = |flags: &Flags, env: &[(&str, &str)]| {
        let config = load(toml, flags, env).unwrap();
        (config.base_url.value, config.base_url.origin)
    };
    assert_eq!(
        origin(&Flags::default(), &[]),
        ("http://file/v1".into(), Origin::File)
    );
    let env = [("OPENAI_BASE_URL", "http://env/v1")];
    assert_eq!(
        origin(&Flags::default(), &env),
        ("http://env/v1".into(), Origin::Environment("OPENAI_BASE_URL"))
    );
    let flags = Flags {
        base_url: Some("http://flag/v1".into()),
        ..Flags::default()
    };
    assert_eq!(
        origin(&flags, &env),
        ("http://flag/v1".into(), Origin::Flag("--base-url"))
    );
}

#[test]
fn a_key_turns_the_chat_model_on_unless_offline() {
    let env = [("OPENAI_API_KEY", "sk-test")];
    let config = load("", &Flags::default(), &env).unwrap();
    assert_eq!(config.chat.value, ChatChoice::OpenAi(DEFAULT_OPENAI_MODEL.into()));
    assert_eq!(config.chat.origin, Origin::Key);
    let offline = Flags {
        offline: true,
        ..Flags::default()
    };
    assert_eq!(
        load("", &offline, &env).unwrap().chat.value,
        ChatChoice::Extractive
    );
}

#[test]
fn a_chat_model_asked_for_offline_is_refused() {
    let flags = Flags {
        offline: true,
        chat: Some(ChatChoice::OpenAi("m".into())),
        ..Flags::default()
    };
    assert_eq!(
        load("", &flags, &[]).unwrap_err().to_string(),
        "the chat model of --chat needs the network, which --offline forbids: drop one of them, or use `--chat extractive`"
    );
}

#[test]
fn the_key_is_in_no_debug_text_and_in_no_row() {
    let config = load("", &Flags::default(), &[("OPENAI_API_KEY", "sk-very-secret")]).unwrap();
    assert!(!format!("{config:?}").contains("very-secret"));
    assert!(!format!("{:?}", config.rows()).contains("very-secret"));
}

#[test]
fn of_the_shared_tiers_address_scheme_and_host_are_shown_and_never_the_password() {
    let shown = |url: &str| {
        let config = load("", &Flags::default(), &[("DEFI_QA_REDIS_URL", url)]).unwrap();
        assert!(!format!("{config:?}").contains("s3cret"), "{url}");
        let rows = config.rows();
        let (_, value, origin) = rows.iter().find(|(key, _, _)| *key == "cache.redis_url").unwrap();
        assert_eq!(*origin, Origin::Environment("DEFI_QA_REDIS_URL"));
        value.clone()
    };
    for (url, expected) in [
        ("redis://cache.example:6379/0", "redis://cache.example:6379"),
        (
            "rediss://user:s3cret@cache.example:6380/1",
            "rediss://cache.example:6380",
        ),
        ("redis://:s3cret/with@slash@[::1]:6379", "redis://[::1]:6379"),
        ("redis://:s3cret#x@host", "redis://host"),
        ("redis+unix:///run/redis.sock?pass=s3cret", "set"),
        ("s3cret", "set"),
    ] {
        assert_eq!(shown(url), expected, "{url}");
    }
    let file = FileConfig::parse("[cache]\nredis_url = \"redis://:s3cret@h\"\n", Path::new("f")).unwrap();
    assert!(!format!("{file:?}").contains("s3cret"));
}

#[test]
fn keeping_answers_can_be_turned_off_in_the_file() {
    let config = load("[cache]\nanswers = false\n", &Flags::default(), &[]).unwrap();
    let row = ("cache.answers", "false".to_owned(), Origin::File);
    assert!(!config.cache_answers.value && config.rows().contains(&row));
}

#[test]
fn a_mistake_names_the_file_the_key_and_what_to_do() {
    let say = |toml: &str| load(toml, &Flags::default(), &[]).unwrap_err().to_string();
    let unknown = say("[chat]\ntemprature = 1\n");
    assert!(
        unknown.contains("test.toml") && unknown.contains("line 2"),
        "{unknown}"
    );
    assert!(unknown.contains("temprature"), "{unknown}");
    assert_eq!(
        say("[chat]\nrpm = 0\n"),
        "`chat.rpm` is 0: set it between 1 and 1000000000"
    );
    assert_eq!(
        say("[retrieval]\ntop_k = 500\n"),
        "`retrieval.top_k` is 500: set it between 1 and 50"
    );
    assert_eq!(
        say("[retrieval]\nretriever = \"magic\"\n"),
        "`retrieval.retriever` is \"magic\": set it to hybrid, dense, lexical or rrf"
    );
}
