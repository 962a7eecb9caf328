//! Waits until the headset is connected, then streams two seconds of eeg.
//!
//! A stream that cannot be had is a failure entry of an answer that is a
//! success: the example asks for one that does not exist and goes on without.

mod cortex;

use anyhow::{bail, ensure, Context, Result};
use cortex::{Cortex, Unasked};
use serde::Deserialize;
use serde_json::{json, Value};
use std::{env, path::PathBuf, time::Duration};

#[derive(Deserialize)]
struct Headset {
    id: String,
    status: String,
    settings: Settings,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    eeg_rate: i64,
}

#[derive(Deserialize)]
struct Subscribed {
    success: Vec<Stream>,
    failure: Vec<Failure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stream {
    stream_name: String,
    cols: Vec<Value>, // names, and at the end a list: MARKERS
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    stream_name: String,
    code: i64,
    message: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    tokio::time::timeout(Duration::from_secs(60), run()).await.context("no end within 60 s")?
}

async fn run() -> Result<()> {
    let url = env::var("FAKECORTEX_URL").unwrap_or_else(|_| "wss://localhost:6868".into());
    let mut cortex = Cortex::connect(&url, &ca_file()?).await?;

    // Any credentials will do with fakecortex; the real Cortex wants those of your application.
    let authorized: Value = cortex
        .call("authorize", json!({"clientId": "example-client-id", "clientSecret": "example-client-secret", "debit": 1}))
        .await?;
    let token = &authorized["cortexToken"];
    let headset = connected(&mut cortex).await?;
    let session: Value = cortex
        .call("createSession", json!({"cortexToken": token, "headset": headset.id, "status": "active"}))
        .await?;
    let session = &session["id"];

    let wanted = json!({"cortexToken": token, "session": session, "streams": ["eeg", "no-such-stream"]});
    let subscribed: Subscribed = cortex.call("subscribe", wanted).await?;
    for f in &subscribed.failure {
        println!("without {}: {} {}", f.stream_name, f.code, f.message);
    }
    let eeg = subscribed
        .success
        .iter()
        .find(|s| s.stream_name == "eeg")
        .context("no eeg: does the license have its scope?")?;
    let counter = eeg.cols.iter().position(|c| c == "COUNTER").context("no column COUNTER")?;

    let rate = headset.settings.eeg_rate;
    let (mut count, mut last) = (0, None);
    while count < 2 * rate {
        let Unasked::Sample(sample) = cortex.next().await? else { continue };
        let now = sample["eeg"][counter].as_i64().context("a counter that is no integer")?;
        if let Some(last) = last {
            ensure!(now == (last + 1) % rate, "counter {now} follows {last}"); // 0 every second
        }
        last = Some(now);
        count += 1;
    }
    let _: Value = cortex.call("unsubscribe", json!({"cortexToken": token, "session": session, "streams": ["eeg"]})).await?;
    let _: Value = cortex.call("updateSession", json!({"cortexToken": token, "session": session, "status": "close"})).await?;
    println!("tokio-tungstenite: {}: {count} eeg samples at {rate} Hz, no gap", headset.id);
    cortex.close().await
}

/// Returns the first headset once it is connected. The answer to connect comes
/// at once; the outcome is a warning, 104 when it worked.
async fn connected(cortex: &mut Cortex) -> Result<Headset> {
    let headsets: Vec<Headset> = cortex.call("queryHeadsets", json!({})).await?;
    let headset = headsets.into_iter().next().context("no headset in range")?;
    if headset.status == "connected" {
        return Ok(headset);
    }
    println!("{} is {}, waiting", headset.id, headset.status);
    let _: Value = cortex.call("controlDevice", json!({"command": "connect", "headset": headset.id})).await?;
    loop {
        let Unasked::Warning { code, message } = cortex.next().await? else { continue };
        match code {
            _ if message["headsetId"] != headset.id => {}
            104 => break,
            100 | 101 | 102 | 113 => bail!("connect: {}", message["behavior"]),
            _ => {}
        }
    }
    // Only a connected headset knows its sensors and rates.
    let headsets: Vec<Headset> = cortex.call("queryHeadsets", json!({"id": headset.id})).await?;
    headsets.into_iter().next().context("the headset is gone")
}

/// The default of fakecortex on Linux; elsewhere ask `fakecortex ca --out FILE`.
fn ca_file() -> Result<PathBuf> {
    if let Some(file) = env::var_os("FAKECORTEX_CA") {
        return Ok(file.into());
    }
    let home = env::var_os("HOME").context("set FAKECORTEX_CA to the file of the CA")?;
    Ok(PathBuf::from(home).join(".local/state/fakecortex/rootCA.pem"))
}
