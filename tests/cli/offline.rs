//! `--offline` opens no socket: the kernel is asked, not the program.

use super::*;

/// System calls that make or use a network socket.
#[cfg(target_os = "linux")]
#[test]
fn no_network_socket_is_opened_offline() {
    let trace = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("offline.strace");
    let traced = std::process::Command::new("strace")
        .args(["-f", "-e", "trace=socket,connect,sendto,sendmsg", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_defi-qa"))
        .args(["--offline", "ask", "--json", "What is impermanent loss?"])
        .env_clear()
        .env("HOME", home())
        // A key and a shared cache that are there must not tempt it.
        .env("OPENAI_API_KEY", "sk-test")
        .env("DEFI_QA_REDIS_URL", "redis://127.0.0.1:6379")
        .output();
    let output = match traced {
        Ok(output) => output,
        // Asked for by the CI script; elsewhere the test cannot look.
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("strace is not installed ({error}): nothing was proved");
            return;
        }
        Err(error) => panic!("strace is not installed: {error}"),
    };
    assert_eq!(object(&output)["outcome"], "answered");
    let calls = std::fs::read_to_string(&trace).unwrap();
    assert!(calls.contains("exited with 0"), "the trace is not whole: {calls}");
    let network: Vec<&str> = calls
        .lines()
        .filter(|line| line.contains("AF_INET") || line.contains("connect("))
        .collect();
    assert!(network.is_empty(), "{network:#?}");
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
