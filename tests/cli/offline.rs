//! `--offline` opens no socket: the kernel is asked, not the program.

use super::*;

/// What the program with `--offline` and these arguments says, and its calls that make or use a network socket; `None`
/// where nobody can look.
#[cfg(target_os = "linux")]
fn traced(name: &str, home: &std::path::Path, arguments: &[&str]) -> Option<(Output, Vec<String>)> {
    let trace = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let traced = Command::new("strace")
        .args(["-f", "-e", "trace=socket,connect,sendto,sendmsg", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_defi-qa"))
        .arg("--offline")
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .current_dir(home)
        // A key and a shared cache that are there must not tempt it.
        .env("OPENAI_API_KEY", "sk-test")
        .env("DEFI_QA_REDIS_URL", "redis://127.0.0.1:6379")
        .output();
    let output = match traced {
        Ok(output) => output,
        // Asked for by the CI script; elsewhere the test cannot look.
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("strace is not installed ({error}): nothing was proved");
            return None;
        }
        Err(error) => panic!("strace is not installed: {error}"),
    };
    let calls = std::fs::read_to_string(&trace).unwrap();
    assert!(calls.contains("exited with"), "the trace is not whole: {calls}");
    let network = calls
        .lines()
        .filter(|line| line.contains("AF_INET") || line.contains("connect("));
    Some((output, network.map(str::to_owned).collect()))
}

#[cfg(target_os = "linux")]
#[test]
fn no_network_socket_is_opened_offline() {
    let arguments = ["ask", "--json", "What is impermanent loss?"];
    if let Some((output, network)) = traced("offline.strace", &home(), &arguments) {
        assert_eq!(object(&output)["outcome"], "answered");
        assert!(network.is_empty(), "{network:#?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_network_socket_is_opened_offline_by_an_embedder_behind_an_endpoint() {
    let (home, server) = (indexing::Home::new(), indexing::serving());
    assert_eq!(code(&home.index(&server)), 0);
    let address = server.base_url();
    let embedder = [
        "--dataset",
        "pairs.json",
        "--embedder",
        "openai:test-embed",
        "--base-url",
        &address,
    ];
    let ask = [&embedder[..], &["ask", "--json", "What is a keel ratio?"]].concat();
    if let Some((output, network)) = traced("offline-embedder.strace", home.path(), &ask) {
        assert_eq!(object(&output)["error"]["stage"], "embed", "{}", stdout(&output));
        assert!(network.is_empty(), "{network:#?}");
    }
}

#[test]
fn offline_and_a_chat_model_contradict_each_other() {
    let output = run(&["--offline", "--chat", "openai:m", "ask", "q"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("--offline forbids"),
        "{}",
        stderr(&output)
    );
}
