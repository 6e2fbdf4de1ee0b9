//! A program that uses the keyring of the desktop it is started on, for the tests. It prints every log
//! record, and then the result; a line that starts with `secret: ` is the only one that may show one.

#[cfg(target_os = "linux")]
mod contents;
#[cfg(target_os = "linux")]
mod prompter;
mod users;

use std::{error::Error, io, time::Duration};

use genesys_cloud_auth::{
    secrecy::ExposeSecret,
    store::{
        KeyringStore, MemoryStore, Sealed, SealingKey, StoreKey, TokenStore,
        store_conformance_with_lost_turns,
    },
};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const APP: &str = "keyring-test";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    log::set_boxed_logger(Box::new(Logger)).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(io::stdout)
        .init();
    log::trace!("planted record of log");
    tracing::trace!("planted record of tracing");
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match run(&arguments).await {
        Ok(()) => println!("done"),
        Err(error) => println!("error: {error} {error:?} {error:#?}"),
    }
}

/// The timeout comes first, in milliseconds.
async fn run(arguments: &[&str]) -> Result {
    let timeout = Duration::from_millis(arguments[0].parse()?);
    let store = || KeyringStore::new(APP).map(|store| store.timeout(timeout));
    match arguments[1..] {
        ["conformance"] => {
            let open = async || store().unwrap();
            let lose = async |key: &StoreKey| users::remove_lock(key);
            store_conformance_with_lost_turns(open, lose).await?;
        }
        ["key"] => {
            let key = SealingKey::keyring(APP, timeout).await?;
            println!("{key:?}");
            println!("secret: {:?}", key.secret_bytes().unwrap().expose_secret());
        }
        ["unlock"] => store()?.unlock().await?,
        ["load", name] => {
            let found = store()?.load(&StoreKey::for_tests(name)).await?;
            println!("found: {:?}", found.as_ref().map(Sealed::as_bytes));
        }
        ["append", name, times] => {
            let (store, key) = (store()?, StoreKey::for_tests(name));
            for _ in 0..times.parse()? {
                let turn = store.take_turn(&key, Duration::from_secs(60)).await?;
                let mut value = store
                    .load(&key)
                    .await?
                    .map_or_else(Vec::new, |found| found.as_bytes().to_vec());
                value.push(1);
                store.save(turn, &key, Sealed::from_bytes(value)).await?;
            }
        }
        ["users"] => users::all(&store()?, timeout).await?,
        ["token"] => users::service(store()?).await?,
        ["token-while-unlocking"] => {
            let store = store()?;
            tokio::spawn(async move { store.unlock().await });
            let word = || io::stdin().read_line(&mut String::new());
            tokio::task::spawn_blocking(word).await??;
            users::service(MemoryStore::new()).await?;
        }
        #[cfg(target_os = "linux")]
        ["prompter"] => prompter::keep_prompts_open()?,
        #[cfg(target_os = "linux")]
        ["contents"] => contents::print()?,
        #[cfg(target_os = "linux")]
        ["plant", account, value, copies] => contents::plant(account, value, copies.parse()?)?,
        _ => return Err("unknown arguments".into()),
    }
    Ok(())
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        println!("{}: {}", record.target(), record.args());
    }

    fn flush(&self) {}
}
